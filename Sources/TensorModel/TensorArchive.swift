public import ByteIO
internal import Synchronization

/// The contents of a file: nested values with the tensors among them, and what was odd about it.
public struct TensorArchive: Sendable {
  /// A tensor with its name.
  public struct Entry: Sendable {
    /// Dictionary keys and list indexes from the root; empty for a lone array.
    public let path: [String]
    /// The path joined with dots; empty for a lone array.
    public let name: String
    /// The tensor.
    public let tensor: Tensor
    /// The tensor's index among ``TensorArchive/values``.
    public let id: ValueGraph.ID
    /// The name in the `state_dict()` of the module that the tensor lies in; ``name`` elsewhere.
    public let stateDictName: String
  }

  /// All values.
  public let values: ValueGraph
  /// The identifier of the format that was read (`npz`, `torch-zip`), or nil for an archive made
  /// here.
  public let format: String?
  /// What the reader noticed and accepted.
  public var findings: [Finding]
  /// Texts about the whole, as safetensors has them, in the order of the file; keys differ.
  public var metadata: [(key: String, value: String)]
  /// The tensors in the order of the file.
  public let entries: [Entry]
  /// The Python classes and functions that the file names, in order of first use.
  public let globals: [GlobalUse]
  private let limits: DecodingLimits
  private let index: NameIndex

  /// Creates an archive.
  /// - Throws: `limit` as ``ValueGraph/leaves(limits:)`` does.
  public init(
    _ values: ValueGraph, format: String? = nil, findings: [Finding] = [],
    globals: [GlobalUse] = [], metadata: [(key: String, value: String)] = [],
    limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) {
    var entries: [Entry] = []
    // One long key may be part of very many names.
    var nameBytes = 0
    let mostNameBytes = limits.memberCount.multipliedReportingOverflow(by: 256)
    try values.forEachLeaf(limits: limits, where: \.isTensor) { (leaf) throws(TensorIOError) in
      guard case .tensor(let tensor) = leaf.node else { return }
      let name = leaf.path.count == 1 ? leaf.path[0] : leaf.path.joined(separator: ".")
      nameBytes += name.utf8.count
      guard mostNameBytes.overflow || nameBytes <= mostNameBytes.partialValue else {
        throw .limit(
          "the number of bytes in names, in units of 256,", nameBytes / 256 + 1,
          over: limits.memberCount, raise: "memberCount")
      }
      let isSame = leaf.stateDictPath.count == leaf.path.count
      entries.append(
        Entry(
          path: leaf.path, name: name, tensor: tensor, id: leaf.id,
          stateDictName: isSame ? name : leaf.stateDictPath.joined(separator: ".")))
    }
    self.values = values
    self.format = format
    self.findings = findings
    self.metadata = metadata
    self.globals = globals
    self.entries = entries
    self.limits = limits
    index = NameIndex(entries)
  }

  /// The values that are neither containers nor tensors, in the order of the file.
  public var otherValues: [ValueGraph.Leaf] {
    var others: [ValueGraph.Leaf] = []
    // The walk succeeded once already, with the same limits.
    try? values.forEachLeaf(limits: limits, where: { !$0.isTensor }) { others.append($0) }
    return others
  }

  /// The archive with other values; what was read about the file stays.
  package func replacing(
    _ values: ValueGraph
  ) throws(TensorIOError) -> TensorArchive {
    try TensorArchive(
      values, format: format, findings: findings, globals: globals, metadata: metadata,
      limits: limits)
  }

  /// An archive of one nameless tensor.
  public init(_ tensor: Tensor) throws(TensorIOError) { try self.init(ValueGraph(.tensor(tensor))) }

  /// An archive of named tensors, in this order.
  public init(_ tensors: [(String, Tensor)]) throws(TensorIOError) {
    try self.init(ValueGraph(dictionary: tensors.map { ($0.0, .tensor($0.1)) }))
  }

  /// Whether this was read from a file of PyTorch, or says so.
  package var isOfPyTorch: Bool {
    format?.begins(with: "torch") ?? false || metadata.contains { $0 == ("format", "pt") }
  }

  /// The bytes of all tensors together, or the largest Int when they are more.
  public var byteCount: Int {
    entries.reduce(0) { sum, entry in
      let (total, overflow) = sum.addingReportingOverflow(entry.tensor.byteCount)
      return overflow ? .max : total
    }
  }

  /// The names of the tensors in the order of the file.
  public var names: [String] { entries.map(\.name) }

  /// The tensor with this name, or nil.
  public subscript(name: String) -> Tensor? {
    index[name].map { entries[$0].tensor }
  }

  /// The tensor under this list of keys, or nil.
  ///
  /// Unlike a name, a path is never ambiguous.
  public subscript(path path: [String]) -> Tensor? {
    let bytes = path.map { Array($0.utf8) }
    return entries.first { $0.path.map { Array($0.utf8) } == bytes }?.tensor
  }

  /// The tensor with this name.
  /// - Throws: `invalidArgument` naming what there is.
  public func tensor(_ name: String) throws(TensorIOError) -> Tensor { try entry(name).tensor }

  /// The tensor with this name, with its path.
  /// - Throws: `invalidArgument` naming what there is.
  public func entry(_ name: String) throws(TensorIOError) -> Entry {
    if let index = index[name] { return entries[index] }
    if names == [""] {
      throw .invalidArgument("the only tensor has no name; leave the name out")
    }
    let known = entries.prefix(8).map { "'\($0.name.escapedForDisplay)'" }.joined(separator: ", ")
    let more = entries.count > 8 ? ", … (\(entries.count) in all)" : ""
    throw .invalidArgument(
      "no tensor is named '\(name.escapedForDisplay)'; "
        + (entries.isEmpty ? "the file holds none" : "there are \(known)\(more)"))
  }

  /// The only tensor of the archive, whatever its name.
  /// - Throws: `invalidArgument` when there are none or several.
  public func onlyTensor() throws(TensorIOError) -> Tensor {
    guard entries.count == 1, let entry = entries.first else {
      throw .invalidArgument("the file holds \(entries.count) tensors; ask for one by its name")
    }
    return entry.tensor
  }
}

extension TensorArchive {
  /// A copy of the archive with every storage in memory, loaded on all cores.
  ///
  /// Checksums are checked, and tensors that share a storage go on sharing it.
  /// - Throws: `limit` when the storages need more than `limits.decodedBytes` together.
  public func loaded(
    limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> TensorArchive {
    var storages: [TensorStorage] = []
    var indexes: [ObjectIdentifier: Int] = [:]
    let budget = DecodingBudget(limits)
    for entry in entries
    where !entry.tensor.dtype.containsObjects && entry.tensor.hasElements {
      let storage = entry.tensor.storage
      guard indexes[ObjectIdentifier(storage)] == nil else { continue }
      indexes[ObjectIdentifier(storage)] = storages.count
      storages.append(storage)
      try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try budget.reserve(storage.byteCount)
      }
    }
    let sources = storages
    let results = ResultSlots<TensorStorage?>(count: sources.count, initial: nil)
    try Parallel.forEach(sources.count) { (index) throws(TensorIOError) in
      results[index] = TensorStorage(try sources[index].source.loaded())
    }
    let loaded = results.all
    let values = values.mapTensors { tensor in
      guard let index = indexes[ObjectIdentifier(tensor.storage)], let storage = loaded[index]
      else { return tensor }
      return tensor.moved(to: storage)
    }
    return try replacing(values)
  }

  /// The tensors that share a storage with another, grouped, in the order of the file.
  public var aliasGroups: [[Entry]] {
    var order: [ObjectIdentifier] = []
    var groups: [ObjectIdentifier: [Entry]] = [:]
    for entry in entries {
      let id = ObjectIdentifier(entry.tensor.storage)
      if groups[id] == nil { order.append(id) }
      groups[id, default: []].append(entry)
    }
    return order.compactMap { groups[$0] }.filter { $0.count > 1 }
  }
}

/// Something of an archive that a target format cannot say.
public struct Loss: Sendable, Hashable {
  /// What kind of fact is lost.
  public enum Kind: String, Sendable, CaseIterable {
    /// The element type; the bytes stay.
    case dtype
    /// The device tag.
    case device
    /// The flag that gradients are wanted.
    case requiresGrad
    /// That two tensors share their storage; each gets a copy.
    case aliasing
    /// A layout that is neither row-major nor column-major.
    case strides
    /// A value that is no tensor.
    case value
    /// The nesting of containers; the path becomes a name.
    case nesting
    /// The names of tensors.
    case name
    /// The part of a storage that no tensor uses.
    case storage
    /// The integers of a quantized tensor, with their scales and zero points; the numbers that they
    /// stand for stay.
    case quantization
    /// Facts that loading works without: `_metadata` of a state dict.
    case metadata
    /// The order of the tensors, where a format has its own.
    case order

    /// Whether what is written is less than what was read, and not only less annotated.
    public var isSerious: Bool { self != .metadata && self != .order }
  }

  /// The kind.
  public let kind: Kind
  /// The name of the tensor or value.
  public let name: String
  /// One sentence for people.
  public let message: String

  /// Creates a loss.
  public init(_ kind: Kind, of name: String, _ message: String) {
    self.kind = kind
    self.name = name
    self.message = message
  }
}

extension ValueGraph.Node {
  /// Whether the node is a tensor.
  var isTensor: Bool {
    if case .tensor = self { return true }
    return false
  }
}

/// The places of entries by their names, sorted out when somebody first asks for one.
private final class NameIndex: Sendable {
  private let entries: [TensorArchive.Entry]
  private let places = Mutex<[ByteKey: Int]?>(nil)

  init(_ entries: [TensorArchive.Entry]) { self.entries = entries }

  /// Full names go before those of a state dict; of equal names the first counts.
  subscript(name: String) -> Int? {
    places.withLock { places in
      if let places { return places[ByteKey(name)] }
      var found: [ByteKey: Int] = [:]
      found.reserveCapacity(entries.count)
      for (index, entry) in entries.enumerated().reversed() { found[ByteKey(entry.name)] = index }
      for (index, entry) in entries.enumerated()
      where entry.stateDictName.utf8.count < entry.name.utf8.count
        && found[ByteKey(entry.stateDictName)] == nil
      {
        found[ByteKey(entry.stateDictName)] = index
      }
      places = found
      return found[ByteKey(name)]
    }
  }
}
