import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio salvage` from outside.
@Suite struct SalvageCommandTests {
  private let demo = Repository.testFile("demo/mnist-mlp.npz")
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func cut(by count: Int) throws -> String {
    try folder.write(Array(try bytes(of: demo).dropLast(count)), "cut.npz")
  }

  @Test func theStatusSaysWhatWasLost() throws {
    let out = folder.path("out.npz")
    let whole = try Command.run("salvage", demo, out)
    #expect(whole.status == 0 && whole.output.contains("nothing is lost"))
    let damaged = try cut(by: 2000)
    #expect(try Command.run("salvage", damaged, out).status == 2)
    let result = try Command.run("salvage", damaged, out, "--force")
    #expect(result.status == 1 && result.errors.contains("lost"))
    let names = try TensorArchive(contentsOf: demo).names
    let kept = try TensorArchive(contentsOf: out).names
    #expect(!kept.isEmpty && kept == Array(names.prefix(kept.count)))
    let nothing = try Command.run("salvage", Repository.testFile("demo/labels.npy"), out + ".pt")
    #expect(nothing.status == 0)
    let text = try folder.write(Array("no archive".utf8), "x.npz")
    #expect(try Command.run("salvage", text, folder.path("y.npz")).status == 2)
    #expect(try folder.contents().contains("y.npz") == false)
  }

  @Test func jsonHasTheWholeAccount() throws {
    let result = try Command.run(
      "salvage", "--json", "--partial", try cut(by: 2000), folder.path("out") + "/")
    #expect(result.status == 1)
    let json = try JSONValue(parsing: Data(result.output.utf8))
    #expect(json["complete"] == .bool(false) && json["all_known"] == .bool(false))
    #expect(json["format"]?.text == "npz" && json["kept"]?.items.isEmpty == false)
    #expect(try folder.contents().contains("out"))
  }

  @Test func aCheckpointStaysACheckpoint() throws {
    let file = Repository.testFile("torch/valid/zip-by-python.pt")
    let flat = try Command.run("salvage", file, folder.path("x.npz"))
    #expect(flat.status == 2 && flat.errors.contains(".pt"))
    #expect(try Command.run("salvage", file, folder.path("x.pt")).status == 0)
  }
}
