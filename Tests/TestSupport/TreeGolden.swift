internal import Foundation
public import TensorIO

/// What a file with nested values holds, as PyTorch, NumPy and Python see it.
public struct TreeGolden: Sendable {
  /// The path below `TestData`.
  public let file: String
  /// The identifier of the format.
  public let format: String
  /// `ok`, or `unsupported`.
  public let expected: String
  /// The names in the pickles, `module name`; most storage classes are left out.
  public let globals: [String]?
  /// The entries that say what the values are.
  public let content: JSONValue
  /// The whole entry.
  public let entry: JSONValue

  /// The tensors among the constants of a TorchScript program.
  public var constants: [JSONValue] { entry["constants"]?.items ?? [] }

  /// How the file is to be read.
  public var options: ReadingOptions {
    var options = ReadingOptions()
    options.legacyEncoding =
      entry["encoding"]?.text.flatMap { LegacyEncoding(rawValue: $0) } ?? .automatic
    return options
  }

  /// Where the file is.
  public var path: String { Repository.testData.appending(path: file).path }

  /// The entries that say what the values are.
  private static let keys = ["tensors", "values", "value_count", "nodes", "composites", "shared"]

  /// Reads an entry.
  public init(_ entry: JSONValue, content: JSONValue? = nil) {
    self.entry = entry
    file = entry["file"]?.text ?? ""
    format = entry["format"]?.text ?? ""
    expected = entry["expected"]?.text ?? "ok"
    globals = entry["globals"]?.texts
    var pairs: [String: JSONValue] = [:]
    for key in Self.keys { pairs[key] = (content ?? entry)[key] }
    self.content = .object(pairs)
  }

  /// The entries of `TestData/golden/NAME.json`.
  public static func all(_ name: String) throws -> [TreeGolden] {
    let url = Repository.testData.appending(path: "golden/\(name).json")
    let entries = try JSONValue(parsing: Data(contentsOf: url))["files"]?.items ?? []
    var byFile: [String: JSONValue] = [:]
    for entry in entries { byFile[entry["file"]?.text ?? ""] = entry }
    return entries.map { entry in
      TreeGolden(entry, content: entry["same_content_as"]?.text.flatMap { byFile[$0] })
    }
  }

  /// The names of an archive's globals that the golden does not have, and the other way round.
  public func globalDifferences(from archive: TensorArchive) -> [String] {
    guard let globals else { return [] }
    let wanted = Set(globals)
    // A TorchScript archive has pickles beside the two that PyTorch's Python side would read.
    let own = [nil, "data.pkl", "constants.pkl"]
    let uses = archive.globals.filter {
      format != "torchscript"
        || own.contains($0.member?.split(separator: "/").last.map(String.init))
    }
    let found = Set(uses.map { "\($0.name.module) \($0.name.name)" })
    let extra = found.subtracting(wanted).filter { !$0.hasSuffix("Storage") }
    return wanted.subtracting(found).sorted().map { "\(file): no global \($0)" }
      + extra.sorted().map { "\(file): a global too much, \($0)" }
  }
}

extension JSONValue {
  /// The entries about values without the facts in which two readings may differ rightly: the offset
  /// of a tensor without elements, which is no place; the value of a NumPy scalar, which its bytes
  /// say already; the byte order of an array in a pickle, which NumPy swaps when it loads it; the
  /// identity of a storage, which its alias group says; the order of a set.
  public var comparable: JSONValue {
    switch self {
    case .list(let items): return .list(items.map(\.comparable))
    case .object(var pairs):
      if pairs["kind"]?.text == "numpy" { pairs["value"] = nil }
      if pairs["storage_offset"] != nil, pairs["shape"]?.items.contains(.number(0)) ?? false {
        pairs["storage_offset"] = .number(0)
      }
      if pairs["class"]?.text?.hasPrefix("torch.storage.") ?? false {
        pairs["same_object_as"] = nil
      }
      if let values = pairs["values"]?.items, let nodes = pairs["nodes"]?.items {
        pairs["values"] = .list(Self.sortingSets(values, nodes))
      }
      if ["<", ">"].contains(pairs["byteorder_loaded"]?.text) { pairs["byteorder_loaded"] = nil }
      return .object(pairs.mapValues(\.comparable))
    default: return self
    }
  }

  /// The values, those of each set in a fixed order.
  private static func sortingSets(_ values: [JSONValue], _ nodes: [JSONValue]) -> [JSONValue] {
    var values = values
    let sets = nodes.filter { ["set", "frozenset"].contains($0["kind"]?.text) }
    for path in sets.compactMap({ $0["path"]?.texts }) {
      let indexes = values.indices.filter { index in
        let keys = values[index]["path"]?.texts ?? []
        return keys.count == path.count + 1 && keys.starts(with: path)
      }
      let facts = indexes.map { index in
        var value = values[index]
        value["path"] = nil
        return value
      }
      for (index, fact) in zip(indexes, facts.sorted { $0.description < $1.description }) {
        let keys = values[index]["path"]
        values[index] = fact
        values[index]["path"] = keys
      }
    }
    return values
  }
}
