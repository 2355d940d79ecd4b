import ByteIO
import TensorIO
import TestSupport
import Testing

/// Archives with several members of one name, or of names that differ in case alone.
///
/// PyTorch takes one or another of them, depending on how many members there are.
@Suite struct DuplicateTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let root = Op.list([Op.tensor(Op.storage("ByteStorage", "0", 1), [1])])
  private static let members = TorchBytes.members(root, [("0", [7])])

  private func write(_ extra: (String, [UInt8])..., name: String = "a.pt") throws -> String {
    try folder.write(TorchBytes.zip(Self.members + extra), name)
  }

  @Test(arguments: [
    "data.pkl", "DATA.pkl", "data/0", "Data/0", "version", "byteorder", "ByteOrder",
  ])
  func aRecordThatIsThereTwiceIsRefused(_ record: String) throws {
    let name = "archive/\(record)"
    let same = Self.members.first { $0.name.lowercased() == name.lowercased() }
    let bytes = try #require(same?.bytes)
    for count in 1...4 {
      let extra = (0..<count).map { (name: $0 == 0 ? name : "archive/z\($0)", bytes: bytes) }
      let path = try folder.write(TorchBytes.zip(Self.members + extra), "a.pt")
      let error = openingError(path)
      #expect(error?.code == .malformed, "\(record): \(error as Any)")
      #expect(error?.reason.contains("several members of this name") ?? false, "\(error as Any)")
      #expect(error?.place.member?.lowercased() == name.lowercased())
    }
  }

  @Test func aSecondPickleIsStillSearched() throws {
    let bad = Op.program(Op.call("os", "getcwd"))
    let path = try write(("archive/data.pkl", bad))
    let scan = try GlobalScan(contentsOf: path)
    #expect(scan.pickleCount == 2)
    #expect(scan.dangerous.map(\.global.name.description) == ["os.getcwd"])
  }

  @Test func whatNobodyReadsMayBeThereTwice() throws {
    let path = try write(("archive/notes", [1]), ("archive/notes", [2]), ("archive/NOTES", [3]))
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.findings.map(\.code) == [.duplicateMember, .duplicateMember])
    #expect(try archive.onlyTensor().element(at: [0]) == .uint(7))
  }

  @Test func aRecordIsFoundInAnotherCase() throws {
    let members = Self.members.map { (name: $0.name.uppercased(), bytes: $0.bytes) }
    let path = try folder.write(TorchBytes.zip(members), "a.pt")
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.findings.isEmpty)
    #expect(try archive.onlyTensor().element(at: [0]) == .uint(7))
  }

  /// A class is one object however often a file names it, so it is one key; found by fuzzing.
  @Test func aClassThatIsAKeyTwiceIsOneKey() throws {
    let name = Op.global("numpy", "ndarray")
    let body =
      [0x7d, 0x28] + name + Op.int(1) + Op.text("a") + Op.int(2) + name + Op.int(3) + [0x75]
    let path = try folder.write(Op.program(body), "a.pkl")
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.findings.map(\.code) == [.duplicateKey])
    guard case .dictionary(let pairs) = archive.values[archive.values.root] else {
      Issue.record("no dictionary")
      return
    }
    let values = pairs.map { "\(archive.values[$0.value])" }
    #expect(values == ["int(3)", "int(2)"])
  }

  /// A look-up by name stays one, whatever names there are.
  @Test func aPairOfNamesDoesNotSlowDownTheOthers() throws {
    let keys = (0..<5000).map { "k\($0)" }
    let tensors = keys.map { Op.tensor(Op.storage("ByteStorage", $0, 1), [1]) }
    let members = TorchBytes.members(Op.list(tensors), keys.map { ($0, [1]) })
    let path = try folder.write(
      TorchBytes.zip(members + [("archive/x", []), ("archive/X", [])]), "a.pt")
    let start = ContinuousClock.now
    #expect(try TensorArchive(contentsOf: path).entries.count == keys.count)
    #expect(ContinuousClock.now - start < .seconds(10))
  }
}
