import Foundation
import TensorData
import TensorIO
import TestSupport
import Testing

/// `tensorio head` and `tensorio sample` from outside.
@Suite struct RowCommandTests {
  private let folder: TemporaryFolder
  private let file: String

  init() throws {
    folder = try TemporaryFolder()
    file = folder.path("d.npz")
    try TensorArchive([
      ("x", Tensor((0..<24).map { Int32($0) }, shape: [12, 2])),
      ("y", Tensor((0..<12).map { Int64($0) })),
      ("step", Tensor(scalar: 5 as Int64)),
    ]).write(to: file)
  }

  // MARK: head

  @Test func headPrintsTheFirstRowsAsNumPyDoes() throws {
    let result = try Command.run("head", "-n", "2", file)
    #expect(result.status == 0)
    #expect(
      result.output == """
        x: int32 (12, 2)
        [[0 1]
         [2 3]]
        y: int64 (12,)
        [0 1]
        step: int64 ()
        5

        """)
    #expect(result.errors == "")
    let one = try Command.run("head", "--include", "y", file)
    #expect(one.output == "y: int64 (12,)\n[0 1 2 3 4]\n")
    let all = try Command.run("head", "-n", "99", "--include", "y", file, file)
    #expect(all.output.contains("\(file): y: int64 (12,)\n[ 0  1  2  3  4  5  6  7  8  9 10 11]"))
  }

  @Test func headInJSON() throws {
    let result = try Command.run("head", "-n", "1", "--json", file)
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(
      lines == [
        #"{"file":"\#(file)","name":"x","dtype":"int32","shape":[12,2],"elements":[[0,1]]}"#,
        #"{"file":"\#(file)","name":"y","dtype":"int64","shape":[12],"elements":[0]}"#,
        #"{"file":"\#(file)","name":"step","dtype":"int64","shape":[],"elements":5}"#,
      ])
  }

  @Test func headOfWhatIsOdd() throws {
    let empty = folder.path("e.npy")
    try Tensor.zeros([0, 3]).write(to: empty)
    #expect(try Command.run("head", empty).output == "float32 (0, 3)\n[]\n")
    let half = try Command.run("head", "/nowhere/x.npy", file)
    #expect(half.status == 2)
    #expect(half.output.contains("x: int32"))
    #expect(try Command.run("head", file, "--include", "nothing").status == 2)
    #expect(try Command.run("head", file, "-n", "0").status == 64)
    #expect(try Command.run("head").status == 64)
    #expect(try Command.run("head", Repository.testFile("npz/valid/empty.npz")).status == 1)
  }

  // MARK: sample

  /// The rows, and the numbers in them, are those of the order that everybody can compute.
  @Test func sampleTakesTheSameRowsOfEach() throws {
    for (arguments, seed) in [([], 0), (["--seed", "7"], 7)] as [([String], UInt64)] {
      let rows = Array(RowOrder(count: 12, shuffle: .seeded(seed)).prefix(5))
      let result = try Command.run(list: ["sample", "--json", file] + arguments)
      #expect(result.status == 0)
      let text = rows.map(String.init).joined(separator: ",")
      let pairs = rows.map { "[\(2 * $0),\(2 * $0 + 1)]" }.joined(separator: ",")
      let lines = result.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 3)
      #expect(lines[0].hasSuffix(#""shape":[12,2],"rows":[\#(text)],"elements":[\#(pairs)]}"#))
      #expect(lines[1].hasSuffix(#""shape":[12],"rows":[\#(text)],"elements":[\#(text)]}"#))
      #expect(lines[2].hasSuffix(#""shape":[],"elements":5}"#))
      let plain = try Command.run(list: ["sample", file] + arguments).output
      #expect(plain.hasPrefix("rows \(rows.map(String.init).joined(separator: ", ")) of 12\n"))
    }
  }

  @Test func sampleWritesAFile() throws {
    let output = folder.path("few.npz")
    let result = try Command.run("sample", file, "-n", "4", "--seed", "3", "-o", output)
    #expect(result.status == 0)
    let rows = RowOrder(count: 12, shuffle: .seeded(3)).prefix(4)
    let archive = try TensorArchive(contentsOf: output)
    #expect(archive.names == ["x", "y", "step"])
    #expect(try archive.tensor("y").array(of: Int64.self) == rows.map { Int64($0) })
    #expect(try archive.tensor("step").shape == [])
    let again = try Command.run("sample", file, "-o", output)
    #expect(again.status == 2)
    #expect(again.errors.contains("--force"))
    let json = try Command.run("sample", file, "-n", "4", "--seed", "3", "-fo", output, "--json")
    #expect(json.status == 0)
    let text = rows.map(String.init).joined(separator: ",")
    #expect(json.output.contains(#""sampled":[{"tensors":["x","y"],"rows":[\#(text)]}]"#))
  }

  @Test func sampleOfWhatIsOdd() throws {
    let all = try Command.run("sample", file, "-n", "99", "--include", "y", "--json")
    #expect(all.status == 0)
    #expect(all.errors.contains("all are taken"))
    let empty = folder.path("e.npy")
    try Tensor.zeros([0, 3]).write(to: empty)
    #expect(try Command.run("sample", empty).output == "float32 (0, 3)\n[]\n")
    #expect(try Command.run("sample", "/nowhere/x.npy").status == 2)
    #expect(try Command.run("sample", file, "--seed", "-1").status == 64)
    #expect(try Command.run("sample", file, "-n", "0").status == 64)
    #expect(try Command.run("sample", file, "--force").status == 64)
    let bad = Repository.testFile("npz/invalid/crc-data-flipped.npz")
    #expect(try Command.run("sample", bad, "-o", folder.path("b.npz")).status == 2)
    #expect(try folder.contents() == ["d.npz", "e.npy"])
  }
}
