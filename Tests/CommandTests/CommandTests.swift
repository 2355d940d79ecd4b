import Foundation
import TensorIO
import TestSupport
import Testing

/// The command from outside: what it prints, where, and how it ends.
@Suite struct CommandTests {
  private let demo = Repository.testFile("demo/mnist-mlp.npz")
  private let labels = Repository.testFile("demo/labels.npy")
  private let catalog = Repository.testFile("demo/catalog.npy")

  private func object(_ line: some StringProtocol) throws -> [String: Any] {
    let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return try #require(parsed as? [String: Any])
  }

  // MARK: ls

  @Test func lsListsNamesTypesAndShapes() throws {
    let result = try Command.run("ls", demo)
    #expect(result.status == 0)
    #expect(result.errors == "")
    let lines = result.output.split(separator: "\n")
    #expect(lines[0].contains("npz, 6 tensors"))
    #expect(
      lines.contains {
        $0.hasPrefix("fc1/weight") && $0.contains("float32") && $0.contains("(64, 64)")
      })
  }

  @Test func lsPrintsTheJSONOfTheContract() throws {
    let result = try Command.run("ls", "--json", "--hash", demo, labels)
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 2)
    let first = try object(lines[0])
    #expect(first["file"] as? String == demo)
    #expect(first["format"] as? String == "npz")
    let tensors = try #require(first["tensors"] as? [[String: Any]])
    #expect(tensors.count == 6)
    let weight = tensors[0]
    #expect(weight["name"] as? String == "fc1/weight")
    #expect(weight["path"] as? [String] == ["fc1/weight"])
    #expect(weight["shape"] as? [Int] == [64, 64])
    #expect(weight["strides"] as? [Int] == [64, 1])
    #expect(weight["device"] as? String == "cpu")
    #expect(weight["requires_grad"] as? Bool == false)
    #expect(weight["byte_count"] as? Int == 16_384)
    #expect((weight["sha256"] as? String)?.count == 64)
    #expect((first["values"] as? [Any])?.isEmpty == true)
    #expect((first["globals"] as? [Any])?.isEmpty == true)
    let lone = try #require((try object(lines[1])["tensors"] as? [[String: Any]])?.first)
    #expect(lone["name"] as? String == "")
    #expect((lone["path"] as? [String])?.isEmpty == true)
  }

  @Test func inputsComeFromAListToo() throws {
    let result = try Command.run("ls", "--files-from", "-", input: "\(demo)\n\(labels)\n")
    #expect(result.status == 0)
    #expect(result.output.contains("labels.npy: npy, 1 tensor"))
    #expect(try Command.run("ls", "--files-from", "/nowhere").status == 2)
    let withNULs = try Command.run("ls", "--files-from", "-", input: "\(demo)\0\(labels)\0")
    #expect(withNULs.output == result.output)
    let endless = try Command.run("ls", "--files-from", "/dev/zero")
    #expect(endless.status == 2)
  }

  // MARK: Exit statuses and messages

  @Test func scanTakesNoOptionsThatItCannotMean() throws {
    #expect(try Command.run("scan", "--limit", "memberCount=9", demo).status == 0)
    for flags in [["--select", "a"], ["--void-as", "bfloat16"], ["--encoding", "latin1"]] {
      #expect(try Command.run(list: ["scan"] + flags + [demo]).status == 64)
    }
  }

  @Test func theExitStatusSaysWhatHappened() throws {
    let empty = Repository.testFile("npz/valid/empty.npz")
    #expect(try Command.run("ls", empty).status == 1)
    #expect(try Command.run("ls", "/nowhere/x.npy").status == 2)
    #expect(try Command.run("ls", empty, "/nowhere/x.npy").status == 2)
    #expect(try Command.run("ls").status == 64)
    #expect(try Command.run("ls", "--nonsense").status == 64)
    #expect(try Command.run("nonsense").status == 64)
    #expect(try Command.run().status == 64)
    #expect(try Command.run("ls", "a\u{fffd}.npy").status == 2)
    let injected = try Command.run("ls", "--no\u{1b}[31m")
    #expect(injected.status == 64)
    #expect(!injected.errors.contains("\u{1b}"))
    #expect(try Command.run("show", demo, "--slice", "a").status == 64)
    #expect(try Command.run("ls", demo, "--limit", "headerBytes").status == 64)
    #expect(try Command.run("convert", demo).status == 64)
    #expect(try Command.run("convert", demo, "x.npz", "--compress", "13").status == 64)
    #expect(try Command.run("--help").status == 0)
  }

  @Test func anErrorNamesFilePlaceAndReason() throws {
    let path = Repository.testFile("npz/invalid/crc-data-flipped.npz")
    let result = try Command.run("hash", path)
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(result.errors.contains(path))
    #expect(result.errors.contains("member 'a.npy'"))
    #expect(result.errors.contains("CRC-32"))
    let json = try object(try Command.run("hash", "--json", path).output)
    let error = try #require(json["error"] as? [String: Any])
    #expect(error["code"] as? String == "malformed")
    #expect(error["member"] as? String == "a.npy")
  }

  @Test func oneBadFileDoesNotHideTheOthers() throws {
    let result = try Command.run("hash", "/nowhere/x.npy", labels)
    #expect(result.status == 2)
    #expect(result.output.contains("labels.npy"))
  }

  @Test func outputThatCannotBeWrittenIsAFailure() throws {
    let result = try run("/bin/sh", ["-c", "'\(Command.path)' ls '\(demo)' > /dev/full"])
    #expect(result.status == 2)
    #expect(result.errors.contains("No space left"))
  }

  @Test func namesAreEscapedForTheTerminal() throws {
    let folder = try TemporaryFolder()
    try TensorArchive([
      ("a\u{1b}[31m\nb", Tensor([1 as Float])), ("c\u{202e}d", Tensor([1 as Float])),
    ]).write(to: folder.path("x.npz"))
    let result = try Command.run("ls", folder.path("x.npz"))
    #expect(!result.output.contains("\u{1b}"))
    #expect(!result.output.contains("\u{202e}"))
    #expect(result.output.contains("a\\x1B[31m\\nb"))
    #expect(result.output.contains("c\\u{202E}d"))
    #expect(!(try Command.run("ls", "--json", folder.path("x.npz")).output.contains("\u{202e}")))
  }

  // MARK: show, stats, hash

  @Test func showPrintsAsTorchAndNumPyDo() throws {
    let torch = try Command.run("show", demo, "fc2/bias", "--slice", "0:2")
    #expect(torch.output == "tensor([0.0391, 0.0812])\n")
    let numpy = try Command.run("show", demo, "fc2/bias", "--slice", "0:2", "--style", "numpy")
    #expect(numpy.output == "[0.03909301 0.08123636]\n" || numpy.output.hasPrefix("[0.039"))
    let repr = try Command.run("show", demo, "step", "--style", "repr")
    #expect(repr.output == "array(600)\n")
    let json = try Command.run("show", labels, "--slice", "0:3", "--json")
    #expect((try object(json.output)["elements"] as? [Int])?.count == 3)
    let negative = try Command.run(
      "show", demo, "fc1/weight", "--slice", "-1:,...,0", "--style", "repr")
    #expect(negative.output.hasPrefix("array([-0.4926"))
    // Billions of empty rows, of which none is printed.
    let folder = try TemporaryFolder()
    try Tensor.zeros([100_000_000_000, 0]).write(to: folder.path("e.npy"))
    let empty = try Command.run("show", folder.path("e.npy"), "--json")
    #expect(try object(empty.output)["elements"] as? [Int] == [])
    let missing = try Command.run("show", demo, "nope")
    #expect(missing.status == 2)
    #expect(missing.errors.contains("'fc1/weight'"))
  }

  @Test func statsCountsAndMeasures() throws {
    let folder = try TemporaryFolder()
    try Tensor([1, .nan, 3, 0] as [Float]).write(to: folder.path("x.npy"))
    let result = try Command.run("stats", "--json", folder.path("x.npy"))
    let tensors = try #require(try object(result.output)["tensors"] as? [[String: Any]])
    #expect(tensors[0]["nan"] as? Int == 1)
    #expect(tensors[0]["zeros"] as? Int == 1)
    #expect(tensors[0]["max"] as? Double == 3)
    #expect(try Command.run("stats", demo).output.contains("fc1/weight"))
  }

  @Test func theHashIsOfTheNumbersNotOfTheFile() throws {
    let folder = try TemporaryFolder()
    let tensor = try Tensor((0..<6).map(Float.init), shape: [2, 3])
    try tensor.write(to: folder.path("c.npy"))
    // The same numbers in Fortran order.
    let columns = try Tensor([0, 3, 1, 4, 2, 5] as [Float], shape: [3, 2]).transposed()
    try columns.write(to: folder.path("f.npy"))
    try TensorArchive([("x", columns)]).write(to: folder.path("z.npz"))
    let result = try Command.run(
      "hash", folder.path("c.npy"), folder.path("f.npy"), folder.path("z.npz"))
    let hashes = Set(result.output.split(separator: "\n").map { $0.prefix(64) })
    #expect(hashes.count == 1)
    #expect(hashes.first.map(String.init) == (try tensor.goldenHash()))
  }

  @Test func rawBytesAreNamedByTheCaller() throws {
    let folder = try TemporaryFolder()
    try Tensor([BFloat16(1.5), BFloat16(-2)]).write(to: folder.path("x.npy"))
    #expect(try Command.run("ls", folder.path("x.npy")).output.contains("V2"))
    let named = try Command.run("show", folder.path("x.npy"), "--void-as", "bfloat16")
    #expect(named.output == "tensor([ 1.5000, -2.0000], dtype=torch.bfloat16)\n")
    #expect(try Command.run("ls", folder.path("x.npy"), "--void-as", "nope").status == 64)
  }

  // MARK: Usage, tables

  @Test func usageErrorsShowTheUsageOfTheSubcommand() throws {
    let folder = try TemporaryFolder()
    let nothing = try folder.write([], "list")
    for (arguments, verb) in [
      (["convert", "x.npy"], "convert"), (["scan"], "scan"), (["ls"], "ls"),
      (["show", demo, "--slice", "a"], "show"), (["ls", demo, "--limit", "foo=1"], "ls"),
      (["stats", demo, "--void-as", "nope"], "stats"),
      (["convert", "--files-from", "/dev/null", "x.npz"], "convert"),
      (["convert", "--json", "--files-from", nothing, "x.npz"], "convert"),
      (["hash", "--files-from", "/dev/null"], "hash"),
    ] {
      let result = try Command.run(list: arguments)
      #expect(result.status == 64, "\(arguments)")
      #expect(result.output == "")
      #expect(result.errors.contains("Usage: tensorio \(verb) "), "\(result.errors)")
      #expect(result.errors.contains("tensorio \(verb) --help"), "\(result.errors)")
    }
  }

  /// Wide characters take two columns, accents none.
  @Test func columnsLineUp() throws {
    let folder = try TemporaryFolder()
    try TensorArchive(
      ["名前", "e\u{301}", "👍🏽", "a", "ﾊﾝ", "한글"].map { ($0, try Tensor([1 as Float])) }
    ).write(to: folder.path("x.npz"))
    let lines = try Command.run("ls", folder.path("x.npz")).output.split(separator: "\n")
    let starts = lines.dropFirst(2).map { String($0.prefix { $0 != "f" }) }
    #expect(
      starts == [
        "名前  ", "e\u{301}     ", "👍🏽    ", "a     ", "ﾊﾝ    ", "한글  ",
      ])
  }

  @Test func theSmallestNumbersHaveAMean() throws {
    let folder = try TemporaryFolder()
    let least = Double.leastNonzeroMagnitude
    try Tensor([least, least]).write(to: folder.path("x.npy"))
    let result = try Command.run("stats", folder.path("x.npy"))
    #expect(result.output.contains(" 4.94066e-324 "))
    try Tensor([9.999999e-10]).write(to: folder.path("y.npy"))
    #expect(try Command.run("stats", folder.path("y.npy")).output.contains(" 1.0e-9 "))
  }

  @Test func showNamesTheTensorThatItCannotShow() throws {
    let path = Repository.testFile("npz/valid/object-member.npz")
    let result = try Command.run("show", "--json", path)
    #expect(result.status == 2)
    let name = try #require(
      try TensorArchive(contentsOf: path).entries.first { $0.tensor.dtype == .object }?.name)
    #expect(result.errors.contains("tensor '\(name)'"))
  }
}
