import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// `tensorio convert --out-dir` from outside: what becomes of inputs, lines and statuses.
@Suite struct BatchConvertTests {
  private let folder: TemporaryFolder
  private let out: String
  init() throws {
    folder = try TemporaryFolder()
    out = folder.path("out")
  }

  /// Files of one tensor each, of npz and pt in turn.
  private func inputs(_ count: Int) throws -> [String] {
    try (0..<count).map { number in
      let path = folder.path("f\(number)." + (number % 2 == 0 ? "npz" : "pt"))
      try TensorArchive([("w", try Tensor([Float(number), 1 / 3]))]).write(to: path)
      return path
    }
  }

  private func batch(
    _ files: [String], _ more: String..., to format: String = "npz"
  ) throws -> (status: Int32, lines: [JSONValue], errors: String) {
    let result = try Command.run(
      list: ["convert", "--out-dir", out, "--to", format, "--jsonl"] + more + files)
    let lines = try result.output.split(separator: "\n").map {
      try JSONValue(parsing: Data($0.utf8))
    }
    return (result.status, lines, result.errors)
  }

  private func statuses(_ lines: [JSONValue]) -> [String: Int] {
    Dictionary(lines.compactMap { $0["status"]?.text }.map { ($0, 1) }, uniquingKeysWith: +)
  }

  private func contents(of path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  // MARK: What is made

  @Test func eachInputBecomesAFileWithAManifest() throws {
    let files = try inputs(4)
    let first = try batch(files)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.contains("4 files: 4 converted, 0 up to date, 0 failed"))
    #expect(first.lines.compactMap { $0["input"]?.text }.sorted() == files)
    let expected = (0..<4).flatMap { ["f\($0).npz", "f\($0).npz.manifest.json"] }
    #expect(try contents(of: out) == expected)
    for number in 0..<4 {
      let output = out + "/f\(number).npz"
      let alone = folder.path("alone.npz")
      #expect(try Command.run("convert", "--force", files[number], alone).status == 0)
      #expect(try bytes(of: output) == bytes(of: alone))
      let manifest = try Manifest(contentsOf: output + ".manifest.json")
      #expect(try manifest.check(output).isEmpty)
      #expect(manifest.options == ["--to", "npz"])
    }
    let again = try batch(files)
    #expect(again.status == 0 && statuses(again.lines) == ["skipped": 4])
  }

  /// Anything that decides about the bytes, and nothing else, has a file made anew.
  @Test func whatIsUpToDateIsLeftAlone() throws {
    let files = try inputs(2)
    _ = try batch(files)
    func expectOnce(_ flags: String...) throws {
      let command = ["convert", "--out-dir", out, "--to", "npz", "--jsonl"] + flags + files
      for status in ["converted", "skipped"] {
        let result = try Command.run(list: command)
        #expect(result.status == 0, "\(flags): \(result.errors)")
        #expect(result.output.components(separatedBy: "\"\(status)\"").count == 3, "\(flags)")
      }
    }
    try expectOnce("--dtype", "float64")
    try expectOnce("--dtype", "float64", "--cast-policy", "exact")
    try expectOnce("--rename", "w=v")
    try expectOnce("--rename-regex", "^=v.")
    try expectOnce("--compress", "6")
    try expectOnce("--include", "w")
    try expectOnce("--jobs", "1")
    #expect(try statuses(batch(files, "--jobs", "7", "--fsync", "--force").lines) == ["skipped": 2])
    // Another time is no other content.
    try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: files[0])
    #expect(try statuses(batch(files).lines) == ["skipped": 2])
    try TensorArchive([("w", Tensor([5, 1 / 3] as [Float]))]).write(to: files[0])
    #expect(try statuses(batch(files).lines) == ["skipped": 1, "converted": 1])
    let output = out + "/f0.npz"
    #expect(try TensorArchive(contentsOf: output).tensor("w").array(of: Float.self)[0] == 5)
    // A bit of the output, and the whole of it.
    var changed = try bytes(of: output)
    changed[changed.count / 2] ^= 1
    try Data(changed).write(to: URL(filePath: output))
    #expect(try statuses(batch(files).lines) == ["skipped": 1, "converted": 1])
    try FileManager.default.removeItem(atPath: output)
    #expect(try statuses(batch(files).lines) == ["skipped": 1, "converted": 1])
    #expect(try statuses(batch(files).lines) == ["skipped": 2])
  }

  @Test func oneThatFailsDoesNotKeepTheOthers() throws {
    let files = try inputs(3)
    let cut = try folder.write(Array(try bytes(of: files[0]).dropLast(40)), "cut.npz")
    let fifo = folder.path("fifo.npz")
    #expect(unsafe mkfifo(fifo, 0o600) == 0)
    let text = try folder.write(Array("hello".utf8), "text.npz")
    let all = [cut] + files + [folder.path("nothing.npz"), fifo, text, "\u{fffd}.npz"]
    for jobs in ["1", "4"] {
      try? FileManager.default.removeItem(atPath: out)
      let result = try batch(all, "--jobs", jobs)
      #expect(result.status == 2)
      #expect(statuses(result.lines) == ["converted": 3, "failed": 5])
      #expect(result.lines.compactMap { $0["input"]?.text }.sorted() == all.sorted())
      let failed = result.lines.filter { $0["status"]?.text == "failed" }
      #expect(failed.allSatisfy { $0["error"]?["reason"]?.text?.isEmpty == false })
      #expect(result.errors.components(separatedBy: "error: ").count == 6, "\(result.errors)")
      #expect(try contents(of: out).count == 6)
    }
  }

  @Test func findingsAreStatusOne() throws {
    let huge = folder.path("huge.npz")
    try TensorArchive([("w", try Tensor([1e30 as Float]))]).write(to: huge)
    let result = try batch([huge], "--dtype", "float16")
    #expect(result.status == 1 && statuses(result.lines) == ["converted": 1])
    guard case .number(1) = result.lines[0]["conversion"]?["total"]?["overflowed"] else {
      Issue.record("no count of what overflowed: \(result.lines)")
      return
    }
    let strict = try batch([Repository.testFile("npz/valid/duplicate-names.npz")], "--strict")
    #expect(strict.status == 2 && strict.lines[0]["error"]?["code"]?.text == "lossy")
  }

  /// The tree below a folder is kept, so files of one name in two folders stay two.
  @Test func foldersKeepTheirPaths() throws {
    let tree = folder.path("tree")
    for part in ["a", "b/c"] {
      try FileManager.default.createDirectory(
        atPath: "\(tree)/\(part)", withIntermediateDirectories: true)
      try Tensor([1 as Float]).write(to: "\(tree)/\(part)/x.npy")
    }
    let result = try batch([tree], to: "pt")
    #expect(result.status == 0, "\(result.errors)")
    for part in ["a", "b/c"] {
      #expect(try TensorArchive(contentsOf: "\(out)/\(part)/x.pt").names == [""])
    }
    let empty = folder.path("empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    let none = try batch([empty])
    #expect(none.status == 2 && statuses(none.lines) == ["failed": 1])
  }

  // MARK: Names

  @Test func twoInputsForOneOutputAreRefusedBeforeAnything() throws {
    let files = try inputs(2)
    let other = folder.path("f0.npy")
    try Tensor([1 as Float]).write(to: other)
    for arguments in [files + [other], [files[1], files[0], files[1]]] {
      let result = try batch(arguments)
      #expect(result.status == 2 && result.lines.isEmpty)
      #expect(result.errors.contains("/out/f"))
      #expect(!FileManager.default.fileExists(atPath: out))
    }
    let both = try batch(files + [other])
    #expect(both.errors.contains("'\(files[0])' and '\(other)'"))
    // All shards refuse alike.
    for shard in ["1/3", "2/3", "3/3"] {
      #expect(try batch(files + [other], "--shard", shard).status == 2)
    }
  }

  @Test func anyNameThatAListCanHold() throws {
    var list: [UInt8] = []
    let names = ["a\nb", " ", "-x", "é", "e\u{301}", "a.b.c", "\u{1b}[2J", "x.npz", ".npy"]
    for name in names {
      let path = folder.path(name + ".npy")
      try Tensor([1 as Float]).write(to: path)
      list += Array(path.utf8) + [0]
    }
    let path = try folder.write(list, "list")
    let result = try batch([], "--files-from", path)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.lines.count == names.count)
    let expected = names.map { $0 + ".npz" }
    #expect(Set(try contents(of: out).filter { !$0.hasSuffix(".json") }) == Set(expected))
    #expect(!result.errors.contains("\u{1b}"))
  }

  @Test func standardInputIsAList() throws {
    let files = try inputs(3)
    let arguments = ["convert", "--out-dir", out, "--to", ".NPY", "--files-from", "-"]
    let result = try run(
      Command.path, arguments, input: files.joined(separator: "\n"))
    #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
    #expect(try contents(of: out).filter { $0.hasSuffix(".npy") }.count == 3)
    // An empty list is no success, and no input is one job's lot.
    #expect(try run(Command.path, arguments, input: "\n\n").status == 64)
    let spare = try batch(files, "--shard", "4/4")
    #expect(spare.status == 0 && spare.lines.isEmpty && spare.errors.contains("shard 4 of 4"))
  }

  @Test func wrongCommandLines() throws {
    let files = try inputs(2)
    let wrong = [
      ["--out-dir", out], ["--to", "npz"], ["--out-dir", out, "--to", "zip"],
      ["--out-dir", out, "--to", "torchscript"], ["--out-dir", out, "--to", ""],
      ["--out-dir", out, "--to", "npz", "--jobs", "0"],
      ["--out-dir", out, "--to", "npz", "--shard", "0/2"],
      ["--out-dir", out, "--to", "npz", "--manifest", "m"], ["--jobs", "2"], ["--shard", "1/2"],
      ["--jsonl"],
    ]
    for flags in wrong {
      #expect(try Command.run(list: ["convert"] + flags + files).status == 64, "\(flags)")
    }
    let useless = try batch(files, "--compress", "6", to: "pt")
    #expect(useless.status == 2 && useless.lines.isEmpty && useless.errors.contains("--compress"))
    #expect(!FileManager.default.fileExists(atPath: out))
    for format in ["torch-zip", "pth", ".ckpt"] {
      #expect(try batch([files[0]], to: format).status == 0)
    }
    let made = try contents(of: out).filter { !$0.hasSuffix(".json") }
    #expect(made == ["f0.ckpt", "f0.pt", "f0.pth"])
  }

  // MARK: What is there already

  @Test func strangersAreNotReplaced() throws {
    let files = try inputs(2)
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    let output = out + "/f0.npz"
    try Data([1, 2, 3]).write(to: URL(filePath: output))
    let result = try batch(files)
    #expect(result.status == 2 && statuses(result.lines) == ["failed": 1, "converted": 1])
    #expect(result.errors.contains("--force"))
    #expect(try bytes(of: output) == [1, 2, 3])
    #expect(try statuses(batch(files, "--force").lines) == ["converted": 1, "skipped": 1])
    // A manifest of something else, or none at all, in the place of ours.
    for text in ["", "{}", try Manifest(contentsOf: out + "/f1.npz.manifest.json").text] {
      try Data(text.utf8).write(to: URL(filePath: output + ".manifest.json"))
      let refused = try batch(files)
      #expect(refused.status == 2 && statuses(refused.lines) == ["failed": 1, "skipped": 1])
      #expect(refused.errors.contains("f0.npz.manifest.json: is no manifest"))
    }
    #expect(try statuses(batch(files, "--force").lines) == ["converted": 1, "skipped": 1])
  }

  /// By its own name, by a link, and by the name of a folder.
  @Test func anInputIsNeverItsOwnOutput() throws {
    let file = try inputs(1)[0]
    let before = try bytes(of: file)
    let result = try Command.run(
      "convert", "--force", "--out-dir", folder.url.path, "--to", "npz", file)
    #expect(result.status == 2 && result.errors.contains("the input itself"))
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    try FileManager.default.linkItem(atPath: file, toPath: out + "/f0.npz")
    #expect(try batch([file], "--force").status == 2)
    #expect(try bytes(of: file) == before)
    try FileManager.default.removeItem(atPath: out + "/f0.npz")
    try FileManager.default.createDirectory(
      atPath: out + "/f0.npz", withIntermediateDirectories: false)
    let onFolder = try batch([file], "--force")
    #expect(onFolder.status == 2 && onFolder.errors.contains("is a folder"))
  }

  @Test func foldersThatCannotBe() throws {
    let files = try inputs(2)
    try folder.write([1], "file")
    for place in [folder.path("file"), folder.path("file") + "/x", "/proc/nothing"] {
      let result = try Command.run(
        list: ["convert", "--out-dir", place, "--to", "npz", "--jsonl"] + files)
      #expect(result.status == 2, "\(place): \(result.errors)")
    }
    // Several levels are made; a folder without room for new files is an error for each.
    let deep = try Command.run(
      list: ["convert", "--out-dir", folder.path("x/y/z/"), "--to", "npz"] + files)
    #expect(deep.status == 0)
    let closed = try Command.run(
      list: ["convert", "--out-dir", "/proc", "--to", "npz", "--jsonl"] + files)
    #expect(closed.status == 2)
    #expect(closed.output.split(separator: "\n").count == 2)
    #expect(try folder.contents() == ["f0.npz", "f1.pt", "file", "x"])
  }

  @Test func anOutputThatNobodyReadsIsAnError() throws {
    let files = try inputs(3)
    let result = try run(
      "/bin/sh",
      ["-c", "exec \"$0\" \"$@\" > /dev/full", Command.path, "convert", "--out-dir", out]
        + ["--to", "npz", "--jsonl"] + files)
    #expect(result.status == 2 && result.errors.contains("No space left on device"))
  }
}
