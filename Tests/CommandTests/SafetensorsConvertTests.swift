import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio convert` to safetensors and back.
@Suite struct SafetensorsConvertTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// A state dict with tied weights, in PyTorch's form.
  private func checkpoint() throws -> String {
    let weights = try Tensor((0..<12).map(Float.init), shape: [3, 4])
    let archive = try TensorArchive([
      ("embed", weights), ("head", weights), ("t", weights.transposed()),
      ("bias", try Tensor([1, 2, 3] as [Float])), ("steps", try Tensor([7] as [Int64])),
    ])
    try archive.write(to: folder.path("in.pt"))
    return folder.path("in.pt")
  }

  @Test(arguments: [TiePolicy.record, .drop, .clone], [nil, "floating:bfloat16"])
  func tiesGoThereAndBack(_ ties: TiePolicy, _ rule: String?) throws {
    let input = try checkpoint()
    let (middle, back) = (folder.path("x.safetensors"), folder.path("back.pt"))
    let rules = rule.map { ["--dtype", $0] } ?? []
    let there = try Command.run(
      list: ["convert", "--verify", "--ties", ties.rawValue] + rules + [input, middle])
    #expect(there.status == 0, "\(there)")
    let losesTies = there.errors.contains("shares its storage")
    #expect(losesTies == (ties == .clone), "\(there.errors)")
    let listed = try Command.run("ls", "--ignore-ties", middle)
    #expect(listed.output.contains("format: pt"))
    #expect(listed.output.contains("\nhead ") == (ties != .drop), "\(listed.output)")
    let again = try Command.run("convert", "--verify", middle, back)
    #expect(again.status == 0, "\(again)")
    let archive = try TensorArchive(contentsOf: back)
    #expect(
      archive.aliasGroups.map { $0.map(\.name).sorted() }
        == (ties == .clone ? [] : [["embed", "head", "t"]]))
    #expect(
      try archive.tensor("t").converted(to: .float32).array(of: Float.self).prefix(3) == [0, 4, 8])
    #expect(archive.names.count == 5)
  }

  @Test func theManifestGoesByName() throws {
    let (input, output) = (try checkpoint(), folder.path("x.safetensors"))
    let manifest = folder.path("x.json")
    let result = try Command.run(
      "convert", "--manifest", manifest, "--dtype", "floating:float16", input, output)
    #expect(result.status == 0, "\(result)")
    #expect(try Command.run("validate", "--manifest", manifest, output).status == 0)
    let text = String(decoding: try bytes(of: manifest), as: UTF8.self)
    #expect(text.contains("\"name\":\"steps\""))
  }

  @Test func alignedPayloadsAndWrongFlags() throws {
    let (input, output) = (try checkpoint(), folder.path("x.safetensors"))
    #expect(try Command.run("convert", "--align", "64", input, output).status == 0)
    let count = try bytes(of: output)[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect((count + 8) % 64 == 0)
    // What does nothing is not taken.
    for useless in [["--align", "64"], ["--ties", "drop"]] {
      let result = try Command.run(list: ["convert"] + useless + [input, folder.path("x.npz")])
      #expect(result.status == 2 && result.errors.contains("does nothing"), "\(result)")
    }
    for wrong in [["--align", "7"], ["--align", "12"], ["--ties", "maybe"]] {
      #expect(
        try Command.run(list: ["convert", "--force"] + wrong + [input, output]).status == 64)
    }
  }

  @Test func validateComparesWhatIsThereTwice() throws {
    let (input, output) = (try checkpoint(), folder.path("x.safetensors"))
    #expect(try Command.run("convert", input, output).status == 0)
    #expect(try Command.run("validate", output).status == 0)
    // The elements after the integers: bias, embed, head, t.
    var all = try bytes(of: output)
    all[all.count - 50] ^= 1
    let changed = try folder.write(all, "y.safetensors")
    let result = try Command.run("validate", changed)
    #expect(
      result.status == 2 && (result.output + result.errors).contains("--ignore-ties"), "\(result)")
  }

  /// The size in an index is one that our own reader takes, whatever becomes of ties.
  @Test(arguments: ["record", "drop", "clone"])
  func shardsOfTiesAreClean(_ ties: String) throws {
    let input = try checkpoint()
    let output = folder.path("model.safetensors")
    func convert(_ more: String...) throws -> ProgramResult {
      try Command.run(
        list: ["convert", "--shard-size", "48", "--verify"] + more + [input, output])
    }
    #expect(try convert("--ties", ties).status == 0)
    let result = try Command.run("validate", output + ".index.json")
    #expect(result.status == 0, "\(result)")
    let count = ties == "clone" ? 4 : 2
    let again = try convert("--resume", "--ties", ties)
    #expect(again.errors.contains("\(count) of \(count) shards were there and right"), "\(again)")
  }

  /// Shards that hold the same, written with other options, are not what was asked for.
  @Test func resumingWithOtherTiesWritesOtherShards() throws {
    let input = try checkpoint()
    var reading = ReadingOptions()
    reading.restoresTies = false
    for (ties, names) in [
      ("record", ["embed", "head", "t"]), ("drop", ["embed"]), ("record", ["embed", "head", "t"]),
    ] {
      let result = try Command.run(
        "convert", "--shard-size", "48", "--resume", "--ties", ties, input,
        folder.path("model.safetensors"))
      #expect(result.status == 0, "\(result)")
      let shard = try TensorArchive(
        contentsOf: folder.path("model-00001-of-00002.safetensors"), options: reading)
      #expect(shard.names == names)
      let whole = try TensorArchive(contentsOf: folder.path("model.safetensors.index.json"))
      #expect(Set(whole.names) == ["embed", "head", "t", "bias", "steps"])
    }
  }

  @Test func expressionsOfManyGroupsAreRefused() throws {
    let text = String(repeating: "(", count: 30_000) + "a" + String(repeating: ")", count: 30_000)
    let result = try Command.run(
      "convert", "--rename-regex", text + "=b", try checkpoint(), folder.path("x.safetensors"))
    #expect(!result.wasKilled && result.errors.contains("groups"), "\(result.status)")
  }

  @Test func optionsOfABatchAreComparedByteByByte() throws {
    let (composed, decomposed) = ("\u{e9}", "e\u{301}")
    try TensorArchive([
      (composed, try Tensor([1] as [Float])), (decomposed, try Tensor([2] as [Float])),
    ]).write(to: folder.path("in.npz"))
    for (name, value) in [(composed, 1), (decomposed, 2)] as [(String, Float)] {
      let result = try Command.run(
        "convert", folder.path("in.npz"), "--out-dir", folder.path("out"), "--to", "safetensors",
        "--include", name)
      #expect(result.status == 0, "\(result)")
      let archive = try TensorArchive(contentsOf: folder.path("out/in.safetensors"))
      #expect(try archive.onlyTensor().array(of: Float.self) == [value])
    }
  }

  @Test func metadataIsShownAndItsLossIsSaid() throws {
    var archive = try TensorArchive([("x", try Tensor([1] as [Float]))])
    archive.metadata = [("author", "me\u{1b}[2J"), ("format", "np")]
    try archive.write(to: folder.path("x.safetensors"))
    let listed = try Command.run("ls", folder.path("x.safetensors"))
    #expect(listed.output.contains("author: me\\x1B[2J"), "\(listed.output)")
    let json = try Command.run("ls", "--json", folder.path("x.safetensors"))
    #expect(json.output.contains(#""metadata":{"author":"#))
    let result = try Command.run("convert", folder.path("x.safetensors"), folder.path("x.npz"))
    #expect(result.status == 0 && result.errors.contains("the metadata author"), "\(result)")
    let kept = try Command.run(
      "convert", folder.path("x.safetensors"), folder.path("y.safetensors"))
    #expect(kept.status == 0 && !kept.errors.contains("metadata"), "\(kept)")
    #expect(
      try bytes(of: folder.path("x.safetensors")) == bytes(of: folder.path("y.safetensors")))
  }
}
