internal import ByteIO
internal import NumPyFormat
internal import Pickle
internal import PickledValues
internal import TensorModel

/// Reads a pickle with tensors in it.
struct TorchPickle {
  let options: ReadingOptions
  let budget: DecodingBudget
  /// The archive member with the pickle.
  var member: String?
  var graph = ValueGraph(.none)
  var findings: [Finding] = []
  var globals: [GlobalUse] = []
  /// How many files lie around this one in byte strings.
  var nesting = 0
  /// The objects of all files in byte strings, at any depth.
  var nestedObjects = ObjectAccount()

  init(_ options: ReadingOptions, member: String? = nil) {
    self.options = options
    self.member = member
    budget = DecodingBudget(options.limits)
  }

  /// Reads the pickle at `start` without making values of its objects.
  mutating func parse(
    _ source: any ByteSource, from start: Int = 0
  ) throws(TensorIOError) -> (pickle: Pickle, end: Int) {
    let (pickle, end) = try Pickle.read(source, from: start, limits: options.limits)
    if nesting > 0 { try nestedObjects.addPickle(pickle.count, options.limits) }
    let uses = pickle.globalUses(member: member, limits: options.limits)
    findings += located(pickle.findings) + uses.dangers
    globals += uses
    return (pickle, end)
  }

  /// Makes values of what the root of a pickle leads to, and adds them to the graph.
  mutating func decode(
    _ pickle: Pickle, _ provider: any StorageProvider
  ) throws(TensorIOError) -> ValueGraph.ID {
    let nested = NestedFiles(options, member: member, nesting: nesting + 1, nestedObjects)
    let objects = TorchObjects(
      StoragePool(provider, budget: budget, nested: nested), budget: budget, nested: nested)
    var decoder = PickleDecoder(
      pickle, into: graph, interpreters: [objects, NumPyObjects(budget: budget)],
      options: options)
    graph = ValueGraph(.none)
    let id = try decoder.decode()
    graph = decoder.graph
    findings += located(decoder.findings) + located(objects.pool.findings) + nested.findings
    globals += nested.globals
    return id
  }

  private func located(_ findings: [Finding]) -> [Finding] {
    findings.map { Finding($0.code, $0.message, member: member, offset: $0.offset) }
  }

  /// The archive of all values, `root` outermost.
  func archive(_ root: ValueGraph.ID, format: String) throws(TensorIOError) -> TensorArchive {
    var graph = graph
    graph.setRoot(root)
    return try TensorArchive(
      graph, format: format, findings: findings, globals: globals, limits: options.limits)
  }
}

/// For pickles that may have no storages.
final class NoStorages: StorageProvider {
  let byteOrder = ByteOrder.little

  func bytes(_ key: String, byteCount: Int) throws(TensorIOError) -> any ByteSource {
    throw .malformed("a plain pickle refers to storage '\(key.escapedForDisplay)' outside it")
  }
}
