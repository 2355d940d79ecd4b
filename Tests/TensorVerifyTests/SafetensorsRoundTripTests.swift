import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Checkpoints of PyTorch to safetensors and back: what was declared is lost, and nothing else.
@Suite struct SafetensorsRoundTripTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Holds what came back against the losses of both ways.
  private func check(_ archive: TensorArchive, _ name: String) throws -> TensorArchive? {
    let there = folder.path("there.safetensors")
    let back = folder.path("back.pt")
    // Keys that are one name as text.
    guard let chosen = try? ArchiveEdit().merging([MergeInput(archive)], keepingValues: false)
    else { return nil }
    let flat = try chosen.archive.untagged()
    guard !archive.entries.isEmpty else { return nil }
    do throws(TensorIOError) {
      try flat.write(to: there)
    } catch {
      // Dtypes that safetensors has not.
      guard error.code == .unsupported || error.code == .invalidArgument else { throw error }
      return nil
    }
    let middle = try TensorArchive(contentsOf: there)
    try middle.write(to: back)
    let result = try TensorArchive(contentsOf: back)
    let losses =
      chosen.losses.flatMap { $0 } + (try chosen.archive.losses(writingTo: there))
      + (try middle.losses(writingTo: back))
    var options = ArchiveComparison.Options()
    options.isFlat = true
    options.comparesByteOrder = false
    for difference in try ArchiveComparison(archive, result, options: options).differences {
      // What is merged has the names of the state_dict().
      let entry = archive.entries.first { $0.name == difference.name }
      let names = [difference.name, entry?.stateDictName]
      let isDeclared = losses.contains {
        names.contains($0.name) && difference.axis.declarable.contains($0.kind)
      }
      #expect(isDeclared, "\(name): \(difference)")
    }
    return result
  }

  @Test func everyFixtureOfPyTorch() throws {
    var (written, refused, aliases) = (0, 0, 0)
    for path in try Repository.testFolder("torch/valid") {
      guard let archive = try? TensorArchive(contentsOf: path) else { continue }
      guard let result = try check(archive, path) else {
        refused += 1
        continue
      }
      written += 1
      aliases += result.aliasGroups.count
    }
    print("PyTorch to safetensors and back: \(written), \(refused) refused, \(aliases) alias groups")
    #expect(written > 50 && aliases > 0)
  }

  @Test func tiedViewedAndNested() throws {
    let weights = try Tensor((0..<12).map(Float.init), shape: [3, 4])
    var graph = ValueGraph(.none)
    func add(_ tensor: Tensor) -> ValueGraph.ID { graph.add(.tensor(tensor)) }
    func text(_ key: String) -> ValueGraph.ID { graph.add(.string(key)) }
    let model = graph.add(
      .dictionary([
        (text("embed.weight"), add(weights)), (text("head.weight"), add(weights)),
        (text("head.t"), add(weights.transposed())), (text("row"), add(try weights[1])),
      ]))
    let step = graph.add(.int(3))
    graph.setRoot(graph.add(.dictionary([(text("model"), model), (text("step"), step)])))
    let archive = try TensorArchive(graph)
    let result = try #require(try check(archive, "made here"))
    #expect(
      result.aliasGroups.map { $0.map(\.name).sorted() } == [
        ["model.embed.weight", "model.head.t", "model.head.weight", "model.row"]
      ])
    #expect(try result.tensor("model.head.t").strides == [1, 4])
    let kinds = archive.losses(writingAs: try #require(FormatRegistry.format(id: "safetensors")))
    #expect(Set(kinds.map(\.kind)) == [.nesting, .value, .order])
  }
}
