import ByteIO
import TensorIO
import TestSupport
import Testing

/// Every file of PyTorch and every pickle of the test data against what Python said of it.
@Suite struct GoldenTests {
  /// Read by Python, refused here, and why.
  private static let refused = [
    "torch/valid/string-surrogate.pt": "text with a lone surrogate, which no UTF-8 can say"
  ]

  /// What is said of a file otherwise than Python says it, by the end of the place, and why.
  private static let otherwise: [String: [String]] = [
    // PyTorch makes a storage of its own for a view of a storage; the two share their bytes, and
    // here they share their storage.
    "torch/valid/legacy-view-metadata.pt": [".alias", ".storage_bytes", ".storage_offset"],
    "torch/valid/tar.tar": [".alias", ".storage_bytes", ".storage_offset", ".same_object_as"],
    // The parts of a nested tensor are tensors with what torch notes at them.
    "torch/valid/nested-jagged.pt": [".attributes"],
  ]

  /// Compared otherwise, by tests of their own.
  private static let apart: Set<String> = ["torch/valid/exported.pt2"]

  @Test func anExportedProgramHasItsWeights() throws {
    let path = Repository.testFile("torch/valid/exported.pt2")
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.format == "pt2")
    #expect(archive.names == ["linear.weight", "linear.bias", "scale", "constant"])
    let hashes = try archive.entries.prefix(3).map { try $0.tensor.goldenHash() }
    // As torch's own state_dict of the program, in golden/torch.json.
    #expect(
      hashes == [
        "9ba54d57656313e94dc021212d7e07524183ae6401113a0eac079e75d7301d33",
        "b3f689962d5d23d2c4d34e32885e60cb9af0119e64bbf4ce2446694c45d9cdb9",
        "db0405050689e5d3aea1cd7d7f509a19beca2cef76c6a2dddc454951496c9763",
      ])
    #expect(archive.entries.map(\.tensor.requiresGrad) == [true, true, false, false])
  }

  @Test(arguments: ["torch", "pickle"])
  func opensWhatPythonOpens(_ name: String) throws {
    var counts: [String: Int] = [:]
    for file in try TreeGolden.all(name) {
      counts[file.format, default: 0] += 1
      if Self.refused[file.file] != nil {
        #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: file.path) }
        continue
      }
      if !Self.apart.contains(file.file) { try compare(file) }
    }
    print("golden files, \(name): \(counts.sorted { $0.key < $1.key })")
    #expect(counts.values.reduce(0, +) >= 50)
  }

  private func compare(_ file: TreeGolden) throws {
    do {
      let archive = try TensorArchive(contentsOf: file.path, options: file.options)
      #expect(archive.format == file.format, "\(file.file)")
      let found = try TreeDescription.json(of: archive.values)
      let tolerated = Self.otherwise[file.file] ?? []
      let differences = found.comparable.differences(from: file.content.comparable).filter {
        difference in !tolerated.contains { difference.contains("\($0) is ") }
      }
      for difference in differences.prefix(6) { Issue.record("\(file.file): \(difference)") }
      for difference in file.globalDifferences(from: archive) { Issue.record("\(difference)") }
      try checkConstants(of: archive, file)
      checkPaths(of: archive, file)
    } catch {
      Issue.record("\(file.file): \(error)")
    }
  }

  /// The constants of a TorchScript program lie beside the attributes of its module.
  private func checkConstants(of archive: TensorArchive, _ file: TreeGolden) throws {
    let root = archive.values.children(of: archive.values.root) ?? []
    guard let constants = root.first(where: { $0.key == "constants" }), !file.constants.isEmpty
    else {
      #expect(file.constants.isEmpty, "\(file.file)")
      return
    }
    let found = try TreeDescription.json(of: archive.values, root: constants.value)["tensors"]
    let wanted = JSONValue.list(file.constants).comparable
    for difference in (found ?? .null).comparable.differences(from: wanted) {
      Issue.record("\(file.file): constants: \(difference)")
    }
  }

  /// What a user sees: the paths of the tensors, and the look-up by them.
  private func checkPaths(of archive: TensorArchive, _ file: TreeGolden) {
    // Keys that are no text are told apart by more than Python's `str` in paths; a tensor of a
    // deque lies among the arguments of its class.
    let nodes = file.content["nodes"]?.items ?? []
    guard !nodes.contains(where: { $0["keys"] != nil || $0["kind"]?.text == "deque" }) else {
      return
    }
    var wanted = (file.content["tensors"]?.items ?? []).map { $0["path"]?.texts ?? [] }
    wanted += file.constants.map { ["constants"] + ($0["path"]?.texts ?? []) }
    #expect(archive.entries.map(\.path) == wanted, "\(file.file)")
    for entry in archive.entries {
      #expect(archive[path: entry.path]?.shape == entry.tensor.shape, "\(file.file)")
      #expect(entry.name == entry.path.joined(separator: "."), "\(file.file)")
    }
  }
}
