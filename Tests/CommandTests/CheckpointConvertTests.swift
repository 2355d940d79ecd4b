import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio convert` of what PyTorch writes: nesting, losses, and what loading the output would do.
@Suite struct CheckpointConvertTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func torch(_ name: String) -> String { Repository.testFile("torch/valid/\(name)") }

  private func object(_ line: some StringProtocol) throws -> [String: Any] {
    let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return try #require(parsed as? [String: Any])
  }

  private func convert(_ arguments: String...) throws -> ProgramResult {
    try Command.run(list: ["convert"] + arguments)
  }

  /// A file of `{'w': tensor, 'p': [os.system('true')]}`.
  private func payload() throws -> String {
    var graph = ValueGraph(.none)
    let function = graph.add(.object(.init(.global(GlobalName("os", "system")))))
    let text = graph.add(.string("true"))
    let arguments = graph.add(.tuple([text]))
    let call = graph.add(.object(.init(.call(callee: function, arguments: arguments))))
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("w")), graph.add(.tensor(try Tensor([1 as Float])))),
          (graph.add(.string("p")), graph.add(.list([call]))),
        ])))
    let path = folder.path("payload.pt")
    try TensorArchive(graph).write(to: path)
    return path
  }

  // MARK: What loading the output does

  @Test func aDangerousOutputIsAWarning() throws {
    let input = try payload()
    let out = folder.path("out.pt")
    let copied = try convert(input, out, "--json")
    #expect(copied.status == 1)
    #expect(copied.errors.contains("warning: \(out): os.system runs when Python loads this file"))
    #expect(copied.errors.contains("--exclude 'p'"))
    #expect(copied.errors.contains("names os.system, which torch.load(weights_only=True) refuses"))
    let findings = try #require(try object(copied.output)["findings"] as? [[String: Any]])
    #expect(findings.map { $0["file"] as? String } == [input, out])
    #expect(try Command.run("scan", out).status == 1)

    let clean = try convert(input, out, "--force", "--exclude", "p")
    #expect(clean.status == 0)
    #expect(clean.errors.contains("\(out): nothing dangerous of the input is in it"))
    #expect(!clean.errors.contains("warning"))
    #expect(try Command.run("scan", out).status == 0)
    let arrays = try convert(input, folder.path("out.npz"))
    #expect(arrays.status == 0)
    #expect(arrays.errors.contains("nothing dangerous"))
  }

  /// By the list of PyTorch: it refuses classes that are harmless, and known to us.
  @Test func whatPyTorchRefusesIsSaid() throws {
    let out = folder.path("out.pt")
    for name in ["state-dict.pt", "quantized-quint8.pt", "sparse-coo.pt", "meta.pt"] {
      let result = try convert(torch(name), out, "--force")
      #expect(!result.errors.contains("refuses"), "\(name): \(result.errors)")
    }
    for (name, type) in [
      ("containers.pt", "collections.defaultdict"), ("numpy.pt", "numpy"),
      ("objects.pt", "argparse.Namespace"), ("subclass.pt", "torch_classes"),
    ] {
      let errors = try convert(torch(name), out, "--force").errors
      #expect(errors.contains("weights_only=True") && errors.contains(type), "\(name): \(errors)")
    }
  }

  // MARK: Losses

  @Test func strictTakesAStateDict() throws {
    let result = try convert("--strict", torch("state-dict.pt"), folder.path("x.npz"))
    #expect(result.status == 0)
    #expect(result.errors.contains("note: \(folder.path("x.npz")): not kept: _metadata"))
    let part = try convert(
      "--strict", "--select", "model", torch("checkpoint.pt"), folder.path("y.npz"), "--json")
    #expect(part.status == 0, "\(part.errors)")
    let losses = try #require(try object(part.output)["losses"] as? [[String: Any]])
    #expect(losses.map { $0["kind"] as? String } == ["metadata"])
  }

  @Test func lossesAreOfWhatIsConverted() throws {
    let all = try convert("--strict", torch("checkpoint.pt"), folder.path("x.npz"))
    #expect(all.status == 2)
    let one = try convert(
      "--json", "--include", "model.0.bias", torch("checkpoint.pt"), folder.path("b.npy"))
    #expect(one.status == 0)
    let losses = try #require(try object(one.output)["losses"] as? [[String: Any]])
    #expect(
      losses.map { "\($0["kind"] ?? "") \($0["name"] ?? "")" }.sorted()
        == ["metadata model", "name model.0.bias", "nesting model.0.bias"])
  }

  @Test func aRefusalListsAllLosses() throws {
    let out = folder.path("x.npz")
    let result = try convert("--strict", "--json", torch("checkpoint.pt"), out)
    #expect(result.status == 2)
    let json = try object(result.output)
    #expect((json["error"] as? [String: Any])?["code"] as? String == "lossy")
    #expect(json["file"] as? String == out && json["output"] as? String == out)
    #expect((json["losses"] as? [Any])?.count ?? 0 > 20)
    #expect(try folder.contents() == [])
  }

  @Test func theWayOutOfALossIsNamed() throws {
    let storage = try Tensor((0..<100).map { Float($0) })
    try TensorArchive([("a", storage)]).write(to: folder.path("all.pt"))
    let view = try TensorArchive([("a", try storage[0..<10])])
    var options = WritingOptions()
    options.views = .keep
    try view.write(to: folder.path("view.pt"), options: options)
    let refused = try convert("--strict", folder.path("view.pt"), folder.path("x.pt"))
    #expect(refused.status == 2)
    #expect(refused.errors.contains("--views keep"))
    let kept = try convert(
      "--strict", "--views", "keep", folder.path("view.pt"), folder.path("x.pt"))
    #expect(kept.status == 0)
  }

  @Test func rawBytesAreNamedOnTheWayBack() throws {
    let (pt, npz, back) = (folder.path("x.pt"), folder.path("x.npz"), folder.path("y.pt"))
    try TensorArchive([("w", try Tensor([BFloat16(1.5)]))]).write(to: pt)
    #expect(try convert(pt, npz).errors.contains("read them with --void-as bfloat16"))
    let unnamed = try convert(npz, back)
    #expect(unnamed.status == 2)
    #expect(unnamed.errors.contains("tensor 'w'") && unnamed.errors.contains("--void-as bfloat16"))
    #expect(try convert("--strict", "--void-as", "bfloat16", npz, back).status == 0)
    let quantized = try convert(torch("quantized-quint8.pt"), folder.path("q.npz"))
    #expect(quantized.errors.contains("(--exclude)"))
  }

  // MARK: Programs, modules, folders

  @Test func aProgramBecomesItsTensors() throws {
    let out = folder.path("x.pt")
    let result = try convert("--json", torch("script-model.pt"), out)
    #expect(result.status == 0)
    let program = try TensorArchive(contentsOf: torch("script-model.pt"))
    let archive = try TensorArchive(contentsOf: out)
    #expect(archive.names == program.names && archive.otherValues.isEmpty)
    let losses = try #require(try object(result.output)["losses"] as? [[String: Any]])
    #expect(losses.contains { $0["name"] as? String == "training" })
    #expect(!losses.contains { $0["kind"] as? String == "nesting" })
    let part = try convert("--select", "inner", torch("script-model.pt"), folder.path("y.pt"))
    #expect(part.status == 0)
    #expect(try TensorArchive(contentsOf: folder.path("y.pt")).otherValues.isEmpty)
  }

  @Test(arguments: ["checkpoint.pt", "module-class.pt", "script-model.pt", "lightning.pt"])
  func checkpointsGoIntoFolders(_ name: String) throws {
    let out = folder.path("out") + "/"
    let result = try convert(torch(name), out, "--json")
    #expect(result.status == 0, "\(result.errors)")
    let archive = try TensorArchive(contentsOf: torch(name))
    for entry in archive.entries {
      let copy = try Tensor(contentsOf: out + entry.stateDictName + ".npy")
      #expect(try copy.goldenHash() == (try entry.tensor.goldenHash()))
    }
    #expect(try #require(try object(result.output)["losses"] as? [Any]).isEmpty == false)
  }

  // MARK: Names

  @Test func conflictsNameBothFiles() throws {
    let (one, two) = (folder.path("one.npz"), folder.path("two.npz"))
    try TensorArchive([("x", try Tensor([1 as Float]))]).write(to: one)
    try TensorArchive([("x", try Tensor([2 as Float]))]).write(to: two)
    let result = try convert(one, two, folder.path("out.npz"))
    #expect(result.status == 2)
    #expect(result.errors.contains("'\(one)'") && result.errors.contains("'\(two)'"))
    // What is left out is in nobody's way, and a new name is a way out.
    let paths = try convert(torch("keys.pt"), folder.path("k.npz"), "--exclude", "*")
    #expect(paths.errors.contains("nothing that was chosen is a tensor"))
  }

  /// Names with dots of one file: what the paths are is said, and renaming one of them is no way out
  /// where both have it.
  @Test func conflictsInOneFileNameBothPaths() throws {
    var graph = ValueGraph(.none)
    func tensor(_ value: Float) throws -> ValueGraph.ID { graph.add(.tensor(try Tensor([value]))) }
    let inner = graph.add(.dictionary([(graph.add(.string("b")), try tensor(1))]))
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("a.b")), try tensor(2)), (graph.add(.string("a")), inner),
        ])))
    try TensorArchive(graph).write(to: folder.path("x.pt"))
    let result = try convert(folder.path("x.pt"), folder.path("x.npz"))
    #expect(result.status == 2)
    #expect(result.errors.contains("those at 'a.b' and 'a' → 'b'; options cannot tell them apart"))
    let part = try convert("--select", "a", folder.path("x.pt"), folder.path("x.npz"))
    #expect(part.status == 0)
    // A pattern for the container leaves the key alone that only looks like it.
    let rest = try convert("--exclude", "a", folder.path("x.pt"), folder.path("y.npz"))
    #expect(rest.status == 0)
    #expect(try TensorArchive(contentsOf: folder.path("y.npz")).names == ["a.b"])
  }

  @Test func choosingNoTensorIsSaid() throws {
    let out = folder.path("x.pt")
    for arguments in [
      ["--exclude", "*"], ["--include", "epoch"], ["--select", "optimizer.param_groups"],
    ] {
      let result = try Command.run(
        list: ["convert", "--force"] + arguments + [torch("checkpoint.pt"), out])
      #expect(result.status == 1)
      #expect(result.errors.contains("\(out): nothing that was chosen is a tensor"))
    }
    let strict = try convert("--strict", torch("root-text.pt"), folder.path("y.pt"))
    #expect(strict.status == 2)
    #expect(strict.errors.contains("the file holds no tensors"))
    #expect(try folder.contents() == ["x.pt"])
  }

  /// Errors about an input name the input, and the tensor.
  @Test func errorsNameTheFileThatIsWrong() throws {
    let bad = Repository.testFile("npz/invalid/crc-data-flipped.npz")
    let (npz, pt, parts) = (folder.path("x.npz"), folder.path("x.pt"), folder.path("x") + "/")
    for output in [npz, pt, parts] {
      let result = try convert("--json", bad, output)
      #expect(result.status == 2)
      let json = try object(result.output)
      #expect(json["file"] as? String == bad, "\(output)")
      // A storage of a PyTorch file may be that of several tensors.
      guard output != pt else { continue }
      #expect((json["error"] as? [String: Any])?["tensor"] as? String == "a", "\(output)")
    }
  }
}
