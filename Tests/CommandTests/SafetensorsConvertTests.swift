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
    #expect(listed.output.contains("head") == (ties != .drop) || ties == .drop)
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
    for wrong in [["--align", "7"], ["--align", "12"], ["--ties", "maybe"]] {
      #expect(
        try Command.run(list: ["convert", "--force"] + wrong + [input, output]).status == 64)
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
