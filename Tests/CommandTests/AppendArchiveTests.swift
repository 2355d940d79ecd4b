import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio append` to `.npz` archives, from outside.
@Suite struct AppendArchiveTests {
  private let folder: TemporaryFolder
  private let target: String
  init() throws {
    folder = try TemporaryFolder()
    target = folder.path("x.npz")
    try TensorArchive([("a", try Tensor([1, 2] as [Int32])), ("b", try Tensor([3] as [Int32]))])
      .write(to: target)
  }

  private func array(_ name: String, _ element: Int32) throws -> String {
    try Tensor([element]).write(to: folder.path(name))
    return folder.path(name)
  }

  @Test func tensorsAreAddedAndTheResultIsClean() throws {
    let lone = try array("lone.npy", 7)
    try TensorArchive([("w", try Tensor([1.5] as [Float])), ("v", try Tensor([2.5] as [Float]))])
      .write(to: folder.path("model.pt"))
    let result = try Command.run("append", target, lone, folder.path("model.pt"), "--fsync")
    #expect(result.status == 0 && result.output == "\(target): 3 added\n", "\(result)")
    #expect(try TensorArchive(contentsOf: target).names == ["a", "b", "lone", "w", "v"])
    let clean = try Command.run("validate", target)
    #expect(clean.status == 0, "\(clean)")
    let script =
      "import sys, numpy as np, zipfile; z = np.load(sys.argv[1]); "
      + "print(z.files, z['lone'], zipfile.ZipFile(sys.argv[1]).testzip())"
    #expect(
      try Oracle.run(["-c", script, target]) == "['a', 'b', 'lone', 'w', 'v'] [7] None\n")
  }

  @Test func namesThatExistAreReplacedOnRequest() throws {
    let lone = try array("b.npy", 7)
    let before = try bytes(of: target)
    let refused = try Command.run("append", target, try array("c.npy", 8), lone)
    #expect(refused.status == 2 && refused.errors.contains("'b'"), "\(refused)")
    #expect(refused.errors.contains("--replace"))
    #expect(try bytes(of: target) == before)
    let done = try Command.run("append", target, lone, "--replace", "--json", "--compress", "3")
    let json = try JSONValue(parsing: Data(done.output.utf8))
    #expect(json["replaced"]?.items.count == 1 && json["added"]?.items.count == 0)
    guard case .number(let unused) = json["unused_bytes"] else { throw CancellationError() }
    #expect(unused > 0)
    #expect(try TensorArchive(contentsOf: target).tensor("b").array(of: Int32.self) == [7])
  }

  @Test func anArchiveIsMade() throws {
    let new = folder.path("new.npz")
    #expect(try Command.run("append", new, try array("p.npy", 1)).status == 2)
    #expect(try Command.run("append", new, try array("p.npy", 1), "--create").status == 0)
    #expect(try Command.run("append", new, try array("q.npy", 1), "--create").status == 0)
    #expect(try TensorArchive(contentsOf: new).names == ["p", "q"])
    let renamed = try Command.run(
      "append", new, folder.path("p.npy"), "--rename", "p=layer/p", "--compress", "1")
    #expect(renamed.status == 0, "\(renamed)")
    #expect(try TensorArchive(contentsOf: new).names == ["p", "q", "layer/p"])
  }

  @Test func anInterruptedEditIsMendedOnRequest() throws {
    let before = try bytes(of: target)
    let editor = try NPZEditor(target)
    try editor.add("c", try Tensor([UInt8](repeating: 1, count: 10_000)))
    // What a killed process would have left.
    let torn = try bytes(of: target)
    let undo = ".x.npz.tensorio-undo"
    let saved = try bytes(of: folder.path(undo))
    editor.cancel()
    #expect(try bytes(of: target) == before)
    for arguments in [["--recover"], ["--replace", try array("b.npy", 7)]] {
      try folder.write(torn, "x.npz")
      try folder.write(saved, undo)
      let read = try Command.run("ls", target)
      #expect(read.status == 2 && read.errors.contains("tensorio append --recover"), "\(read)")
      let result = try Command.run(list: ["append", target] + arguments)
      #expect(result.status == 0 && result.errors.contains("undone"), "\(result)")
      #expect(try TensorArchive(contentsOf: target).names == ["a", "b"])
      #expect(try !folder.contents().contains(undo))
      if arguments == ["--recover"] { #expect(try bytes(of: target) == before) }
    }
  }

  @Test func whatIsNotAppendedTo() throws {
    let lone = try array("lone.npy", 7)
    let before = try bytes(of: target)
    for (arguments, word) in [
      ([target, target], "the target itself"),
      ([folder.path("x.pt"), lone, "--create"], ".npy and .npz"),
      ([folder.path("x.npy"), lone, "--create", "--replace"], "--replace"),
      ([target, folder.path("none.npy")], "none.npy"),
    ] {
      let result = try Command.run(list: ["append"] + arguments)
      #expect(result.status == 2 && result.errors.contains(word), "\(arguments): \(result)")
    }
    let editor = try NPZEditor(target)
    let locked = try Command.run("append", target, lone)
    #expect(locked.status == 2 && locked.errors.contains("another writer"))
    editor.cancel()
    #expect(try bytes(of: target) == before)
    #expect(try folder.contents() == ["lone.npy", "x.npz"])
  }

  /// The members that fitted are taken back.
  @Test func aLimitOnFileSizesKeepsTheOldArchive() throws {
    let before = try bytes(of: target)
    try Tensor.zeros([1 << 18], dtype: .float64).write(to: folder.path("big.npy"))
    for level in [[], ["--compress", "1"]] {
      // Noise does not get small.
      try Tensor((0..<(1 << 18)).map { _ in UInt64.random(in: 0...(.max)) })
        .write(to: folder.path("big.npy"))
      let result = try run(
        "/bin/sh",
        [
          "-c", "ulimit -f 100; exec \"$0\" append \"$@\"", Command.path, target,
          try array("lone.npy", 7), folder.path("big.npy"),
        ] + level)
      #expect(result.status == 2 && result.errors.contains("File too large"), "\(result)")
      #expect(try bytes(of: target) == before)
    }
    #expect(try folder.contents() == ["big.npy", "lone.npy", "x.npz"])
  }
}
