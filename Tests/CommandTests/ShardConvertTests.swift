import Foundation
import TensorIO
import TestSupport
import Testing

/// Checkpoints in several files from outside.
@Suite struct ShardConvertTests {
  private let folder: TemporaryFolder
  private let input: String
  init() throws {
    folder = try TemporaryFolder()
    input = folder.path("in.pt")
    var tensors: [(String, Tensor)] = []
    for number in 0..<6 {
      tensors.append(("layer.\(number)", try Tensor((0..<16).map { Float($0 * (number + 1)) })))
    }
    tensors.append(("tied", tensors[0].1))
    try TensorArchive(tensors).write(to: input)
    try FileManager.default.createDirectory(
      atPath: folder.path("out"), withIntermediateDirectories: false)
  }

  private var output: String { folder.path("out/model.bin") }
  private var outputs: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted() }
  }

  private func convert(_ arguments: String...) throws -> ProgramResult {
    try Command.run(list: ["convert", "--shard-size", "128"] + arguments)
  }

  @Test func thereAndBack() throws {
    let result = try convert(input, output)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(
      try outputs
        == (1...3).map { "model-0000\($0)-of-00003.bin" } + ["model.bin.index.json"])
    let index = output + ".index.json"
    for whole in [index, folder.path("out")] {
      #expect(try Command.run("diff", input, whole).status == 0)
      #expect(try Command.run("convert", whole, folder.path("back.pt"), "--force").status == 0)
      #expect(try Command.run("diff", "--strict-layout", whole, folder.path("back.pt")).status == 0)
    }
  }

  @Test func safetensorsThereAndBack() throws {
    let output = folder.path("out/model.safetensors")
    let result = try convert("--verify", input, output)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(
      try outputs
        == (1...3).map { "model-0000\($0)-of-00003.safetensors" } + ["model.safetensors.index.json"]
    )
    let whole = folder.path("out")
    let archive = try TensorArchive(contentsOf: whole)
    #expect(archive.format == "safetensors" && archive.findings.isEmpty)
    #expect(archive.aliasGroups.map { $0.map(\.name) } == [["layer.0", "tied"]])
    #expect(try Command.run("diff", input, whole).status == 0)
    #expect(try Command.run("validate", whole).status == 0)
    for (name, size) in [("one.safetensors", nil), ("two.bin", "128"), ("back.pt", nil)]
      as [(String, String?)]
    {
      let more = size.map { ["--shard-size", $0] } ?? []
      let back = try Command.run(
        list: ["convert", "--verify"] + more + [whole, folder.path(name)])
      #expect(back.status == 0, "\(back.errors)")
      let written = size == nil ? folder.path(name) : folder.path(name + ".index.json")
      #expect(try Command.run("diff", input, written).status == 0)
    }
    let again = try convert("--resume", input, output)
    #expect(again.status == 0 && again.errors.contains("3 of 3 shards"), "\(again.errors)")
  }

  @Test func everyCommandOpensTheFolder() throws {
    #expect(try convert(input, output).status == 0)
    let whole = folder.path("out")
    for command in ["ls", "hash", "stats", "validate", "scan"] {
      let result = try Command.run(command, whole)
      #expect(result.status == 0, "\(command): \(result.errors)")
      let isNamed = result.output.contains("layer.5")
      #expect(isNamed == ["ls", "hash", "stats"].contains(command), "\(command)")
    }
    #expect(try Command.run("show", whole, "layer.0").output.contains("15."))
    #expect(try Command.run("ls", "--json", whole).output.contains(#""format":"torch-zip""#))
    let scan = try Command.run("scan", "--json", whole + "/model.bin.index.json")
    #expect(scan.output.contains(#""member":"model-00002-of-00003.bin/"#), "\(scan.output)")
  }

  @Test func unitsAreThoseOfHuggingface() throws {
    for (size, count) in [("1KB", 1), ("0.1KB", nil), ("128B", 3), ("1 KiB", 1), ("5gb", 1)]
      as [(String, Int?)]
    {
      let path = folder.path("units.bin")
      let result = try Command.run(
        "convert", "--force", "--json", "--shard-size", size, input, path)
      guard let count else {
        #expect(result.status == 64, "\(size)")
        continue
      }
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.components(separatedBy: "-of-").count - 1 == (count == 1 ? 0 : count))
    }
    #expect(try Command.run("convert", "--resume", input, output).status == 64)
  }

  @Test func dtypesAreThoseOfTheOutput() throws {
    #expect(try convert("--dtype", "floating:bfloat16", input, output).status == 0)
    #expect(try outputs.count == 3)
    let archive = try TensorArchive(contentsOf: folder.path("out"))
    #expect(archive.entries.allSatisfy { $0.tensor.dtype == .bfloat16 })
    #expect(archive.findings.isEmpty)
  }

  @Test func verifyAndManifestLookAtEveryShard() throws {
    let manifest = folder.path("m.json")
    let result = try convert("--verify", "--manifest", manifest, "--json", input, output)
    #expect(result.status == 0 && result.output.contains(#""verified":true"#), "\(result.errors)")
    let text = String(decoding: try bytes(of: manifest), as: UTF8.self)
    for number in 1...3 { #expect(text.contains(#""path":"model-0000\#(number)-of-00003.bin""#)) }
    let whole = folder.path("out")
    #expect(try Command.run("validate", "--manifest", manifest, whole).status == 0)
    var shard = try bytes(of: whole + "/model-00002-of-00003.bin")
    shard[shard.count / 2] ^= 1
    try folder.write(shard, "out/model-00002-of-00003.bin")
    #expect(try Command.run("validate", "--manifest", manifest, whole).status != 0)
    // And from shards: each is named with its hash.
    #expect(
      try Command.run("convert", "--manifest", folder.path("n.json"), input, folder.path("b.pt"))
        .status == 0)
  }

  @Test func theManifestOfShardsAsInputNamesThemAll() throws {
    #expect(try convert(input, output).status == 0)
    let manifest = folder.path("m.json")
    let result = try Command.run(
      "convert", "--manifest", manifest, folder.path("out"), folder.path("back.npz"))
    #expect(result.status == 0, "\(result.errors)")
    let text = String(decoding: try bytes(of: manifest), as: UTF8.self)
    #expect(text.contains("model.bin.index.json") && text.contains("model-00003-of-00003.bin"))
  }

  @Test func existingShardsAreRefusedWithoutForce() throws {
    #expect(try convert(input, output).status == 0)
    let again = try convert(input, output)
    #expect(again.status == 2 && again.errors.contains("--resume"), "\(again.errors)")
    #expect(try convert("--force", input, output).status == 0)
  }

  /// Shards do not all appear at once, so those that are read are not written over.
  @Test func theInputIsNoOutput() throws {
    #expect(try convert(input, output).status == 0)
    let before = try outputs
    let result = try convert("--force", folder.path("out"), output)
    #expect(result.status == 2 && result.errors.contains("part of the input"), "\(result.errors)")
    #expect(try outputs == before)
    #expect(try Command.run("validate", folder.path("out")).status == 0)
  }

  @Test(arguments: ["missing", "cut", "other", "nothing"])
  func resumingKeepsWhatIsRight(damage: String) throws {
    #expect(try convert(input, output).status == 0)
    let second = folder.path("out/model-00002-of-00003.bin")
    let good = try bytes(of: second)
    switch damage {
    case "missing": try FileManager.default.removeItem(atPath: second)
    case "cut": try folder.write(Array(good.prefix(good.count / 2)), "out/model-00002-of-00003.bin")
    case "other":
      let first = try bytes(of: folder.path("out/model-00001-of-00003.bin"))
      try folder.write(first, "out/model-00002-of-00003.bin")
    default: break
    }
    let kept =
      try FileManager.default.attributesOfItem(
        atPath: folder.path("out/model-00001-of-00003.bin"))[.modificationDate] as? Date
    let result = try convert("--resume", input, output)
    #expect(result.status == 0, "\(result.errors)")
    let count = damage == "nothing" ? 3 : 2
    #expect(result.errors.contains("\(count) of 3 shards were there"), "\(result.errors)")
    #expect(try bytes(of: second) == good)
    let now =
      try FileManager.default.attributesOfItem(
        atPath: folder.path("out/model-00001-of-00003.bin"))[.modificationDate] as? Date
    #expect(now == kept)
    #expect(try Command.run("diff", input, folder.path("out")).status == 0)
  }

  /// The same shards of other numbers are not those that are wanted.
  @Test func resumingSeesOtherNumbers() throws {
    #expect(try convert(input, output).status == 0)
    let result = try convert("--resume", "--dtype", "layer.0=float64", input, output)
    #expect(result.status == 0)
    #expect(!result.errors.contains("3 of 3"), "\(result.errors)")
    #expect(try TensorArchive(contentsOf: folder.path("out")).tensor("layer.0").dtype == .float64)
  }

  @Test func strayShardsAreNoted() throws {
    #expect(try convert(input, output).status == 0)
    let result = try Command.run("convert", "--shard-size", "1KB", "--force", input, output)
    #expect(result.status == 0)
    #expect(
      result.errors.contains("model-00001-of-00003.bin") && result.errors.contains("not of what"))
    #expect(try outputs.count == 5)
  }

  @Test func validateLooksIntoEveryShard() throws {
    #expect(try convert(input, output).status == 0)
    let whole = folder.path("out")
    // A folder of folders: shards are looked at with their index, and not twice.
    let result = try Command.run("validate", "--json", folder.url.path)
    #expect(result.status == 0)
    #expect(result.output.components(separatedBy: "\"file\"").count - 1 == 2, "\(result.output)")
    var shard = try bytes(of: whole + "/model-00003-of-00003.bin")
    let place = try #require(
      shard.indices.dropLast(4).first { Array(shard[$0..<$0 + 4]) == [0, 0, 0xb4, 0x42] })
    shard[place] ^= 1
    try folder.write(shard, "out/model-00003-of-00003.bin")
    let bad = try Command.run("validate", whole)
    #expect(bad.status == 2 && bad.errors.contains("CRC"), "\(bad.errors)")
    try FileManager.default.removeItem(atPath: whole + "/model-00003-of-00003.bin")
    let missing = try Command.run("validate", whole)
    #expect(missing.status == 2 && missing.errors.contains("'model-00003-of-00003.bin'"))
  }

  /// A folder without an index is what it was: its files, joined.
  @Test func aFolderOfArraysIsStillJoined() throws {
    let out = folder.path("arrays") + "/"
    #expect(try Command.run("convert", input, out).status == 0)
    #expect(try Command.run("convert", out, folder.path("all.npz")).status == 0)
    #expect(try TensorArchive(contentsOf: folder.path("all.npz")).names.count == 7)
  }

  @Test func aFolderIsNoNameForShards() throws {
    for path in [folder.path("out"), folder.path("out") + "/"] {
      let result = try convert(input, path)
      #expect(result.status == 2 && result.errors.contains("/model.bin"), "\(result.errors)")
    }
  }
}
