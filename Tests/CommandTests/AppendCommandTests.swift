import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio append` to `.npy` files, from outside.
@Suite struct AppendCommandTests {
  private let folder: TemporaryFolder
  private let target: String
  init() throws {
    folder = try TemporaryFolder()
    target = folder.path("x.npy")
  }

  @discardableResult
  private func file(_ name: String, _ elements: [Int32], _ shape: [Int]) throws -> String {
    try Tensor(elements, shape: shape).write(to: folder.path(name))
    return folder.path(name)
  }

  /// The command fails with a message that has these words, and the target stays as it was.
  private func refuses(
    _ arguments: String..., saying words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try? bytes(of: target)
    let names = try folder.contents()
    let result = try Command.run(list: ["append"] + arguments)
    #expect(result.status == 2, "\(result)", sourceLocation: sourceLocation)
    for word in words {
      #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation)
    }
    #expect((try? bytes(of: target)) == before, sourceLocation: sourceLocation)
    #expect(try folder.contents() == names, sourceLocation: sourceLocation)
  }

  @Test func rowsOfSeveralFilesAreAppended() throws {
    try file("x.npy", [1, 2], [1, 2])
    let two = try file("two.npy", [3, 4, 5, 6], [2, 2])
    let row = try file("row.npy", [7, 8], [2])
    let result = try Command.run("append", target, two, row, "--fsync")
    #expect(result.status == 0 && result.output == "\(target): 3 rows appended, 4 in all\n")
    let whole = try Tensor(contentsOf: target)
    #expect(whole.shape == [4, 2])
    #expect(try whole.array(of: Int32.self) == [1, 2, 3, 4, 5, 6, 7, 8])
    let json = try JSONValue(
      parsing: Data(try Command.run("append", target, row, "--json").output.utf8))
    #expect(
      json["appended"] == .int(1) && json["count"] == .int(5) && json["format"] == .text("npy"))
    #expect(json["sources"]?.items[0]["rows"] == .int(1))
    // The file is what np.save makes of the array.
    try Tensor(contentsOf: target).write(to: folder.path("copy.npy"))
    #expect(try bytes(of: target) == bytes(of: folder.path("copy.npy")))
  }

  @Test func theTargetIsMadeOnRequest() throws {
    let row = try file("row.npy", [7, 8], [1, 2])
    try refuses(target, row, saying: "--create")
    #expect(try Command.run("append", "--create", target, row, row).status == 0)
    #expect(try Command.run("append", "--create", target, row).status == 0)
    #expect(try Tensor(contentsOf: target).array(of: Int32.self) == [7, 8, 7, 8, 7, 8])
    let other = folder.path("other.npy")
    let scalar = try file("scalar.npy", [1], [])
    #expect(try Command.run("append", "--create", other, scalar).status == 2)
    let wide = try file("wide.npy", [1, 2, 3], [1, 3])
    #expect(try Command.run("append", "--create", other, row, wide).status == 2)
    #expect(!FileManager.default.fileExists(atPath: other))
  }

  @Test func oneArrayOfAnArchiveIsChosen() throws {
    try file("x.npy", [1, 2], [2])
    let archive = folder.path("a.npz")
    try TensorArchive([
      ("x", try Tensor([3] as [Int32])), ("y", try Tensor([4] as [Int32])),
    ]).write(to: archive)
    try refuses(target, archive, saying: "--include", "'x', 'y'")
    #expect(try Command.run("append", target, archive, "--include", "y").status == 0)
    #expect(try Command.run("append", target, archive, "--select", "x").status == 0)
    #expect(try Tensor(contentsOf: target).array(of: Int32.self) == [1, 2, 4, 3])
  }

  /// Whatever is wrong with a later source, nothing of an earlier one is written.
  @Test func allSourcesAreCheckedFirst() throws {
    try file("x.npy", [1, 2], [1, 2])
    let good = try file("good.npy", [3, 4], [1, 2])
    try Tensor([3, 4] as [Float], shape: [1, 2]).write(to: folder.path("float.npy"))
    try refuses(target, good, folder.path("float.npy"), saying: "float.npy", "float32", "int32")
    try refuses(
      target, good, try file("wide.npy", [1, 2, 3], [1, 3]), saying: "wide.npy", "(1, 3)", "(n, 2)")
    try refuses(target, good, try file("scalar.npy", [1], []), saying: "scalar.npy")
    try refuses(target, good, folder.path("none.npy"), saying: "none.npy", "No such file")
    try refuses(target, good, try folder.write([1, 2, 3], "odd.npy"), saying: "odd.npy")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.npy"), withDestinationPath: target)
    try refuses(target, good, target, saying: "the target itself")
    try refuses(target, good, folder.path("link.npy"), saying: "the target itself")
    try refuses(folder.path("link.npy"), target, saying: "the target itself")
    #expect(try Command.run("append", target).status == 64)
    #expect(try Command.run("append", "--recover", target, good).status == 64)
  }

  @Test func targetsWithoutRowsAreRefused() throws {
    let row = try file("row.npy", [7, 8], [2])
    try file("x.npy", [1], [])
    try refuses(target, row, saying: "0-d")
    try Tensor([1, 2, 3, 4] as [Int32], shape: [2, 2]).transposed().write(to: target)
    try refuses(target, row, saying: "Fortran order", "concat")
    try folder.write(Array("PK".utf8), "x.npy")
    try refuses(target, row, saying: "no NumPy array")
    #expect(try Command.run("append", folder.url.path, row).status == 2)
    try file("x.npy", [1, 2], [1, 2])
    try folder.write(bytes(of: target) + bytes(of: target), "x.npy")
    try refuses(target, row, saying: "another array")
  }

  @Test func aLockedTargetIsRefused() throws {
    let row = try file("row.npy", [7, 8], [2])
    let writer = try NPYWriter(creating: target, dtype: .int32, rowShape: [2])
    try refuses(target, row, saying: "another writer")
    try writer.append(try Tensor(contentsOf: row))
    try writer.close()
    #expect(try Command.run("append", target, row).status == 0)
    #expect(try Tensor(contentsOf: target).shape == [2, 2])
  }

  /// By another user where these tests may write to everything.
  @Test func aReadOnlyTargetIsRefused() throws {
    let row = try file("row.npy", [7, 8], [2])
    try file("x.npy", [1, 2], [1, 2])
    try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: target)
    let isRoot = geteuid() == 0
    let user = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    guard !isRoot || FileManager.default.isExecutableFile(atPath: user[0]) else {
      print("no read-only file was tried: root may write to every file, and there is no setpriv")
      return
    }
    let words = (isRoot ? user : []) + [Command.path, "append", target, row]
    let result = try run(words[0], Array(words.dropFirst()))
    #expect(result.status == 2 && result.errors.contains("Permission denied"), "\(result.errors)")
    #expect(try Tensor(contentsOf: target).shape == [1, 2])
  }

  /// The rows that fitted are cut off again.
  @Test func aLimitOnFileSizesKeepsTheOldRows() throws {
    try Tensor.zeros([4, 1000]).write(to: target)
    try Tensor.zeros([1000, 1000]).write(to: folder.path("big.npy"))
    let before = try bytes(of: target)
    try Tensor.zeros([1, 1000]).write(to: folder.path("row.npy"))
    let failed = try run(
      "/bin/sh",
      [
        "-c", "ulimit -f 3000; exec \"$0\" append \"$1\" \"$2\" \"$3\"", Command.path, target,
        folder.path("row.npy"), folder.path("big.npy"),
      ])
    #expect(failed.status == 2 && failed.errors.contains("File too large"), "\(failed)")
    #expect(try bytes(of: target) == before)
    #expect(try Command.run("append", target, folder.path("big.npy")).status == 0)
    #expect(try Tensor(contentsOf: target).shape == [1004, 1000])
  }

  @Test func leftoverRowsAreCutOff() throws {
    try file("x.npy", [1, 2], [1, 2])
    let whole = try bytes(of: target)
    try folder.write(whole + [9, 9, 9], "x.npy")
    let result = try Command.run("append", "--recover", target)
    #expect(result.status == 0 && result.errors.contains("3 bytes of rows"), "\(result)")
    #expect(try bytes(of: target) == whole)
  }

  /// Several processes at once: each appends all its rows or says that it could not.
  @Test func writersOfOneFileDoNotMix() throws {
    try file("x.npy", [], [0, 3])
    let sources = try (1...4).map {
      try file("\($0).npy", [Int32](repeating: Int32($0), count: 3000), [1000, 3])
    }
    var counts: [Int32: Int] = [:]
    for _ in 0..<10 {
      let processes = try sources.map { try RunningProgram(Command.path, ["append", target, $0]) }
      for (number, process) in processes.enumerated() {
        let ending = try process.wait()
        #expect(ending == .exit(0) || ending == .exit(2))
        if ending == .exit(0) { counts[Int32(number + 1), default: 0] += 1000 }
      }
    }
    print("writers at once: 40, appended \(counts.values.reduce(0, +) / 1000)")
    let rows = try Tensor(contentsOf: target).array(of: Int32.self)
    #expect(rows.count == 3 * counts.values.reduce(0, +))
    for (number, count) in counts { #expect(rows.count { $0 == number } == 3 * count) }
  }
}
