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

  /// Shards in safetensors are huggingface_hub's, byte for byte; its index says the same.
  @Test func shardsAreThoseOfHuggingface() throws {
    let seed = Int.random(in: 0..<1_000_000)
    print("live shards, safetensors: seed \(seed)")
    let sets = folder.path("hub")
    guard let list = try oracle("hub", sets, "60", "\(seed)") else { return }
    var fileCount = 0
    for line in list.split(separator: "\n") {
      let parts = line.split(separator: " ")
      let (number, size) = (String(parts[0]), String(parts[1]))
      let (theirs, ours) = ("\(sets)/\(number)-hub", "\(sets)/\(number)-ours")
      try FileManager.default.createDirectory(atPath: ours, withIntermediateDirectories: false)
      let result = try Command.run(
        "convert", "--verify", "--shard-size", size, "\(sets)/\(number).pt",
        "\(ours)/model.safetensors")
      #expect(result.status == 0, "seed \(seed), \(number): \(result.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: theirs).sorted()
      #expect(try FileManager.default.contentsOfDirectory(atPath: ours).sorted() == names)
      for name in names {
        let (expected, found) = (
          try bytes(of: "\(theirs)/\(name)"), try bytes(of: "\(ours)/\(name)")
        )
        if name.hasSuffix(".json") {
          let (left, right) = (
            try JSONValue(parsing: Data(found)), try JSONValue(parsing: Data(expected))
          )
          #expect(left == right, "seed \(seed), \(number)")
        } else {
          #expect(found == expected, "seed \(seed), \(number): \(name)")
          fileCount += 1
        }
      }
      let same = try Command.run("diff", "\(sets)/\(number).pt", theirs)
      #expect(same.status == 0 || names.count == 1, "seed \(seed), \(number): \(same.errors)")
    }
    print("live shards, safetensors: \(fileCount) files are the same")
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
