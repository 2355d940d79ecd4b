import ByteIO
import SafetensorsFormat
import TensorIO
import TestSupport
import Testing

/// What files look like, and what becomes of tensors that share storages.
@Suite struct SafetensorsWritingTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private var path: String { folder.path("x.safetensors") }

  private func header(_ path: String) throws -> String {
    let all = try bytes(of: path)
    let count = all[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    return String(decoding: all[8..<8 + count], as: UTF8.self)
  }

  @Test func theHeaderIsThatOfTheOfficialWriter() throws {
    let archive = try TensorArchive([
      ("b", try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])),
      ("é\"\n\u{1}/", try Tensor([true, false, true])), ("a", try Tensor([1, 2] as [Int64])),
    ])
    try archive.write(to: path)
    // As safetensors 0.8.0 writes the same tensors.
    let text =
      #"{"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2,3],"#
      + #""data_offsets":[16,40]},"é\"\n\u0001/":{"dtype":"BOOL","shape":[3],"data_offsets":[40,43]}}"#
    let spaces = (8 - text.utf8.count % 8) % 8
    #expect(try header(path) == text + String(repeating: " ", count: spaces))
    #expect(archive.losses(writingAs: SafetensorsFormat.self).map(\.kind) == [.order])
  }

  @Test func thePayloadIsAligned() throws {
    var options = WritingOptions()
    options.payloadAlignment = 64
    try TensorArchive([("x", try Tensor([1] as [Float]))]).write(to: path, options: options)
    #expect((try header(path).utf8.count + 8) % 64 == 0)
    options.payloadAlignment = 12
    #expect(throws: TensorIOError.self) {
      try TensorArchive([("x", try Tensor([1] as [Float]))]).write(to: path, options: options)
    }
  }

  /// A tensor, itself again, its transpose, its second row, and others that overlap or differ.
  private func shared() throws -> TensorArchive {
    let base = try Tensor((0..<6).map(Float.init), shape: [2, 3])
    func view(_ shape: [Int], _ strides: [Int], _ offset: Int, _ dtype: DType = .float32) throws
      -> Tensor
    {
      try Tensor(
        dtype: dtype, shape: shape, strides: strides, offset: offset, storage: base.storage)
    }
    return try TensorArchive([
      ("a", base), ("b", try view([2, 3], [3, 1], 0)), ("c", try view([3, 2], [1, 3], 0)),
      ("d", try view([3], [1], 3)), ("e", try view([6], [1], 0, .int32)),
    ])
  }

  @Test(arguments: [TiePolicy.record, .drop])
  func sharingIsKept(_ policy: TiePolicy) throws {
    let archive = try shared()
    var options = WritingOptions()
    options.ties = policy
    let losses = archive.losses(writingAs: SafetensorsFormat.self, options: options)
    // What is left out comes last when it is read.
    let expected = ["aliasing e"] + (policy == .drop ? ["order e"] : [])
    #expect(losses.map { "\($0.kind) \($0.name)" } == expected)
    try archive.write(to: path, options: options)
    let copy = try TensorArchive(contentsOf: path)
    #expect(copy.metadata.isEmpty)
    #expect(copy.aliasGroups.map { $0.map(\.name).sorted() } == [["a", "b", "c", "d"]])
    #expect(try copy.tensor("c").strides == [1, 3])
    #expect(try copy.tensor("d").array(of: Float.self) == [3, 4, 5])
    #expect(try copy.tensor("c").array(of: Float.self) == [0, 3, 1, 4, 2, 5])
    var reading = ReadingOptions()
    reading.restoresTies = false
    let plain = try TensorArchive(contentsOf: path, options: reading)
    #expect(plain.aliasGroups.isEmpty)
    #expect(plain.names == (policy == .drop ? ["a", "e"] : ["a", "b", "c", "d", "e"]))
    if policy == .drop { #expect(plain.metadata.contains { $0 == ("b", "a") }) }
  }

  @Test func clonesAreNotTied() throws {
    var options = WritingOptions()
    options.ties = .clone
    let archive = try shared()
    let losses = archive.losses(writingAs: SafetensorsFormat.self, options: options)
    #expect(losses.filter { $0.kind == .aliasing }.map(\.name) == ["b", "c", "d", "e"])
    try archive.write(to: path, options: options)
    #expect(try TensorArchive(contentsOf: path).aliasGroups.isEmpty)
  }

  @Test func copiesThatBecameDifferentAreNoticed() throws {
    try shared().write(to: path)
    var all = try bytes(of: path)
    // The last of "d", which is written after a, b, c; "e" comes last.
    all[all.count - 25] ^= 1
    let other = try folder.write(all, "other.safetensors")
    let archive = try TensorArchive(contentsOf: other)
    let error = #expect(throws: TensorIOError.self) {
      try archive.tensor("a").array(of: Float.self)
    }
    #expect(error?.reason.contains("--ignore-ties") ?? false, "\(String(describing: error))")
    var options = ReadingOptions()
    options.restoresTies = false
    let plain = try TensorArchive(contentsOf: other, options: options)
    #expect(try plain.tensor("a").array(of: Float.self) == (0..<6).map(Float.init))
  }

  @Test(arguments: [
    "no JSON", #"{"b":{}}"#, #"{"b":{"of":"x","shape":[1],"offset":0,"strides":[1]}}"#,
    #"{"b":{"of":"a","shape":[9],"offset":0,"strides":[1]}}"#,
    #"{"b":{"of":"a","shape":[1],"offset":-1,"strides":[1]}}"#,
    #"{"b":{"of":"b","shape":[1],"offset":0,"strides":[1]}}"#,
    #"{"z":{"of":"a","shape":[4611686018427387904,8],"offset":0,"strides":[0,0]}}"#,
    #"{"z":{"of":"a","shape":[2],"offset":0,"strides":[4611686018427387904]}}"#,
  ])
  func recordsThatDoNotFitAreFindings(_ record: String) throws {
    var archive = try TensorArchive([
      ("a", try Tensor([1, 2] as [Float])), ("b", try Tensor([1] as [Float])),
    ])
    archive.metadata = [("tensorio.ties", record), ("k", "v")]
    try archive.write(to: path)
    // Our writer has no such record, so it is put in by hand.
    let text = "{\"__metadata__\":{\"k\":\"v\"}"
    let escaped = record.replacing("\"", with: "\\\"")
    var head = try header(path)
    #expect(head.hasPrefix(text))
    head = head.replacing(text, with: "{\"__metadata__\":{\"tensorio.ties\":\"\(escaped)\"}")
    let count = UInt64(head.utf8.count)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    let payload = try bytes(of: path).suffix(12)
    let changed = try folder.write(length + Array(head.utf8) + payload, "changed.safetensors")
    let copy = try TensorArchive(contentsOf: changed)
    #expect(copy.findings.map(\.code) == [.brokenTies])
    #expect(copy.names == ["a", "b"])
    #expect(copy.aliasGroups.isEmpty)
    #expect(try copy.tensor("b").array(of: Float.self) == [1])
  }

  @Test func whatSafetensorsHasNot() throws {
    let tensor = try Tensor([1] as [Float]).converted(to: .complex128)
    #expect(throws: TensorIOError.self) { try TensorArchive([("x", tensor)]).write(to: path) }
    let name = try TensorArchive([("__metadata__", try Tensor([1] as [Float]))])
    #expect(throws: TensorIOError.self) { try name.write(to: path) }
    #expect(try folder.contents().isEmpty)
  }

  /// Many tensors of all sizes, so that several cores write at once.
  @Test func largeFilesAreWrittenInParts() throws {
    let tensors = try (0..<300).map { index in
      let count = [1, 1000, 70_000, 400_000, 0][index % 5]
      return ("t\(index)", try Tensor([Float](repeating: Float(index), count: count)))
    }
    try TensorArchive(tensors).write(to: path)
    let copy = try TensorArchive(contentsOf: path)
    for (name, tensor) in tensors {
      #expect(try copy.tensor(name).array(of: Float.self) == tensor.array(of: Float.self))
    }
  }
}
