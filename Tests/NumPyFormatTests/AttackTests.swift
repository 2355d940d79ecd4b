import ByteIO
import TensorIO
import TestSupport
import Testing

/// Files made to break a reader, one attack a test.
@Suite struct AttackTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// An npy file with this descr, shape and payload.
  private func array(
    _ descr: String, shape: String = "(1,)", fortran: Bool = false, _ payload: [UInt8] = []
  ) throws -> String {
    let text =
      "{'descr': \(descr), 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [2, 0]
    bytes.append(littleEndian: UInt32(text.utf8.count))
    return try folder.write(bytes + Array(text.utf8) + payload, "a.npy")
  }

  /// Elements that cost nothing in a file, by the quintillion.
  @Test(arguments: [
    "[('a', [], (1152921504606846976,))]", "[('a', '|S0', (1152921504606846976,))]",
    "[('x', '<i4'), ('a', [], (1099511627776,))]", "[('a', '|V0', (4294967296, 0x100000))]",
  ])
  func emptyElementsWithoutEnd(_ descr: String) throws {
    let path = try array(descr, [0, 0, 0, 0])
    #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: path) }
  }

  @Test func subarraysOfManyAxes() throws {
    let axes = String(repeating: "1,", count: 100_000)
    for descr in ["'(\(axes))<f4,<i2'", "[('a', '<f4', (\(axes)))]"] {
      let path = try array(descr, [UInt8](repeating: 0, count: 6))
      #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
    }
  }

  @Test func oneElementOfAGigabyte() throws {
    let big = try Tensor(
      dtype: .void(count: 1 << 30), shape: [1],
      storage: Tensor(
        dtype: .uint8, shape: [1 << 30], strides: [0], storage: Tensor([1 as UInt8]).storage
      )
      .loaded().storage)
    var options = WritingOptions()
    options.compressionLevel = 1
    let path = folder.path("elem.npz")
    try TensorArchive([("a", big)]).write(to: path, options: options)
    // Hashing needs no element whole, so the tightest budget will do.
    var limits = DecodingLimits()
    limits.decodedBytes = 1 << 20
    var count = 0
    let tensor = try TensorArchive(contentsOf: path).tensor("a")
    try tensor.streamElements(limits: limits) { (chunk) throws(TensorIOError) in
      #expect(chunk.count <= 2 << 20)
      count += chunk.count
    }
    #expect(count == 1 << 30)
  }

  /// A Fortran-order member is gathered from the map, and its checksum counts all the same.
  @Test func aFlippedBitInAFortranMember() throws {
    let path = folder.path("f.npz")
    let tensor = try Tensor((0..<600).map(Float.init), shape: [20, 30]).transposed()
    try TensorArchive([("a", tensor)]).write(to: path)
    var data = try bytes(of: path)
    data[data.count / 2] ^= 4
    let damaged = try TensorArchive(contentsOf: folder.write(data, "g.npz")).tensor("a")
    #expect(throws: TensorIOError(.malformed, "")) { try damaged.array(of: Float.self) }
    #expect(throws: TensorIOError(.malformed, "")) { try damaged.loaded() }
    #expect(throws: TensorIOError(.malformed, "")) { try damaged.streamElements { _ in } }
  }

  /// Slices of a stored member check it once, not once each.
  @Test func aMemberIsVerifiedOnce() throws {
    let path = folder.path("m.npz")
    try TensorArchive([("a", try Tensor((0..<4_000_000).map(Float.init)))]).write(to: path)
    let tensor = try TensorArchive(contentsOf: path).tensor("a")
    var sum: Float = 0
    // Four thousand passes over 16 MB would take minutes.
    for index in 0..<4000 { sum += try tensor[index * 1000].array(of: Float.self)[0] }
    #expect(sum > 0)
  }

  /// Two archives in one file are two readings of it.
  @Test func twoArchivesInOneFile() throws {
    for (name, value) in [("a", 1), ("b", 2)] {
      try TensorArchive([(name, Tensor([Int8(value)]))]).write(to: folder.path(name + ".npz"))
    }
    let (one, two) = (try bytes(of: folder.path("a.npz")), try bytes(of: folder.path("b.npz")))
    let both = try folder.write(one + two, "ab.npz")
    #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: both) }
    // The second in the comment of the first.
    var commented = one
    commented[commented.count - 2] = UInt8(two.count & 0xff)
    commented[commented.count - 1] = UInt8(two.count >> 8)
    let hidden = try folder.write(commented + two, "com.npz")
    #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: hidden) }
    let trailing = try folder.write(one + [1, 2, 3], "t.npz")
    #expect(
      try TensorArchive(contentsOf: trailing).findings.map(\.code) == [.zipUnaccountedBytes])
  }

  /// A member that is no array keeps its whole name, and comes back under it.
  @Test func bytesUnderTheNameOfAnArray() throws {
    let source = try HeapBytes(Array("no array".utf8).span)
    let values = ValueGraph(dictionary: [
      ("x.npy", .bytes(source)), ("x", .tensor(try Tensor([1 as Float]))),
    ])
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
      try TensorArchive(values).write(to: folder.path("a.npz"))
    }
    #expect(error?.reason.contains("rename") == true)
    let alone = ValueGraph(dictionary: [("x.npy", .bytes(source))])
    try TensorArchive(alone).write(to: folder.path("b.npz"))
    let read = try TensorArchive(contentsOf: folder.path("b.npz"))
    #expect(read.otherValues.map(\.path) == [["x.npy"]])
    #expect(read.findings.map(\.code) == [.notAnArray])
  }

  /// Many long headers in a small archive would take hours to parse.
  @Test func longHeadersAddUp() throws {
    let fields = try StructuredType(
      fields: (0..<8000).map { .init(name: "field\($0)", dtype: .int8, offset: $0) },
      byteCount: 8000)
    let tensor = try Tensor.zeros([0], dtype: .structured(fields))
    var options = WritingOptions()
    options.compressionLevel = 6
    let path = folder.path("h.npz")
    try TensorArchive((0..<8).map { ("a\($0)", tensor) }).write(to: path, options: options)
    var reading = ReadingOptions()
    _ = try TensorArchive(contentsOf: path, options: reading)
    reading.limits.headerBytes = 200_000
    _ = try TensorArchive(contentsOf: path, options: reading)
    reading.limits.headerBytes = 100_000
    #expect(throws: TensorIOError(.limit, "")) {
      try TensorArchive(contentsOf: path, options: reading)
    }
  }

  /// NumPy reads the number after text without a size as the size, not as a shape.
  @Test func aSizeAfterTextWithoutOne() throws {
    let path = try array("[('a', 'S', 5), ('b', '<U', 2), ('c', '<i2')]", Array(0..<15))
    let tensor = try Tensor(contentsOf: path)
    guard case .structured(let type) = tensor.dtype else {
      Issue.record("\(tensor.dtype)")
      return
    }
    #expect(type.fields.map(\.dtype) == [.bytes(count: 5), .string(count: 2), .int16])
    #expect(type.fields.map(\.offset) == [0, 5, 13])
    let refused = try array("[('a', '|S0', (2,))]", [])
    #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: refused) }
  }

  @Test func subarraysOfOneElementStaySubarrays() throws {
    let path = try array("[('a', '<f4', 1), ('', '<f4', (2,))]", [UInt8](repeating: 0, count: 12))
    let tensor = try Tensor(contentsOf: path)
    guard case .structured(let type) = tensor.dtype else {
      Issue.record("\(tensor.dtype)")
      return
    }
    #expect(type.fields.map(\.shape) == [[1]])
    #expect(type.byteCount == 12)
  }
}
