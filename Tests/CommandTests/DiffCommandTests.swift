import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio diff` from outside.
@Suite struct DiffCommandTests {
  private let folder: TemporaryFolder
  private let left: String
  private let right: String

  init() throws {
    folder = try TemporaryFolder()
    left = folder.path("left.pt")
    right = folder.path("right.npz")
    try TensorArchive(
      ValueGraph(dictionary: [
        ("w", .tensor(try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))),
        ("b", .tensor(try Tensor([0.5] as [Float]))), ("epoch", .int(2)),
      ])
    ).write(to: left)
    try TensorArchive([
      ("w", try Tensor([1, 2, 3, 4.25] as [Float], shape: [2, 2])),
      ("b", try Tensor([0.5] as [Float])),
    ]).write(to: right)
  }

  private func diff(_ arguments: String...) throws -> ProgramResult {
    try Command.run(list: ["diff"] + arguments)
  }

  @Test func theExitStatusSaysWhetherFilesAreTheSame() throws {
    #expect(try diff(left, left).status == 0)
    #expect(try diff(left, right).status == 1)
    #expect(try diff(left, right, "--tensors-only").status == 1)
    #expect(try diff(left, right, "--tensors-only", "--atol", "0.25").status == 0)
    #expect(try diff(left, right, "--tensors-only", "--rtol", "0.06").status == 0)
    #expect(try diff(left, right, "--tensors-only", "--atol", "0.24").status == 1)
    #expect(try diff(left, right, "--tensors-only", "--close").status == 1)
    #expect(try diff(left, right, "--include", "b").status == 0)
    #expect(try diff(left, right, "--exclude", "w", "--exclude", "epoch").status == 0)
    #expect(try diff(left, "/dev/null").status == 1)
    #expect(try diff("/dev/null", "/dev/null").status == 1)
    #expect(try diff(left, folder.path("none.pt")).status == 2)
    #expect(try diff(folder.path("none.pt"), folder.path("none.npz")).status == 2)
    #expect(try diff(left, right, "--include", "x").status == 2)
    for wrong in [
      [], [left], [left, right, left], [left, right, "--rtol=-1"], [left, right, "--rtol", "nan"],
      [left, right, "--close", "--atol", "1"], [left, right, "--rename", "a"],
      [left, right, "--max=-1"],
    ] {
      #expect(try Command.run(list: ["diff"] + wrong).status == 64, "\(wrong)")
    }
  }

  @Test func bothFilesThatCannotBeReadAreNamed() throws {
    let result = try diff(folder.path("none.pt"), folder.path("other.pt"))
    #expect(result.errors.contains("none.pt") && result.errors.contains("other.pt"))
    let directory = try diff(left, folder.url.path)
    #expect(directory.status == 2 && directory.errors.contains("directory"))
    let damaged = Repository.testFile("npz/invalid/crc-data-flipped.npz")
    let failed = try diff(damaged, damaged)
    #expect(failed.status == 2 && failed.output.contains("1 failed"))
    #expect(failed.errors.contains("CRC-32") && failed.errors.contains(damaged))
  }

  @Test func whatDiffersIsListed() throws {
    let result = try diff(left, right)
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(
      lines.first == "\(left), \(right): 2 tensors: 1 equal, 1 differ; 1 value differs")
    #expect(lines.count == 4 && lines[1].hasPrefix("STATUS"))
    let row = lines[2].split(separator: " ").map(String.init)
    #expect(row.prefix(3) == ["differ", "w", "float32"])
    #expect(lines[2].contains("(2, 2)     1/4  [1, 1]"))
    #expect(lines[3] == "value epoch: 2 / (none)")
    #expect(result.errors == "")
    let all = try diff(left, right, "--all")
    #expect(all.output.contains("equal   b"))
    let cut = try diff(left, right, "--all", "--max", "1")
    #expect(cut.output.contains("… and 1 more"))
    #expect(try diff(left, left).output == "\(left), \(left): 2 tensors: 2 equal\n")
  }

  @Test func theJSONHasAllNumbers() throws {
    let result = try diff(left, right, "--json")
    let object = try JSONValue(parsing: Data(result.output.utf8))
    #expect(object["same"] == .bool(false) && object["left"] == .text(left))
    #expect(object["counts"]?["differ"] == .int(1))
    let tensor = try #require(object["tensors"]?.items.first)
    #expect(tensor["status"] == .text("differ") && tensor["difference"] == .bool(true))
    #expect(tensor["left"]?["shape"] == .ints([2, 2]))
    for (key, value) in [
      ("count", 4), ("differing", 1), ("mismatched", 1), ("max_abs", 0.25), ("mean_abs", 0.0625),
      ("max_ulp", 524_288), ("nan_mismatches", 0),
    ] as [(String, Double)] {
      #expect(tensor[key] == .number(value), "\(key)")
    }
    #expect(tensor["first_mismatched"] == .ints([1, 1]))
    #expect(
      object["values"]?.items
        == [.object(["name": .text("epoch"), "left": .text("2"), "right": .null])])
    // Numbers that JSON does not have.
    let zeros = folder.path("zeros.npy")
    let ones = folder.path("ones.npy")
    try Tensor([0.0]).write(to: zeros)
    try Tensor([1.0]).write(to: ones)
    let infinite = try JSONValue(parsing: Data(try diff(ones, zeros, "--json").output.utf8))
    let numbers = try #require(infinite["tensors"]?.items.first)
    #expect(numbers["max_rel"] == .text("inf") && numbers["cosine"] == .text("nan"))
  }

  @Test func partsAndNames() throws {
    let nested = folder.path("nested.pt")
    var graph = ValueGraph(dictionary: [
      ("module.w", .tensor(try Tensor([1, 2, 3, 4.25] as [Float], shape: [2, 2]))),
      ("module.b", .tensor(try Tensor([0.5] as [Float]))),
    ])
    let inner = graph.root
    let key = graph.add(.string("model"))
    graph.setRoot(graph.add(.dictionary([(key, inner)])))
    try TensorArchive(graph).write(to: nested)
    let flags = ["--select-left", "model", "--rename", "module.*=*"]
    #expect(try Command.run(list: ["diff", nested, right] + flags).status == 0)
    let list = try folder.write(Array("module.w=w\nmodule.b=b\n".utf8), "names")
    #expect(
      try diff(nested, right, "--select-left", "model", "--rename-from", list).status == 0)
    #expect(try diff(right, nested, "--select-right", "model").status == 1)
    #expect(try diff(nested, nested, "--select", "nothing").status == 2)
  }

  @Test func namesAreEscapedForTheTerminal() throws {
    let odd = folder.path("odd.npz")
    try TensorArchive([("a\u{1b}[31m", try Tensor([1.0])), ("b", try Tensor([1.0]))])
      .write(to: odd)
    let result = try diff(odd, right)
    #expect(result.output.contains("a\\x1B[31m") && !result.output.contains("\u{1b}"))
  }

  /// The recipes of Specs/cli.md, in a repository of their own.
  @Test func gitShowsDifferences() throws {
    let script = """
      set -e
      cd "$1"
      export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=x \
        GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x
      PATH="$2:$PATH"
      git init -q . 2>/dev/null
      printf '*.npz diff=tensorio\\n*.npy diff=tensorio\\n*.pt diff=tensorio\\n' > .gitattributes
      git config diff.tensorio.command 'f() { tensorio diff --max 20 "$2" "$5" || test $? -eq 1; }; f'
      git config diff.tensorio.textconv 'f() { tensorio ls --hash "$1" | sed 1d; }; f'
      git config difftool.tensorio.cmd 'tensorio diff "$LOCAL" "$REMOTE"'
      cp one.npz x.npz; git add .gitattributes x.npz; git commit -q -m one
      cp two.npz x.npz
      echo "external"; git diff
      echo "textconv"; git diff --no-ext-diff
      echo "difftool"; git difftool -y -t tensorio || true
      """
    for (name, number) in [("one.npz", Float(1)), ("two.npz", 2)] {
      try TensorArchive([("w", try Tensor([number])), ("b", try Tensor([3 as Float]))])
        .write(to: folder.path(name))
    }
    let bin = URL(filePath: Command.path).deletingLastPathComponent().path
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/git") else { return }
    let result = try run("/bin/sh", ["-c", script, "sh", folder.url.path, bin])
    #expect(result.status == 0, "\(result.errors)")
    let parts = result.output.components(separatedBy: "textconv\n")
    #expect(parts.count == 2)
    #expect(parts[0].contains("2 tensors: 1 equal, 1 differ"))
    #expect(parts.last?.contains("\n-w     float32") == true, "\(result.output)")
    #expect(parts.last?.contains("\n+w     float32") == true)
    let tool = result.output.components(separatedBy: "difftool\n").last
    #expect(tool?.contains("1 equal, 1 differ") == true)
  }
}
