import ByteIO
import Foundation
import TensorIO
import TestSupport
import Testing

/// Reading checkpoints in several files by their index, broken ones too.
@Suite struct ShardIndexTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    try TensorArchive([("a", try Tensor([1, 2] as [Float])), ("b", try Tensor([3] as [Int64]))])
      .write(to: folder.path("m-1.bin"))
    try TensorArchive([("c", try Tensor([4, 5, 6] as [Float]))]).write(to: folder.path("m-2.bin"))
  }

  @discardableResult
  private func write(_ index: String, _ name: String = "m.bin.index.json") throws -> String {
    try folder.write(Array(index.utf8), name)
  }

  private func failure(_ index: String) throws -> TensorIOError {
    let path = try write(index)
    return try #require(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
  }

  private let good = """
    {"metadata": {"total_size": 28}, "weight_map": {"c": "m-2.bin", "b": "m-1.bin", "a": "m-1.bin"}}
    """

  @Test func allShardsAreOneArchiveInTheOrderOfTheIndex() throws {
    let archive = try TensorArchive(contentsOf: try write(good))
    #expect(archive.names == ["c", "b", "a"])
    #expect(archive.format == "torch-zip")
    #expect(archive.findings.isEmpty)
    #expect(try archive.tensor("c").array(of: Float.self) == [4, 5, 6])
    // The content tells, not the name; a folder stands for its index.
    #expect(try TensorArchive(contentsOf: try write(good, "x")).names == ["c", "b", "a"])
    #expect(try TensorArchive(contentsOf: folder.url.path).names == ["c", "b", "a"])
    #expect(try TensorArchive(contentsOf: folder.url.path + "/").names == ["c", "b", "a"])
  }

  /// Names come from others: none may lead out of the folder.
  @Test(arguments: [
    "../m-1.bin", "/etc/passwd", "sub/m-1.bin", #"sub\\m-1.bin"#, "", ".", "..", #"m-1.bin\u0000"#,
    #"m\n.bin"#, "a..b",
  ])
  func namesThatLeadElsewhereAreRefused(name: String) throws {
    let error = try failure(#"{"weight_map": {"a": "\#(name)"}}"#)
    #expect(error.code == .malformed && error.reason.contains("no plain name"), "\(error)")
  }

  @Test func aMissingShardIsNamed() throws {
    let error = try failure(#"{"weight_map": {"a": "m-1.bin", "d": "m-3.bin"}}"#)
    #expect(error.code == .io && error.reason.contains("'m-3.bin'"))
    #expect(error.place.file == folder.path("m.bin.index.json"))
  }

  @Test func aNameThatItsShardHasNotIsNamed() throws {
    let error = try failure(#"{"weight_map": {"a": "m-1.bin", "zz": "m-2.bin"}}"#)
    #expect(error.code == .malformed && error.place.tensor == "zz")
    #expect(error.reason.contains("'m-2.bin'"))
  }

  @Test(arguments: [
    (#"{"a": 1}"#, TensorIOError.Code.unsupported), ("{}", .unsupported),
    (#"{"weight_map": []}"#, .malformed), (#"{"weight_map": {}}"#, .malformed),
    (#"{"weight_map": {"a": 1}}"#, .malformed),
    (#"{"weight_map": {"a": "m-1.bin", "a": "m-1.bin"}}"#, .malformed),
    (#"{"weight_map": {"a": "m-1.bin"}, "weight_map": {"a": "m-1.bin"}}"#, .malformed),
    (#"{"weight_map": {"a": "m-1.bin"}, "metadata": {"total_size": "8"}}"#, .malformed),
    (#"{"weight_map": {"a": "m-1.bin""#, .malformed), (#"{"weight_map""#, .malformed),
    (#"{"weight_map": {"a": "m.bin.index.json"}}"#, .malformed),
  ])
  func otherShapesAreRefused(index: String, code: TensorIOError.Code) throws {
    #expect(try failure(index).code == code, "\(index)")
  }

  @Test func shardsOfTwoFormatsAreRefused() throws {
    try TensorArchive([("d", try Tensor([1 as Float]))]).write(to: folder.path("m-3.npz"))
    let error = try failure(#"{"weight_map": {"a": "m-1.bin", "d": "m-3.npz"}}"#)
    #expect(error.code == .malformed && error.reason.contains("npz"))
  }

  @Test func whatTheIndexDoesNotNameIsFound() throws {
    let archive = try TensorArchive(contentsOf: try write(#"{"weight_map": {"b": "m-1.bin"}}"#))
    #expect(archive.names == ["b"])
    #expect(archive.findings.map(\.code) == [.unlistedTensor])
    #expect(archive.findings[0].member == "m-1.bin" && archive.findings[0].tensor == "a")
  }

  @Test func anotherTotalSizeIsFound() throws {
    let other = good.replacing("28", with: "29")
    let archive = try TensorArchive(contentsOf: try write(other))
    #expect(archive.findings.map(\.code) == [.wrongTotalSize])
    // Written by older programs.
    #expect(
      try TensorArchive(contentsOf: try write(good.replacing("28", with: "28.0"))).findings.isEmpty)
  }

  /// Writers count tensors that share a storage once, or each by itself.
  @Test(arguments: [(8, true), (16, true), (12, false)])
  func sharedStoragesMayBeCountedTwice(size: Int, isRight: Bool) throws {
    let tied = try Tensor([1, 2] as [Float])
    try TensorArchive([("a", tied), ("b", tied)]).write(to: folder.path("t.bin"))
    let path = try write(
      #"{"metadata":{"total_size":\#(size)},"weight_map":{"a":"t.bin","b":"t.bin"}}"#)
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.findings.isEmpty == isRight)
    #expect(archive.aliasGroups.count == 1)
  }

  @Test func findingsOfShardsNameThem() throws {
    let odd = Repository.testFile("npz/valid/duplicate-names.npz")
    try folder.write(try bytes(of: odd), "odd.npz")
    let inner = try TensorArchive(contentsOf: odd)
    let name = try #require(inner.names.first)
    let path = try write(#"{"weight_map": {"\#(name)": "odd.npz"}}"#)
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.findings.contains { $0.member?.hasPrefix("odd.npz/") == true })
  }

  @Test func aFolderWithSeveralIndexesIsRefusedAndListsThem() throws {
    try write(good)
    try write(good, "n.bin.index.json")
    // JSON of another kind does not count.
    try write(#"{"pages": []}"#, "search.index.json")
    let error = try #require(throws: TensorIOError.self) {
      try TensorArchive(contentsOf: folder.url.path)
    }
    #expect(error.reason.contains("'m.bin.index.json', 'n.bin.index.json'"))
    #expect(!error.reason.contains("search"))
  }

  @Test func aFolderWithoutAnIndexIsStillNoFile() throws {
    let error = try #require(throws: TensorIOError.self) {
      try TensorArchive(contentsOf: folder.url.path)
    }
    #expect(error.code == .invalidArgument && error.reason.contains("a directory"))
  }

  /// Each shard alone is small enough.
  @Test func limitsHoldForAllShardsTogether() throws {
    let path = try write(good)
    var options = ReadingOptions()
    options.limits.memberCount = 2
    #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path, options: options) }
    options = ReadingOptions()
    options.limits.headerBytes = 0
    let error = try #require(throws: TensorIOError.self) {
      try TensorArchive(contentsOf: path, options: options)
    }
    #expect(error.code == .limit)
  }

  /// An index cut short at any place is an error, and never a crash.
  @Test func everyTruncationIsAnError() throws {
    let text = Array(good.utf8)
    for count in 0..<text.count {
      let path = try folder.write(Array(text.prefix(count)), "cut.index.json")
      #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
    }
  }
}
