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

  /// Not read as Python reads them; the run fails when that is no longer so.
  private static let unread = [
    "torch/valid/exported.pt2": "the weights of an exported program",
    "pickle/valid/python2-latin1.pkl": "text of Python 2 in another encoding than ASCII",
  ]

  @Test(arguments: ["torch", "pickle"])
  func opensWhatPythonOpens(_ name: String) throws {
    var counts: [String: Int] = [:]
    for file in try TreeGolden.all(name) {
      counts[file.format, default: 0] += 1
      if Self.refused[file.file] != nil {
        #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: file.path) }
        continue
      }
      if let what = Self.unread[file.file] {
        withKnownIssue("\(what)") { try compare(file) }
      } else {
        try compare(file)
      }
    }
    print("golden files, \(name): \(counts.sorted { $0.key < $1.key })")
    #expect(counts.values.reduce(0, +) >= 50)
  }

  private func compare(_ file: TreeGolden) throws {
    do {
      let archive = try TensorArchive(contentsOf: file.path)
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
