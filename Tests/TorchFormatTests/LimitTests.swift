import ByteIO
import TensorIO
import TestSupport
import Testing

/// Files and values that ask for too much: each limit at its last passing value, one below and one
/// above; what is nested deeply, and what holds itself.
@Suite struct LimitTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func error(
    _ path: String, _ limit: WritableKeyPath<DecodingLimits, Int>, _ value: Int
  ) -> TensorIOError? {
    var options = ReadingOptions()
    options.limits[keyPath: limit] = value
    do throws(TensorIOError) {
      let archive = try TensorArchive(contentsOf: path, options: options)
      _ = try archive.loaded(limits: options.limits)
      return nil
    } catch {
      return error
    }
  }

  /// The file opens with `need` and with one more, and not with one less, where the error says which
  /// limit to raise.
  private func expect(
    _ need: Int, _ limit: WritableKeyPath<DecodingLimits, Int>, _ name: String, _ path: String
  ) {
    let below = error(path, limit, need - 1)
    #expect(below?.code == .limit, "\(name) of \(need - 1): \(below as Any)")
    #expect(below?.reason.contains("DecodingLimits.\(name)") ?? false, "\(below as Any)")
    // What is loaded later is known by the tensor's name.
    #expect(below?.place.file == path || below?.place.tensor != nil, "\(below as Any)")
    for value in [need, need + 1] {
      let other = error(path, limit, value)
      #expect(other == nil, "\(name) of \(value): \(other as Any)")
    }
  }

  private func pickle(_ body: [UInt8], _ name: String = "a.pkl") throws -> String {
    try folder.write([0x80, 2] + body + [0x2e], name)
  }

  private func tensors(_ count: Int) throws -> TensorArchive {
    try TensorArchive(
      (0..<count).map { ("t\($0)", try Tensor([Float](repeating: Float($0), count: 16))) })
  }

  // MARK: One limit at a time

  @Test func objectsOfAPickle() throws {
    // A list, and numbers of which each is an object.
    let numbers = (0..<100).flatMap { number -> [UInt8] in [0x4b, UInt8(number)] }
    expect(101, \.objectCount, "objectCount", try pickle([0x5d, 0x28] + numbers + [0x65]))
  }

  @Test func valuesOfAPickle() throws {
    let numbers = (0..<100).flatMap { number -> [UInt8] in [0x4b, UInt8(number)] }
    expect(100, \.memberCount, "memberCount", try pickle([0x5d, 0x28] + numbers + [0x65]))
  }

  @Test func nestingOfAPickle() throws {
    let lists = [UInt8](repeating: 0x5d, count: 50) + [UInt8](repeating: 0x61, count: 49)
    expect(50, \.nestingDepth, "nestingDepth", try pickle(lists))
  }

  @Test func tensorsThatAreLoaded() throws {
    let path = folder.path("a.pt")
    // Each 1000 elements, so that the pickle is the smaller part.
    try TensorArchive(
      (0..<3).map { ("t\($0)", try Tensor([Double](repeating: 1, count: 1000))) }
    )
    .write(to: path)
    expect(3 * 8000, \.decodedBytes, "decodedBytes", path)
  }

  @Test func aPickleThatIsLoaded() throws {
    // A long text, and no tensor.
    let text = String(repeating: "x", count: 5000)
    let path = folder.path("a.pt")
    try TensorArchive(ValueGraph(dictionary: [("text", .string(text))])).write(to: path)
    let error = error(path, \.decodedBytes, 4999)
    #expect(error?.code == .limit)
    #expect(self.error(path, \.decodedBytes, 20_000) == nil)
  }

  @Test func membersOfAnArchive() throws {
    let path = folder.path("a.pt")
    try tensors(20).write(to: path)
    // 20 storages, and data.pkl, byteorder and version.
    expect(23, \.memberCount, "memberCount", path)
  }

  // MARK: Deep, and round

  private static let deep = 100_000

  @Test func aHundredThousandLists() throws {
    let lists =
      [UInt8](repeating: 0x5d, count: Self.deep) + [UInt8](repeating: 0x61, count: Self.deep - 1)
    let path = try pickle(lists)
    #expect(throws: TensorIOError(.limit, "")) { try TensorArchive(contentsOf: path) }
    expect(Self.deep, \.nestingDepth, "nestingDepth", path)
    var options = ReadingOptions()
    options.limits.nestingDepth = Self.deep
    let archive = try TensorArchive(contentsOf: path, options: options)
    try archive.write(to: folder.path("a.pt"))
    expect(Self.deep, \.nestingDepth, "nestingDepth", folder.path("a.pt"))
  }

  @Test func aHundredThousandTuples() throws {
    let path = try pickle([0x4e] + [UInt8](repeating: 0x85, count: Self.deep))
    expect(Self.deep, \.nestingDepth, "nestingDepth", path)
  }

  @Test func aHundredThousandCalls() throws {
    // f(f(f(…))), with a function that nobody knows.
    let name: [UInt8] = [0x63] + Array("m\nf\n".utf8) + [0x71, 0, 0x30]
    let calls = (0..<Self.deep).flatMap { _ -> [UInt8] in [0x68, 0] }
    let ends = (0..<Self.deep).flatMap { _ -> [UInt8] in [0x85, 0x52] }
    let path = try pickle(name + calls + [0x4e] + ends)
    expect(Self.deep, \.nestingDepth, "nestingDepth", path)
  }

  /// Asked for its contents at every turn, it would never end.
  @Test func aListThatHoldsItselfAMillionTimes() throws {
    let items = (0..<1_000_000).flatMap { _ -> [UInt8] in [0x68, 0] }
    let path = try pickle([0x5d, 0x71, 0, 0x28] + items + [0x65])
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.entries.isEmpty)
    #expect(archive.values.children(of: archive.values.root)?.count == 1_000_000)
  }

  /// 2^64 paths lead through 64 tuples of two.
  @Test func tuplesThatDouble() throws {
    let doubling = (0..<64).flatMap { _ -> [UInt8] in [0x32, 0x86] }
    let path = try pickle([0x29] + doubling)
    #expect(throws: TensorIOError(.limit, "")) { try TensorArchive(contentsOf: path) }
  }
}
