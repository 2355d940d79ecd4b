import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio convert` from outside.
@Suite struct ConvertTests {
  private let demo = Repository.testFile("demo/mnist-mlp.npz")
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test func anArchiveIntoAFolderAndBack() throws {
    let out = folder.path("out") + "/"
    #expect(try Command.run("convert", demo, out).status == 0)
    let weight = out + "fc1/weight.npy"
    #expect(try Tensor(contentsOf: weight).shape == [64, 64])
    let joined = try Command.run(
      "convert", weight, out + "step.npy", folder.path("z.npz"), "--compress", "6",
      "--rename", "weight=fc1/weight")
    #expect(joined.status == 0)
    let archive = try TensorArchive(contentsOf: folder.path("z.npz"))
    #expect(archive.names == ["fc1/weight", "step"])
    #expect(try Command.run("convert", out, folder.path("back.npz")).status == 0)
    let back = try TensorArchive(contentsOf: folder.path("back.npz"))
    #expect(back.names.sorted() == (try TensorArchive(contentsOf: demo)).names.sorted())
    let original = try TensorArchive(contentsOf: demo)
    for entry in archive.entries {
      #expect(try entry.tensor.goldenHash() == (try original.tensor(entry.name).goldenHash()))
    }
  }

  /// More files than the usual limit on open ones.
  @Test func thousandsOfFilesAreJoined() throws {
    let small = try Tensor([1 as UInt8])
    for index in 0..<1500 { try small.write(to: folder.path("\(index).npy")) }
    let result = try run(
      "/bin/sh",
      [
        "-c",
        "ulimit -S -n 256; exec '\(Command.path)' convert '\(folder.url.path)' '\(folder.path("all.npz"))'",
      ])
    #expect(result.status == 0, "\(result.errors.prefix(300))")
    #expect(try TensorArchive(contentsOf: folder.path("all.npz")).names.count == 1500)
  }

  /// Where even the hard limit is too low, one error says so, before anything is opened.
  @Test func tooManyFilesAreRefusedAtOnce() throws {
    let small = try Tensor([1 as UInt8])
    for index in 0..<100 { try small.write(to: folder.path("\(index).npy")) }
    let result = try run(
      "/bin/sh",
      [
        "-c",
        "ulimit -n 64; exec '\(Command.path)' convert '\(folder.url.path)' '\(folder.path("all.npz"))'",
      ])
    #expect(result.status == 2)
    #expect(result.errors.split(separator: "\n").count == 1)
    #expect(result.errors.contains("100 input files") && result.errors.contains("ulimit"))
  }

  @Test func patternsChooseTensors() throws {
    let out = folder.path("z.npz")
    #expect(
      try Command.run("convert", demo, out, "--include", "fc*", "--exclude", "*bias").status == 0)
    #expect(try TensorArchive(contentsOf: out).names == ["fc1/weight", "fc2/weight"])
    let none = try Command.run("convert", demo, out, "--include", "zz*", "--force")
    #expect(none.status == 2)
    #expect(none.errors.contains("'zz*'"))
    #expect(try TensorArchive(contentsOf: out).names.count == 2)
  }

  @Test func severalTensorsDoNotGoIntoOneArray() throws {
    let result = try Command.run("convert", demo, folder.path("x.npy"))
    #expect(result.status == 2)
    #expect(result.errors.contains("end the output in /"))
    #expect(try folder.contents() == [])
    let one = try Command.run("convert", demo, folder.path("x.npy"), "--include", "step")
    #expect(one.status == 0)
    #expect(try Tensor(contentsOf: folder.path("x.npy")).array(of: Int64.self) == [600])
  }

  @Test func lossesArePrintedAndStrictRefusesThem() throws {
    let input = folder.path("x.npz")
    let base = try Tensor([1, 2, 3] as [Float])
    try TensorArchive([("a", base)]).write(to: input)
    let strided = Repository.testFile("npz/valid/duplicate-names.npz")
    let odd = try Command.run("convert", strided, folder.path("y.npz"), "--strict")
    #expect(odd.status == 2)
    #expect(odd.errors.contains("--strict"))
    #expect(try folder.contents() == ["x.npz"])
    #expect(try Command.run("convert", input, folder.path("y.npz"), "--strict").status == 0)
    let lost = try Command.run("convert", input, folder.path("z.npy"), "--strict")
    #expect(lost.status == 2)
    #expect(lost.errors.contains("the name"))
    // A nameless array has none to lose.
    let labels = Repository.testFile("demo/labels.npy")
    #expect(try Command.run("convert", labels, folder.path("l.npy"), "--strict").status == 0)
    let json = try Command.run("convert", "--json", input, folder.path("z.npy"))
    #expect(json.status == 0)
    #expect(json.output.contains("\"losses\":[{\"kind\":\"name\""))
  }

  @Test func theOutputAppearsWholeOrNotAtAll() throws {
    let bad = Repository.testFile("npz/invalid/crc-data-flipped.npz")
    for output in ["out.npz", "out/"] {
      #expect(
        try Command.run("convert", bad, folder.path(output) + (output.hasSuffix("/") ? "/" : ""))
          .status == 2)
    }
    #expect(try folder.contents() == [])
    let kept = try folder.write([1, 2, 3], "kept.npz")
    #expect(try Command.run("convert", bad, kept, "--force").status == 2)
    #expect(try bytes(of: kept) == [1, 2, 3])
  }

  /// A forgotten output name must not cost the last input.
  @Test func nothingIsReplacedWithoutForce() throws {
    let (one, two) = (folder.path("1.npy"), folder.path("2.npy"))
    try Tensor([1 as Float]).write(to: one)
    try Tensor([2 as Float]).write(to: two)
    let result = try Command.run("convert", one, two)
    #expect(result.status == 2)
    #expect(result.errors.contains("--force"))
    #expect(try Tensor(contentsOf: two).array(of: Float.self) == [2])
    let empty = Repository.testFile("npz/valid/empty.npz")
    #expect(try Command.run("convert", empty, folder.path("e.npz")).status == 2)
    #expect(try Command.run("convert", one, folder.path("c.npy"), "--compress", "6").status == 2)
    #expect(try folder.contents() == ["1.npy", "2.npy"])
  }

  @Test func aFileIsConvertedOntoItself() throws {
    let path = try folder.write(bytes(of: demo), "x.npz")
    #expect(try Command.run("convert", path, path, "--compress", "9", "--force").status == 0)
    #expect(try TensorArchive(contentsOf: path).names.count == 6)
    #expect(try folder.contents() == ["x.npz"])
  }

  /// Every golden file whose names are dangerous as paths opens, and is never extracted.
  @Test func dangerousNamesNeverBecomePaths() throws {
    var count = 0
    // A member marked as a symbolic link is written as the plain file its data is.
    for file in try GoldenFile.all("npz")
    where file.extract == "refuse" && file.stem != "path-symlink-mode" {
      let result = try Command.run("convert", file.path, folder.path("out") + "/")
      #expect(result.status == 2, "\(file.file): \(result.errors)")
      #expect(try folder.contents() == [], "\(file.file)")
      count += 1
    }
    #expect(count > 5)
  }

  /// A disk that is full, or a limit on file sizes, is an error; nothing stays.
  @Test func aFullDiskLeavesNothing() throws {
    try Tensor.zeros([1 << 20], dtype: .float64).write(to: folder.path("big.npy"))
    let limited = try run(
      "/bin/sh",
      [
        "-c",
        "ulimit -f 100; '\(Command.path)' convert '\(folder.path("big.npy"))' '\(folder.path("out.npz"))'",
      ])
    #expect(limited.status == 2)
    #expect(limited.errors.contains("File too large"))
    #expect(try folder.contents() == ["big.npy"])
  }

  /// A folder half written goes away when the command is interrupted, and the status says so.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func anInterruptCleansUp(_ signal: Int32) throws {
    // Eight sparse gigabytes: far from written when the signal comes.
    let count = 8 << 30
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(count),), }\n"
    let header =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
    let input = try folder.write(header, "big.npy")
    let grown = unsafe truncate(input, count + header.count)
    #expect(grown == 0)

    let program = try RunningProgram(Command.path, ["convert", input, folder.path("out") + "/"])
    var isWriting = false
    for _ in 0..<2000 where !isWriting {
      usleep(1000)
      isWriting = try folder.contents().contains { $0.hasSuffix(".tmp") }
    }
    #expect(isWriting)
    program.send(signal)
    #expect(try program.wait() == .exit(130))
    #expect(try folder.contents() == ["big.npy"])
  }

  /// Converting what is much larger than the memory it is allowed, both ways, stored and deflated.
  @Test func memoryStaysBounded() throws {
    let elements = 40 << 20
    let tensor = try Tensor(
      dtype: .float32, shape: [elements], strides: [0], storage: Tensor([1.5 as Float]).storage)
    try tensor.write(to: folder.path("big.npy"))
    func status(_ arguments: String...) throws -> Int {
      let result = try run(
        "/bin/sh",
        ["-c", "ulimit -d 98304; exec \"$@\"", "sh", Command.path] + arguments)
      return Int(result.status)
    }
    // RLIMIT_DATA counts private writable memory, so 96 MiB of it must do for 160 MiB of tensor.
    #expect(try status("convert", folder.path("big.npy"), folder.path("s.npz")) == 0)
    #expect(
      try status("convert", folder.path("big.npy"), folder.path("d.npz"), "--compress", "1") == 0)
    #expect(try status("convert", folder.path("s.npz"), folder.path("s.npy")) == 0)
    #expect(try status("convert", folder.path("d.npz"), folder.path("d.npy")) == 0)
    #expect(try status("hash", folder.path("d.npz")) == 0)
    #expect(
      try Tensor(contentsOf: folder.path("d.npy"))[elements - 1].array(of: Float.self) == [1.5])
  }
}
