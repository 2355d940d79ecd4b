import TensorIO
import TestSupport
import Testing

/// What every format of the registry has to hold.
@Suite struct ConformanceTests {
  private static func samples() throws -> [(String, Tensor)] {
    let base = try Tensor((0..<24).map(Float.init), shape: [2, 3, 4])
    return [
      ("plain", base),
      ("transposed", base.transposed()),
      ("view", try base[1, 0..<2, TensorIndex.slice(from: nil, to: nil, step: -2)]),
      ("scalar", try Tensor(scalar: 2.5)),
      ("empty", try Tensor([Int16](), shape: [0, 3])),
      ("flags", try Tensor([true, false, true])),
      ("broadcast", try .full([3, 2], UInt8(7))),
      ("bf16", try Tensor([BFloat16(1.5), BFloat16(-2)])),
      ("é", try Tensor([Complex<Double>(1, -2)])),
      ("layers.0.weight", try Tensor([Int64.min, 0, .max])),
    ]
  }

  private func options(for archive: TensorArchive) -> ReadingOptions {
    var options = ReadingOptions()
    options.rawTypes = [2: .bfloat16]
    return options
  }

  /// Several formats of PyTorch share endings; one of them is written.
  @Test func identifiersAndWrittenEndingsAreUnique() {
    let descriptors = FormatRegistry.descriptors
    #expect(!descriptors.isEmpty)
    #expect(Set(descriptors.map(\.id)).count == descriptors.count)
    let endings = descriptors.filter(\.canWrite).flatMap(\.extensions)
    #expect(Set(endings).count == endings.count)
    for descriptor in descriptors {
      #expect(FormatRegistry.format(id: descriptor.id)?.descriptor == descriptor)
    }
  }

  /// Whether a format has a dtype like that.
  private func canWrite(
    _ tensor: Tensor, _ descriptor: FormatDescriptor, in folder: TemporaryFolder
  ) throws -> Bool {
    do {
      try TensorArchive([("x", tensor)]).write(to: folder.path("x.\(descriptor.extensions[0])"))
      return true
    } catch {
      guard error.code == .unsupported else { throw error }
      return false
    }
  }

  /// Names, dtypes, shapes and bytes survive; the same archive gives the same bytes twice.
  @Test func whatIsWrittenIsReadBack() throws {
    let folder = try TemporaryFolder()
    for format in FormatRegistry.all where format.descriptor.canWrite {
      let descriptor = format.descriptor
      let samples = try Self.samples().filter { try canWrite($0.1, descriptor, in: folder) }
      #expect(samples.count >= 9)
      let parts = descriptor.holdsMany ? [samples] : samples.map { [$0] }
      for (index, part) in parts.enumerated() {
        let archive =
          descriptor.holdsMany
          ? try TensorArchive(part) : try TensorArchive(part[0].1)
        let path = folder.path("\(index).\(descriptor.extensions[0])")
        try archive.write(to: path)
        let first = try bytes(of: path)
        try archive.write(to: path)
        #expect(try bytes(of: path) == first, "\(descriptor.id) is not deterministic")
        let read = try TensorArchive(contentsOf: path, options: options(for: archive))
        #expect(read.format == descriptor.id)
        #expect(read.findings.isEmpty)
        let isSorted = archive.losses(writingAs: format).contains { $0.kind == .order }
        let order = { (entries: [TensorArchive.Entry]) in
          isSorted ? entries.sorted { $0.name < $1.name } : entries
        }
        // A name is made for what has none where the format needs one.
        if !archive.names.contains("") {
          #expect(order(read.entries).map(\.name) == order(archive.entries).map(\.name))
        }
        for (left, right) in zip(order(archive.entries), order(read.entries)) {
          #expect(left.tensor.dtype == right.tensor.dtype, "\(left.name)")
          #expect(left.tensor.shape == right.tensor.shape, "\(left.name)")
          #expect(try left.tensor.goldenHash() == (try right.tensor.goldenHash()), "\(left.name)")
        }
      }
    }
  }

  @Test func contentDecidesAndTheNameIsCompared() throws {
    let folder = try TemporaryFolder()
    try Tensor([1, 2] as [Float]).write(to: folder.path("a.npy"))
    let misnamed = try folder.write(bytes(of: folder.path("a.npy")), "a.npz")
    let archive = try TensorArchive(contentsOf: misnamed)
    #expect(archive.format == "npy")
    #expect(archive.findings.map(\.code) == [.wrongExtension])
  }

  @Test func foreignFilesAreCalledByTheirName() throws {
    let folder = try TemporaryFolder()
    let cases: [(String, [UInt8], String)] = [
      ("empty", [], "empty"), ("gzip", [0x1f, 0x8b, 8, 0], "gzip"),
      ("lfs", Array("version https://git-lfs.github.com/spec/v1\n".utf8), "Git LFS"),
      ("html", Array("<!DOCTYPE html>".utf8), "HTML"),
      ("pickle", [0x80, 2] + [UInt8](repeating: 0x2e, count: 20), "STOP"),
    ]
    for (name, content, word) in cases {
      let path = try folder.write(content, name)
      let error = #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
      #expect(error?.reason.contains(word) == true, "\(name): \(error?.reason ?? "")")
      #expect(error?.place.file == path)
    }
  }

  @Test func aPyTorchArchiveIsNoEmptyNPZ() throws {
    let folder = try TemporaryFolder()
    let pickle = ValueGraph.Node.bytes(try HeapBytes([0x80, 2, 0x4e, 0x2e].span))
    let version = ValueGraph.Node.bytes(try HeapBytes([UInt8(ascii: "3")].span))
    try TensorArchive(ValueGraph(dictionary: [("m/data.pkl", pickle), ("m/version", version)]))
      .write(to: folder.path("model.npz"))
    let archive = try TensorArchive(contentsOf: folder.path("model.npz"))
    #expect(archive.format == "torch-zip")
    #expect(archive.findings.map(\.code) == [.wrongExtension])
  }

  @Test func everyLimitIsHeld() throws {
    let path = Repository.testFile("npz/valid/savez-compressed.npz")
    func open(_ change: (inout DecodingLimits) -> Void) throws {
      var options = ReadingOptions()
      change(&options.limits)
      let archive = try TensorArchive(contentsOf: path, options: options)
      for entry in archive.entries { try entry.tensor.storage.withBytes { _ in } }
    }
    try open { _ in }
    #expect(throws: TensorIOError(.limit, "")) { try open { $0.headerBytes = 100 } }
    #expect(throws: TensorIOError(.limit, "")) { try open { $0.memberCount = 1 } }
    #expect(throws: TensorIOError(.limit, "")) { try open { $0.nestingDepth = 0 } }
    let error = #expect(throws: TensorIOError(.limit, "")) { try open { $0.decodedBytes = 10 } }
    #expect(error?.reason.contains("decodedBytes") == true)
    let broadcast = try Tensor(
      dtype: .uint8, shape: [1 << 20, 1 << 20], strides: [0, 0],
      storage: Tensor(scalar: UInt8(1)).storage)
    var limits = DecodingLimits()
    limits.expandedBytes = 1 << 30
    #expect(throws: TensorIOError(.limit, "")) {
      try broadcast.streamElements(limits: limits) { _ in }
    }
  }
}
