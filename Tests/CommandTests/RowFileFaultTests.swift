import Foundation
import TensorData
import TensorIO
import TestSupport
import Testing

/// What must not be lost when files of rows are written: found by a reader who had not built it.
@Suite struct RowFileFaultTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func rows(_ name: String, _ count: Int = 10) throws -> String {
    let path = folder.path(name)
    try TensorArchive([("x", Tensor.arange(count))]).write(to: path)
    return path
  }

  @Test func twoSpellingsOfOneOutputAreRefused() throws {
    let input = try rows("a.npz")
    try FileManager.default.createDirectory(
      atPath: folder.path("real"), withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link"), withDestinationPath: folder.path("real"))
    for (one, other) in [("o.npz", "./o.npz"), ("real/o.npz", "link/o.npz")] {
      let result = try Command.run(
        "split", input, "--by", "0.5,0.5", "-o", folder.path(one), "-o", folder.path(other))
      #expect(result.status == 2)
      #expect(result.errors.contains("two outputs are this file"), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path(one)))
    }
  }

  @Test func theInputIsNotOneOfSeveralOutputs() throws {
    let input = try rows("a.npz")
    let before = try bytes(of: input)
    let result = try Command.run(
      "split", input, "--by", "0.5,0.5", "-o", input, "-o", folder.path("b.npz"), "--force")
    #expect(result.status == 2)
    #expect(try bytes(of: input) == before)
    let shuffled = try Command.run(
      "split", input, "--by", "rest", "--seed", "7", "-o", input, "--force")
    #expect(shuffled.status == 0, "\(shuffled.errors)")
    #expect(
      try TensorArchive(contentsOf: input).tensor("x").array(of: Int64.self)
        == Array(RowOrder(count: 10, shuffle: .seeded(7))).map(Int64.init))
  }

  @Test func aFailedSplitMakesNoFolder() throws {
    let made = folder.path("made")
    let result = try Command.run(
      "split", folder.path("none.npz"), "--by", "0.5,0.5", "--out-dir", made)
    #expect(result.status == 2)
    #expect(!FileManager.default.fileExists(atPath: made))
  }

  /// The parts of a sparse tensor mean nothing row by row.
  @Test(arguments: ["sparse-coo.pt", "nested-jagged.pt", "sparse-csr.pt"])
  func sparseAndNestedTensorsStayWhole(_ name: String) throws {
    let input = Repository.testFile("torch/valid/\(name)")
    let original = try TensorArchive(contentsOf: input)
    let output = folder.path("o.pt")
    let sampled = try Command.run("sample", input, "-n", "1", "-o", output)
    #expect(sampled.errors.contains("sparse and nested tensors have no rows"), "\(sampled)")
    if sampled.status == 0 {
      let copy = try TensorArchive(contentsOf: output)
      for entry in original.entries where entry.path.last?.hasPrefix("@") == true {
        #expect(try copy.tensor(entry.name).shape == entry.tensor.shape, "\(entry.name)")
      }
    }
    let part = try #require(original.names.first { $0.contains("@") })
    let split = try Command.run("split", input, "--by", "0.5,0.5", "--along", part)
    #expect(split.status == 2)
    #expect(split.errors.contains("no rows of its own"), "\(split.errors)")
    #expect(throws: TensorIOError.self) { try TensorDataset(original, columns: [part]) }
  }

  @Test func namesThatDifferInNpyAloneAreRefused() throws {
    let target = try rows("t.npz")
    let before = try bytes(of: target)
    let both = folder.path("both.pt")
    try TensorArchive([("y", Tensor.arange(2)), ("y.npy", Tensor.arange(3))]).write(to: both)
    #expect(try Command.run("append", target, both).status == 2)
    #expect(try bytes(of: target) == before)
    let one = folder.path("one.pt")
    try TensorArchive([("x.npy", Tensor.arange(3))]).write(to: one)
    let result = try Command.run("append", target, one, "--replace")
    #expect(result.status == 2)
    #expect(result.errors.contains("with and without .npy"), "\(result.errors)")
    #expect(try bytes(of: target) == before)
  }

  @Test func anAppendThatCannotMakeItsFileLeavesNone() throws {
    let broken = try rows("broken.npz", 100_000)
    var contents = try bytes(of: broken)
    contents[contents.count / 2] ^= 1
    try Data(contents).write(to: URL(filePath: broken))
    let target = folder.path("new.npy")
    let result = try Command.run("append", "--create", target, broken)
    #expect(result.status == 2)
    #expect(!FileManager.default.fileExists(atPath: target), "\(result)")
  }

  @Test func uncountedRowsStayUntilRowsAreAppended() throws {
    let target = folder.path("t.npy")
    try Tensor.arange(4).write(to: target)
    var contents = try bytes(of: target)
    contents += [1, 2, 3]
    try Data(contents).write(to: URL(filePath: target))
    let floats = folder.path("f.npy")
    try Tensor.zeros([2]).write(to: floats)
    #expect(try Command.run("append", target, floats).status == 2)
    #expect(try bytes(of: target) == contents)
    let more = folder.path("m.npy")
    try Tensor.arange(2).write(to: more)
    let result = try Command.run("append", target, more)
    #expect(result.status == 0 && result.errors.contains("3 bytes"), "\(result)")
    #expect(try Tensor(contentsOf: target).array(of: Int64.self) == [0, 1, 2, 3, 0, 1])
  }
}
