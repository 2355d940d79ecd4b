import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio split` from outside.
@Suite struct SplitCommandTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func dataset(_ name: String = "d.npz", compressed: Bool = false) throws -> String {
    let path = folder.path(name)
    var options = WritingOptions()
    if compressed { options.compressionLevel = 6 }
    let columns = try Tensor(
      dtype: .float64, shape: [1000, 3], strides: [1, 1000],
      storage: Tensor((0..<3000).map { Double($0) }).storage)
    try TensorArchive([
      ("x", Tensor((0..<28_000).map { Float($0) }, shape: [1000, 4, 7])),
      ("y", Tensor((0..<1000).map { Int64($0) })), ("columns", columns),
      ("names", Tensor([1, 2, 3] as [UInt8])), ("step", Tensor(scalar: 5 as Int64)),
    ]).write(to: path, options: options)
    return path
  }

  /// NumPy, with the order that Specs/datasets.md defines, takes the same rows.
  private func compare(_ input: String, seed: String, _ sizes: [Int], _ outputs: [String]) throws {
    let script = Repository.root.appending(path: "Tests/Oracle/split.py").path
    let sizes = sizes.map(String.init).joined(separator: ",")
    #expect(try Oracle.run([script, input, "1000", seed, sizes] + outputs) == "same\n")
  }

  @Test(arguments: [false, true]) func thePartsAreTheRows(compressed: Bool) throws {
    let input = try dataset(compressed: compressed)
    let ordered = try Command.run("split", input, "--by", "0.8,0.15,0.05", "--along", "y")
    #expect(ordered.status == 0, "\(ordered.errors)")
    #expect(ordered.errors.contains("whole in every part: 'names', 'step'"))
    let parts = (0..<3).map { folder.path("d.\($0).npz") }
    try compare(input, seed: "-", [800, 150, 50], parts)
    let shuffled = try Command.run(
      "split", input, "--by", "333,rest", "--along", "y", "--seed", "7", "--names", "a,b",
      "--out-dir", folder.path("out"), "--json")
    #expect(shuffled.status == 0, "\(shuffled.errors)")
    try compare(
      input, seed: "7", [333, 667], ["a", "b"].map { folder.path("out/d.\($0).npz") })
    let json = try JSONValue(parsing: Data(shuffled.output.utf8))
    #expect(json["rows"] == .int(1000) && json["seed"] == .int(7) && json["dropped"] == .int(0))
    #expect(json["parts"]?.items.map { $0["rows"]?.integer } == [333, 667])
    #expect(json["split"]?.texts == ["x", "y", "columns"])
    #expect(json["whole"]?.texts == ["names", "step"])
  }

  @Test func otherFormatsGoByTheEnding() throws {
    let input = try dataset()
    let outputs = [folder.path("train.pt"), folder.path("test.safetensors")]
    let result = try Command.run(
      "split", input, "--by", "0.5,0.5", "--along", "x", "-o", outputs[0], "-o", outputs[1])
    #expect(result.status == 0, "\(result.errors)")
    for (output, start) in zip(outputs, [0, 500]) {
      let y = try TensorArchive(contentsOf: output).tensor("y")
      #expect(try y.array(of: Int64.self) == (start..<start + 500).map { Int64($0) })
    }
    // That there are fewer rows is no loss, and the other rows of a storage are not in the file.
    #expect(!result.errors.contains("not kept: the part of its storage"))
    #expect(try bytes(of: outputs[0]).count < 100_000)
    let back = try Command.run(
      "split", outputs[0], "--by", "250,250", "--along", "y", "--seed", "1")
    #expect(back.status == 0, "\(back.errors)")
    let one = try Command.run("split", input, "--by", "0.5,0.5", "-o", "a.npy", "-o", "b.npy")
    #expect(one.status == 2)
  }

  /// Views share a storage as long as they are views.
  @Test func sharingIsKeptOrSaidToBeLost() throws {
    let input = folder.path("s.pt")
    let base = try Tensor((0..<8).map { Float($0) })
    try TensorArchive([("a", base), ("b", base.reshaped(to: [8, 1]))]).write(to: input)
    let ordered = try Command.run("split", input, "--by", "6,2")
    #expect(ordered.status == 0)
    #expect(!ordered.errors.contains("shares its storage"))
    #expect(try TensorArchive(contentsOf: folder.path("s.1.pt")).aliasGroups.count == 1)
    let shuffled = try Command.run("split", input, "--by", "6,2", "--seed", "1", "-f", "--json")
    #expect(shuffled.status == 0)
    #expect(shuffled.errors.contains("'a': not kept: that it shares its storage with 'b'"))
    #expect(shuffled.output.contains(#"{"kind":"aliasing","name":"a""#))
    #expect(try TensorArchive(contentsOf: folder.path("s.1.pt")).aliasGroups.isEmpty)
  }

  /// Trees keep their containers, and objects go with their rows.
  @Test func nestedValuesAndObjects() throws {
    let input = folder.path("o.npz")
    let script = """
      import numpy as np, sys
      np.savez(sys.argv[1], x=np.arange(10), names=np.array(list("abcdefghij"), dtype=object))
      """
    _ = try Oracle.run(["-c", script, input])
    let result = try Command.run("split", input, "--by", "7,3", "--seed", "3")
    #expect(result.status == 0, "\(result.errors)")
    let oracle = Repository.root.appending(path: "Tests/Oracle/split.py").path
    let parts = [folder.path("o.0.npz"), folder.path("o.1.npz")]
    #expect(try Oracle.run([oracle, input, "10", "3", "7,3"] + parts) == "same\n")

    var graph = ValueGraph(dictionary: [("x", .tensor(try Tensor([1, 2, 3, 4] as [Float])))])
    let inner = graph.root
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("data")), inner), (graph.add(.string("n")), graph.add(.int(9))),
        ])))
    let nested = folder.path("n.pt")
    try TensorArchive(graph).write(to: nested)
    #expect(try Command.run("split", nested, "--by", "1,3").status == 0)
    let part = try TensorArchive(contentsOf: folder.path("n.1.pt"))
    #expect(part.entries[0].path == ["data", "x"])
    #expect(try part.onlyTensor().array(of: Float.self) == [2, 3, 4])
    #expect(part.otherValues.map(\.path) == [["n"]])
  }

  @Test func nothingIsLeftWhenOneFails() throws {
    let input = try dataset()
    let before = try folder.contents()
    let results = [
      try Command.run(
        "split", input, "--by", "0.5,0.5", "--along", "x", "-o", folder.path("a.npz"), "-o",
        "/nowhere/b.npz"),
      // Bytes that turn out wrong when the second part is written.
      try Command.run(
        "split", Repository.testFile("npz/invalid/crc-data-flipped.npz"), "--by", "1,rest", "-o",
        folder.path("a.npz"), "-o", folder.path("b.npz")),
      try Command.run(
        "split", input, "--by", "0.5,0.5", "-o", folder.path("a.npz"), "-o", folder.path("a.npz")),
      try Command.run("split", input, "--by", "0.5,0.5"),
      try Command.run("split", input, "--by", "2000,1", "--along", "x"),
      try Command.run("split", input, "--by", "0.9999,0.0001", "--along", "x"),
      try Command.run("split", input, "--by", "0.5,0.5", "--along", "nothing"),
      try Command.run("split", "/nowhere/x.npz", "--by", "0.5,0.5"),
      try Command.run("split", folder.url.path, "--by", "0.5,0.5"),
    ]
    for result in results {
      #expect(result.status == 2, "\(result.errors)")
      #expect(result.output == "")
    }
    #expect(results[3].errors.contains("--along"))
    #expect(try folder.contents() == before)
  }

  @Test func nothingIsReplacedWithoutForce() throws {
    let input = try dataset()
    let kept = try folder.write([1, 2, 3], "d.1.npz")
    let refused = try Command.run("split", input, "--by", "0.5,0.5", "--along", "x")
    #expect(refused.status == 2)
    #expect(refused.errors.contains("--force"))
    #expect(try folder.contents() == ["d.1.npz", "d.npz"])
    #expect(try bytes(of: kept) == [1, 2, 3])
    #expect(try Command.run("split", input, "--by", "0.5,0.5", "--along", "x", "-f").status == 0)
    #expect(try TensorArchive(contentsOf: kept).tensor("y").shape == [500])
    // Onto the input itself: what is read stays open until all is written.
    let own = try Command.run(
      "split", input, "--by", "rest", "--seed", "1", "--along", "x", "-f", "-o", input)
    #expect(own.status == 0)
    #expect(try TensorArchive(contentsOf: input).tensor("y").shape == [1000])
  }

  @Test func wrongCommandLines() throws {
    let input = try dataset()
    let wrong = [
      [], ["--by", "0.8,0.1"], ["--by", "0.8,0.3"], ["--by", "x"],
      ["--by", "0.5,0.5", "--names", "a"],
      ["--by", "0.5,0.5", "--names", "a,a"], ["--by", "0.5,0.5", "--names", "a,../b"],
      ["--by", "0.5,0.5", "-o", "x.npz"], ["--by", "0.5,0.5", "--seed", "x"],
      ["--by", "1", "-o", "x.npz", "--names", "a"], ["--by", "0.5,0.5", "--compress", "13"],
    ]
    for arguments in wrong {
      #expect(try Command.run(list: ["split", input] + arguments).status == 64, "\(arguments)")
    }
    let dropped = try Command.run(
      "split", input, "--by", "10,20", "--drop-rest", "--along", "x", "--json")
    #expect(dropped.status == 0)
    #expect(dropped.output.contains(#""dropped":970"#))
  }

  @Test func whatHasNoRowsIsAnError() throws {
    let (scalar, empty) = (folder.path("s.npy"), folder.path("e.npy"))
    try Tensor(scalar: 1 as Float).write(to: scalar)
    try Tensor.zeros([0, 3]).write(to: empty)
    for path in [scalar, empty] {
      let result = try Command.run("split", path, "--by", "0.5,0.5")
      #expect(result.status == 2)
      #expect(result.errors.contains("rows"))
    }
    #expect(try folder.contents() == ["e.npy", "s.npy"])
  }

  /// A GiB with holes, by 256 MiB of memory that the process may write to.
  @Test(arguments: [[], ["--seed", "7"]]) func memoryIsBounded(seed: [String]) throws {
    let input = folder.path("big.npy")
    let script = """
      import numpy as np, sys
      with open(sys.argv[1], "wb") as file:
          np.lib.format.write_array_header_1_0(
              file, {"descr": "|u1", "fortran_order": False, "shape": (1 << 20, 1024)})
          file.truncate(file.tell() + (1 << 30))
      """
    _ = try Oracle.run(["-c", script, input])
    let arguments = ["split", input, "--by", "0.75,0.25"] + seed
    let words = ([Command.path] + arguments).map { "'\($0)'" }.joined(separator: " ")
    let result = try run("/bin/sh", ["-c", "ulimit -d 262144; exec \(words)"])
    #expect(result.status == 0, "\(result.errors)")
    for (name, count) in [("big.0.npy", 786_432), ("big.1.npy", 262_144)] {
      #expect(try Tensor(contentsOf: folder.path(name)).shape == [count, 1024])
    }
  }
}
