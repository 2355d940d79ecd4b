import Foundation
import TensorIO
import TestSupport
import Testing

/// Real files from public projects against what NumPy and PyTorch say of them.
@Suite struct CorpusTests {
  private static let arrays = ["npy", "npz"]
  private static let trees = [
    "pt-zip", "pt-legacy", "pt-tar-imitation", "pickle-raw", "torchscript-zip", "torch-package-zip",
  ]

  @Test func everyArrayOfTheCorpusMatchesItsOracle() throws {
    guard let shared = Repository.shared else {
      print("the corpus is not at hand: ../shared does not exist")
      return
    }
    let corpus = shared.appending(path: "corpus")
    var counts: [String: Int] = [:]
    for row in try Table.rows(corpus.appending(path: "MANIFEST.tsv")) {
      guard let path = row["path"], Self.arrays.contains(row["kind"] ?? "") else { continue }
      let oracle = try JSONDecoder().decode(
        GoldenFile.self, from: Data(contentsOf: corpus.appending(path: "oracle/\(path).json")))
      let file = corpus.appending(path: "files/\(path)").path
      counts[oracle.expected, default: 0] += 1
      if oracle.expected == "malformed" {
        #expect(throws: TensorIOError.self, "\(path)") {
          try TensorArchive(contentsOf: file).loaded()
        }
        continue
      }
      let archive = try TensorArchive(contentsOf: file)
      #expect(archive.entries.count == oracle.tensors.count, "\(path)")
      for difference in try oracle.differences(from: archive) { Issue.record("\(difference)") }
    }
    print("corpus files compared: \(counts.sorted { $0.key < $1.key })")
    #expect(counts.values.reduce(0, +) > 100)
  }

  /// Files with nested values, and arrays of objects: every tensor, and every name in the pickles.
  @Test func everyTreeOfTheCorpusMatchesItsOracle() throws {
    guard let shared = Repository.shared else {
      print("the corpus is not at hand: ../shared does not exist")
      return
    }
    let corpus = shared.appending(path: "corpus")
    var counts: [String: Int] = [:]
    var tensors = 0
    for row in try Table.rows(corpus.appending(path: "MANIFEST.tsv")) {
      guard let path = row["path"], let kind = row["kind"], let expected = row["expected"],
        Self.trees.contains(kind) || Self.arrays.contains(kind) && expected != "ok"
      else { continue }
      let oracle = try CorpusOracle(corpus, path)
      let file = corpus.appending(path: "files/\(path)").path
      for difference in try oracle.globalDifferences(in: file).prefix(4) {
        Issue.record("\(path): \(difference)")
      }
      let outcome: String
      do {
        let archive = try TensorArchive(contentsOf: file).loaded()
        let differences = try oracle.differences(from: archive, kind: kind)
        for difference in differences.prefix(4) { Issue.record("\(path): \(difference)") }
        tensors += archive.entries.count
        outcome = differences.isEmpty ? "equal" : "different"
        // PyTorch refuses a file that is read here; the findings say why.
        if expected == "malformed" { #expect(!archive.findings.isEmpty, "\(path)") }
      } catch let error as TensorIOError {
        #expect(error.place.file == file, "\(path): \(error)")
        // Programs with pickles beside them; `scan` lists the names in all of them.
        #expect(expected == "malformed" || kind == "torch-package-zip", "\(path): \(error)")
        outcome = "refused"
      }
      counts["\(kind), \(expected): \(outcome)", default: 0] += 1
    }
    for (kind, count) in counts.sorted(by: { $0.key < $1.key }) {
      print("corpus trees, \(kind): \(count)")
    }
    print("corpus trees: \(tensors) tensors compared")
    #expect(counts.values.reduce(0, +) > 150)
  }

  @Test func hostileFilesAreRefusedOrReadAsNumPyReadsThem() throws {
    guard let shared = Repository.shared else {
      print("the hostile files are not at hand: ../shared does not exist")
      return
    }
    let folder = shared.appending(path: "hostile")
    var (refused, accepted, lenient) = (0, 0, [String]())
    for row in try Table.rows(folder.appending(path: "index.tsv")) {
      guard let name = row["name"], let expected = row["expected"],
        Self.arrays.contains(URL(filePath: name).pathExtension)
      else { continue }
      let file = folder.appending(path: "files/\(name)").path
      do throws(TensorIOError) {
        let archive = try TensorArchive(contentsOf: file)
        for value in archive.otherValues {
          if case .bytes(let source) = value.node { _ = try source.bytes() }
        }
        _ = try archive.loaded()
        // Opening follows NumPy where a strict reading rejects; it says so.
        if expected == "reject" { #expect(!archive.findings.isEmpty, "\(name)") }
        if expected == "reject" { lenient.append(name) } else { accepted += 1 }
        if expected == "accept" { #expect(archive.findings.isEmpty, "\(name)") }
        if expected == "accept-but-warn" {
          #expect(!archive.findings.isEmpty, "\(name)")
        }
      } catch {
        #expect(expected == "reject", "\(name): \(error)")
        #expect(error.place.file == file, "\(name): \(error)")
        refused += 1
      }
    }
    print("hostile files: \(refused) refused, \(accepted) accepted, lenient: \(lenient.sorted())")
    #expect(refused > 80)
  }
}

/// What the corpus says of a file with nested values.
private struct CorpusOracle {
  private let entry: JSONValue

  private let path: String

  init(_ corpus: URL, _ path: String) throws {
    self.path = path
    entry = try JSONValue(
      parsing: Data(contentsOf: corpus.appending(path: "oracle/\(path).json")))
  }

  /// The names in the pickles of a file that are not those of the oracle.
  func globalDifferences(in file: String) throws -> [String] {
    let wanted = Set(entry["globals"]?.texts ?? [])
    let scan = try GlobalScan(contentsOf: file)
    let found = Set(scan.uses.map(\.global.name.description))
    let missing = wanted.subtracting(found).sorted().map { "scan: no global \($0)" }
    // Names behind a fault and inside of strings are more than the oracle looked for.
    guard scan.errors.isEmpty, !scan.findings.contains(where: { $0.code == .nestedPickle }) else {
      return missing
    }
    // It looks into the folders of a program too.
    let extra = scan.uses.filter { $0.global.member?.split(separator: "/").count ?? 2 == 2 }
      .map(\.global.name.description)
    return missing
      + Set(extra).subtracting(wanted).sorted().map { "scan: a global too much, \($0)" }
  }

  /// The oracle knows the second pickle of this one, which Python never loads.
  private static let withLaterPickle = ["mmaitre314__picklescan/pytorch_magic_bypass.pt"]

  /// What is different about an archive, one line a fact.
  func differences(from archive: TensorArchive, kind: String) throws -> [String] {
    let wanted = Set(entry["globals"]?.texts ?? [])
    let found = Set(archive.globals.map(\.name.description))
    var differences = try tensorDifferences(from: archive, kind)
    differences += found.subtracting(wanted).sorted().map { "a global too much, \($0)" }
    if !Self.withLaterPickle.contains(path) {
      differences += wanted.subtracting(found).sorted().map { "no global \($0)" }
    }
    return differences
  }

  private func tensorDifferences(
    from archive: TensorArchive, _ kind: String
  ) throws -> [String] {
    let listed = entry["tensors"]?.items ?? []
    // A lone array has no path; a TorchScript archive has one from the record on.
    let wanted = listed.map { tensor -> ([String], JSONValue) in
      var keys = tensor["path"]?.texts ?? []
      if kind == "npy" { keys = [] }
      if kind == "torchscript-zip", let record = keys.first {
        keys = (record == "data.pkl" ? [] : ["constants"]) + keys.dropFirst()
      }
      return (keys, tensor)
    }
    var found: [String] = []
    let missing = Set(wanted.map(\.0)).subtracting(archive.entries.map(\.path))
    let extra = Set(archive.entries.map(\.path)).subtracting(wanted.map(\.0))
    found += missing.map { "no tensor at \($0)" } + extra.map { "a tensor too much at \($0)" }
    if wanted.count != archive.entries.count {
      found.append("\(archive.entries.count) tensors, not \(wanted.count)")
    }
    for (keys, oracle) in wanted {
      guard let tensor = archive[path: keys] else { continue }
      found += try differences(of: tensor, from: oracle).map { "\(keys): \($0)" }
    }
    return found + aliasDifferences(archive, wanted)
  }

  private func differences(of tensor: Tensor, from oracle: JSONValue) throws -> [String] {
    guard let dtype = oracle["dtype"]?.text else {
      // NumPy would need to run the pickle; all it says is that there are objects.
      return tensor.dtype.containsObjects ? [] : ["\(tensor.dtype), not objects"]
    }
    var facts: [String: (JSONValue, JSONValue?)] = [
      "shape": (.ints(tensor.shape), oracle["shape"]),
      "stride": (.ints(tensor.strides), oracle["stride"]),
      "requires_grad": (.bool(tensor.requiresGrad), oracle["requires_grad"]),
      "device": (.text(tensor.device.description), oracle["device"]),
    ]
    if !tensor.shape.contains(0) {
      facts["storage_offset"] = (.int(tensor.offset), oracle["storage_offset"])
    }
    // NumPy calls text str64 and bytes bytes8.
    if !dtype.hasPrefix("str"), !dtype.hasPrefix("bytes") {
      facts["dtype"] = (.text(tensor.dtype.description), .text(dtype))
    }
    if !tensor.dtype.containsObjects {
      facts["sha256"] = (.text(try tensor.goldenHash()), oracle["sha256"])
    }
    facts.merge(quantizationFacts(of: tensor, oracle)) { $1 }
    return facts.sorted { $0.key < $1.key }.compactMap { name, fact in
      // What the oracle could not find out is null.
      guard let wanted = fact.1, wanted != .null, wanted != fact.0 else { return nil }
      return "\(name) is \(fact.0), not \(wanted)"
    }
  }

  private func quantizationFacts(
    of tensor: Tensor, _ oracle: JSONValue
  ) -> [String: (JSONValue, JSONValue?)] {
    guard case .perTensor(_, let scale, let zeroPoint)? = tensor.quantization else { return [:] }
    return [
      "q_scale": (.number(scale), oracle["q_scale"]?.text.flatMap(Double.init).map { .number($0) }),
      "q_zero_point": (.int(Int(zeroPoint)), oracle["q_zero_point"]),
    ]
  }

  /// Tensors that the oracle puts on one storage, and no others, share it.
  private func aliasDifferences(
    _ archive: TensorArchive, _ wanted: [([String], JSONValue)]
  ) -> [String] {
    var groups: [JSONValue: Set<ObjectIdentifier>] = [:]
    var members: [ObjectIdentifier: Set<JSONValue>] = [:]
    for (keys, oracle) in wanted {
      guard let group = oracle["alias_group"], group != .null, let tensor = archive[path: keys],
        tensor.byteCount > 0
      else { continue }
      groups[group, default: []].insert(ObjectIdentifier(tensor.storage))
      members[ObjectIdentifier(tensor.storage), default: []].insert(group)
    }
    return groups.filter { $0.value.count > 1 }.map { "\($0.key) is on \($0.value.count) storages" }
      + members.values.filter { $0.count > 1 }.map { "one storage is \($0)" }
  }
}
