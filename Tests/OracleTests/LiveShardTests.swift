import Foundation
import TensorIO
import TestSupport
import Testing

/// Shards and distributed checkpoints against huggingface_hub and PyTorch.
@Suite struct LiveShardTests {
  private static let script = Repository.root.appending(path: "Tests/Oracle/live_shards.py").path
  private static let isDemanded =
    ProcessInfo.processInfo.environment["TENSORIO_WITH_TORCH"] != nil

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// The output of the script; nil where what it needs is missing.
  private func oracle(_ arguments: String...) throws -> String? {
    guard let python = Oracle.python, Oracle.hasTorch else {
      return missing("a Python with torch; script/bootstrap --with-torch makes one")
    }
    let result = try run(python, [Self.script] + arguments)
    if result.status == 77 {
      return missing("huggingface_hub; script/bootstrap --with-torch installs it")
    }
    try #require(result.status == 0, "\(result.errors.suffix(3000))")
    return result.output
  }

  private func missing(_ what: String) -> String? {
    print("LIVE SHARDS LEFT OUT: no \(what)")
    if Self.isDemanded { Issue.record("demanded and missing: \(what)") }
    return nil
  }

  /// The index has the bytes of huggingface_hub's, printed as transformers prints it.
  @Test func indexesAreThoseOfHuggingface() throws {
    let seed = Int.random(in: 0..<1_000_000)
    print("live shards: seed \(seed)")
    let sets = folder.path("sets")
    guard let list = try oracle("split", sets, "120", "\(seed)") else { return }
    var shardedCount = 0
    for line in list.split(separator: "\n") {
      let parts = line.split(separator: " ")
      let (number, size) = (String(parts[0]), try #require(Int(parts[1])))
      try FileManager.default.createDirectory(
        atPath: "\(sets)/\(number)", withIntermediateDirectories: false)
      let archive = try TensorArchive(contentsOf: "\(sets)/\(number).pt")
      let written = try archive.write(
        toShardsAt: "\(sets)/\(number)/pytorch_model.bin", shardSize: size)
      let expected = try bytes(of: "\(sets)/\(number).json")
      let found = try written.index.map { try bytes(of: $0) } ?? []
      #expect(found == expected, "seed \(seed), \(number): shards of \(size)")
      if written.index != nil { shardedCount += 1 }
      let read = try TensorArchive(contentsOf: written.index ?? written.files[0])
      #expect(read.findings.isEmpty, "seed \(seed), \(number): \(read.findings)")
    }
    #expect(shardedCount > 40)
    print("live shards: \(shardedCount) indexes; \(try oracle("load", sets) ?? "")")
  }

  @Test func distributedCheckpointsAreRead() throws {
    let seed = Int.random(in: 0..<1_000_000)
    let sets = folder.path("dcp")
    guard try oracle("dcp", sets, "\(seed)") != nil else { return }
    let whole = "\(sets)/whole.pt"
    let expected = try TensorArchive(contentsOf: whole)
    for name in ["one", "three"] {
      let archive = try TensorArchive(contentsOf: "\(sets)/\(name)")
      #expect(archive.format == "dcp" && archive.findings.isEmpty)
      #expect(archive.names.sorted() == expected.names.sorted())
      #expect(archive.globals.allSatisfy { $0.verdict != .dangerous })
      let same = try Command.run("diff", whole, "\(sets)/\(name)")
      #expect(same.status == 0, "seed \(seed), \(name): \(same.output)\(same.errors)")
      let valid = try Command.run("validate", "\(sets)/\(name)")
      #expect(valid.status == 0, "\(valid.output)\(valid.errors)")
      let copy = folder.path("\(name).pt")
      #expect(try Command.run("convert", "--verify", "\(sets)/\(name)", copy).status == 0)
      #expect(try Command.run("diff", whole, copy).status == 0)
    }
  }
}
