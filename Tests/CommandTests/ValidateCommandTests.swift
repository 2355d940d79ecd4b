import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio validate` from outside.
@Suite struct ValidateCommandTests {
  private let demo = Repository.testFile("demo/mnist-mlp.npz")
  private let labels = Repository.testFile("demo/labels.npy")

  private func lines(_ output: String) throws -> [JSONValue] {
    try output.split(separator: "\n").map { try JSONValue(parsing: Data($0.utf8)) }
  }

  /// A folder with clean files, one with a finding and one that is cut short.
  private func mixed() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let array = try bytes(of: labels)
    for index in 0..<5 { try folder.write(array, "a\(index).npy") }
    try folder.write(array + [1, 2], "b-longer.npy")
    try folder.write(Array(try bytes(of: demo).dropLast(30)), "c-cut.npz")
    try folder.write([1], "notes.txt")
    return folder
  }

  @Test func theStatusIsTheWorstOfAllFiles() throws {
    #expect(try Command.run("validate", demo, labels).status == 0)
    let folder = try mixed()
    let longer = try Command.run("validate", demo, folder.path("b-longer.npy"))
    #expect(longer.status == 1)
    #expect(
      longer.errors.contains("b-longer.npy: byte ") && longer.errors.contains("(trailing-bytes)"))
    let all = try Command.run("validate", folder.url.path)
    #expect(all.status == 2)
    #expect(all.output.split(separator: "\n").count == 7)
    #expect(all.errors.contains("error: \(folder.path("c-cut.npz")): "))
    #expect(all.errors.contains("7 files: 5 clean, 1 with findings, 1 failed"))
    let quiet = try Command.run("validate", "--quiet", folder.url.path)
    #expect(quiet.output.split(separator: "\n").count == 2)
    let lenient = try Command.run("validate", "--exit-zero", folder.url.path)
    #expect(lenient.status == 0 && lenient.output == all.output)
    #expect(
      try Command.run("validate", "--allow", "trailing-bytes", folder.path("b-longer.npy")).status
        == 0)
  }

  @Test func everyInputHasALineWhateverHappens() throws {
    let folder = try mixed()
    for jobs in ["1", "4"] {
      let result = try Command.run(
        "validate", "--jsonl", "--jobs", jobs, folder.url.path, folder.path("absent.npy"),
        "/dev/null")
      #expect(result.status == 2)
      let objects = try lines(result.output)
      #expect(objects.count == 9)
      #expect(
        objects.map { $0["outcome"]?.text } == Array(repeating: "clean", count: 5) + [
          "findings", "failed", "failed", "failed",
        ])
      #expect(objects[5]["findings"]?.items.first?["code"]?.text == "trailing-bytes")
      #expect(objects[7]["errors"]?.items.first?["code"]?.text == "io")
    }
  }

  @Test func shardsShareAList() throws {
    let folder = try mixed()
    var seen: [String] = []
    for shard in 1...3 {
      let result = try Command.run("validate", "--json", "--shard", "\(shard)/3", folder.url.path)
      seen += try lines(result.output).compactMap { $0["file"]?.text }
    }
    #expect(seen.count == 7 && Set(seen).count == 7)
    let none = try Command.run("validate", "--shard", "2/2", demo)
    #expect(none.status == 0 && none.errors.contains("shard 2 of 2 has none of 1 files"))
  }

  @Test func noFilesAreNoSuccess() throws {
    let folder = try TemporaryFolder()
    let result = try Command.run("validate", folder.url.path)
    #expect(result.status == 2 && result.errors.contains("the folder holds no files"))
    #expect(try Command.run("validate", "--files-from", "-", input: "").status == 2)
    #expect(try Command.run("validate").status == 64)
  }

  @Test func wrongCommandLinesAreSaidSo() throws {
    for arguments in [
      ["--shard", "0/3"], ["--shard", "4/3"], ["--shard", "x"], ["--jobs", "0"],
      ["--range", "x=3:1"],
      ["--range", "x"], ["--allow", "nothing"], ["--json", "--github"],
      ["--junit", "a", "--sarif", "a"], ["--write-policy", "p", "two.npz"],
    ] {
      let result = try Command.run(list: ["validate", demo] + arguments)
      #expect(result.status == 64, "\(arguments): \(result)")
    }
  }

  @Test func numbersAndPoliciesAreAskedFor() throws {
    let folder = try TemporaryFolder()
    let policy = folder.path("policy.json")
    #expect(try Command.run("validate", demo, "--finite", "--write-policy", policy).status == 0)
    #expect(try Command.run("validate", demo, "--policy", policy).status == 0)
    let other = try Command.run("validate", labels, "--policy", policy)
    #expect(other.status == 1)
    for code in ["wrong-format", "missing-tensor", "unexpected-tensor"] {
      #expect(other.errors.contains("(\(code))"))
    }
    let range = try Command.run("validate", demo, "--range", "fc*=-0.01:0.01")
    #expect(range.status == 1)
    #expect(range.errors.contains("tensor 'fc1/weight'") && range.errors.contains("(out-of-range)"))
    let broken = try folder.write(Array("{\"version\": 9}".utf8), "broken.json")
    let refused = try Command.run("validate", demo, "--policy", broken)
    #expect(refused.status == 2 && refused.errors.contains("broken.json") && refused.output.isEmpty)
    let cut = try folder.write(Array(try bytes(of: demo).dropLast(9)), "cut.npz")
    let late = try Command.run("validate", cut, "--write-policy", folder.path("new.json"))
    #expect(late.status == 2)
    #expect(!FileManager.default.fileExists(atPath: folder.path("new.json")))
  }

  @Test func reportsAreWrittenBeside() throws {
    let folder = try mixed()
    let (junit, sarif) = (folder.path("j.xml"), folder.path("s.sarif"))
    let summary = try folder.write(Array("before\n".utf8), "summary.md")
    let result = try Command.run(
      "validate", folder.url.path, "--github", "--junit", junit, "--sarif", sarif,
      environment: ["GITHUB_STEP_SUMMARY": summary])
    #expect(result.status == 2)
    #expect(result.output.split(separator: "\n").count { $0.hasPrefix("::") } == 2)
    #expect(
      String(decoding: try bytes(of: summary), as: UTF8.self).hasPrefix("before\n## tensorio"))
    #expect(try XMLDocumentCheck.attributes(of: junit, element: "testsuite")["tests"] == "7")
    let log = try JSONValue(parsing: Data(try bytes(of: sarif)))
    #expect(log["runs"]?.items.first?["results"]?.items.count == 2)
    let full = try Command.run("validate", demo, "--junit", "/dev/full")
    #expect(full.status == 2, "a report that cannot be written is an error")
  }

  @Test func aManifestIsHeldAgainstWhatWasWritten() throws {
    let folder = try TemporaryFolder()
    for output in ["out.npz", "parts/"] {
      let (target, manifest) = (folder.path(output), folder.path("m.json"))
      let path = output.hasSuffix("/") ? target + "/" : target
      let written = try Command.run("convert", "-f", "--manifest", manifest, demo, path)
      #expect(written.status == 0, "\(written)")
      #expect(try Command.run("validate", target, "--manifest", manifest).status == 0)
    }
    // No checksum of an npy file notices this.
    let part = folder.path("parts/step.npy")
    var changed = try bytes(of: part)
    changed[changed.count - 8] ^= 1
    try Data(changed).write(to: URL(filePath: part))
    let result = try Command.run(
      "validate", folder.path("parts"), "--manifest", folder.path("m.json"))
    #expect(result.status == 1 && result.errors.contains("(manifest-mismatch)"), "\(result)")
    #expect(try Command.run("validate", demo, labels, "--manifest", "m").status == 64)
    #expect(try Command.run("validate", demo, "--manifest", folder.path("absent")).status == 2)
  }

  @Test func noNameIsACommandToGitHub() throws {
    let folder = try TemporaryFolder()
    let tensor = try Tensor([Float.nan], shape: [1])
    try TensorArchive([("::error::a", tensor), ("b ##[error]c", tensor)]).write(
      to: folder.path("x.npz"))
    let result = try Command.run("validate", "--github", "--finite", folder.path("x.npz"))
    #expect(result.status == 1)
    // In a line that is a command already, nothing else is looked for.
    let others = (result.output + result.errors).split(separator: "\n").filter {
      !$0.hasPrefix("::")
    }
    #expect(!others.contains { $0.contains("##[") }, "\(result)")
    #expect(
      result.output.split(separator: "\n").count { $0.hasPrefix("::") } == 2, "\(result.output)")
  }

  @Test func namesInPicklesCanBeAllowed() throws {
    let file = Repository.testFile("torch/valid/module-class.pt")
    let plain = try Command.run("validate", "--json", file)
    #expect(plain.status == 1 && plain.output.contains("unknown-global"))
    let allowed = try Command.run("validate", file, "--allow-global", "*")
    #expect(allowed.status == 0, "\(allowed)")
  }
}

/// The first element of a kind in an XML file.
private enum XMLDocumentCheck {
  static func attributes(of path: String, element: String) throws -> [String: String] {
    let text = String(decoding: try bytes(of: path), as: UTF8.self)
    guard let start = text.range(of: "<\(element) ") else { return [:] }
    let tag = text[start.upperBound...].prefix { $0 != ">" }
    var found: [String: String] = [:]
    for part in tag.split(separator: "\" ") {
      let pair = part.split(separator: "=\"")
      if pair.count == 2 { found[String(pair[0])] = String(pair[1].filter { $0 != "\"" }) }
    }
    return found
  }
}
