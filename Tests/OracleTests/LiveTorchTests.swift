import Foundation
import TensorIO
import TestSupport
import Testing

/// Random files and whole models written by the real PyTorch and read here, written here and loaded
/// by PyTorch.
@Suite struct LiveTorchTests {
  private static let script = Repository.root.appending(path: "Tests/Oracle/live_torch.py").path
  /// Set by `script/test --with-torch`: without PyTorch the run fails.
  private static let isDemanded =
    ProcessInfo.processInfo.environment["TENSORIO_WITH_TORCH"] != nil

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func hasTorch() -> Bool {
    if Oracle.hasTorch { return true }
    print("LIVE PYTORCH LEFT OUT: no Python with torch; script/bootstrap --with-torch makes one")
    if Self.isDemanded { Issue.record("PyTorch is demanded and missing") }
    return false
  }

  /// Makes a folder.
  private func makeFolder(_ name: String) throws -> String {
    let url = folder.url.appending(path: name)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url.path
  }

  /// Runs a check of the script; its words are the failure's.
  private func check(_ arguments: String...) throws {
    guard let python = Oracle.python else { throw Oracle.Missing() }
    let result = try run(python, [Self.script] + arguments)
    let lines = result.output.split(separator: "\n")
    print("live PyTorch, \(arguments[0]): \(lines.last ?? "no answer")")
    #expect(
      result.status == 0,
      "\(lines.suffix(30).joined(separator: "\n"))\n\(result.errors.suffix(2000))")
  }

  @Test func aThousandTreesThereAndBack() throws {
    guard hasTorch() else { return }
    let (count, seed) = (1000, Int.random(in: 0..<1_000_000))
    print("live PyTorch, trees: seed \(seed)")
    let (originals, copies) = (folder.path("originals"), try makeFolder("copies"))
    _ = try Oracle.run([Self.script, "write", originals, "\(count)", "\(seed)"])
    let expected = try String(contentsOfFile: "\(originals)/expected.jsonl", encoding: .utf8)
    var (trees, tensors) = (0, 0)
    for line in expected.split(separator: "\n") {
      let golden = TreeGolden(try JSONValue(parsing: Data(line.utf8)))
      do {
        let archive = try TensorArchive(contentsOf: "\(originals)/\(golden.file)")
        #expect(archive.format == golden.format, "\(golden.file)")
        let found = try TreeDescription.json(of: archive.values).comparable
        for difference in found.differences(from: golden.content.comparable).prefix(4) {
          Issue.record("seed \(seed), \(golden.file): \(difference)")
        }
        try archive.write(to: "\(copies)/\(golden.file)")
        tensors += archive.entries.count
        trees += 1
      } catch {
        Issue.record("seed \(seed), \(golden.file): \(error)")
      }
    }
    print("live PyTorch, trees: \(trees) read, with \(tensors) tensors")
    #expect(trees == count && tensors > count)
    try check("check", copies, originals)
  }

  @Test func modelsSurviveBitForBit() throws {
    guard hasTorch() else { return }
    let (models, copies) = (folder.path("models"), try makeFolder("copies"))
    let files = try Oracle.run([Self.script, "models", models]).split(separator: "\n")
    #expect(files.count >= 8)
    for file in files.map(String.init) {
      let name = URL(filePath: file).lastPathComponent
      let result = try Command.run("convert", file, "\(copies)/\(name)")
      #expect(
        result.status == 0 && !result.errors.contains("not kept"), "\(name): \(result.errors)")
      try checkThroughNumPy(file)
    }
    try check("models-check", models, copies)
  }

  /// The tensors of a model as an npz file, and as a PyTorch file again.
  private func checkThroughNumPy(_ file: String) throws {
    let name = URL(filePath: file).lastPathComponent
    let (arrays, copy) = (folder.path(name + ".npz"), folder.path(name + ".npz.pt"))
    let losses = try TensorArchive(contentsOf: file).losses(writingTo: arrays)
    // bfloat16 is raw bytes to NumPy, and the reader of those is told so.
    let lost = losses.filter { $0.kind == .dtype }.map(\.name)
    let there = try Command.run("convert", file, arrays)
    #expect(there.status == 0, "\(name): \(there.errors)")
    let back = try Command.run("convert", "--void-as", "bfloat16", arrays, copy)
    #expect(back.status == 0, "\(name): \(back.errors)")
    let (original, result) = (
      try TensorArchive(contentsOf: file), try TensorArchive(contentsOf: copy)
    )
    #expect(!original.entries.isEmpty && result.entries.count == original.entries.count, "\(name)")
    for entry in result.entries {
      let tensor = try original.tensor(entry.name)
      #expect(entry.tensor.dtype == tensor.dtype, "\(name) '\(entry.name)'")
      #expect(entry.tensor.shape == tensor.shape, "\(name) '\(entry.name)'")
      let (left, right) = (try entry.tensor.goldenHash(), try tensor.goldenHash())
      #expect(left == right, "\(name) '\(entry.name)'")
    }
    var arguments = [Self.script, "npz-check", file, arrays]
    for tensor in lost { arguments += ["--lost", tensor] }
    _ = try Oracle.run(arguments)
  }
}
