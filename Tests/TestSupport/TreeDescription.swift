public import TensorIO

/// The values of an archive said in JSON, as the golden files of PyTorch and of pickles say them.
///
/// `TestData/README.md` describes the entries, `TestData/generation/tree.py` makes them.
public struct TreeDescription {
  let graph: ValueGraph
  private var tensors: [JSONValue] = []
  private var values: [JSONValue] = []
  private var nodes: [JSONValue] = []
  private var composites: [JSONValue] = []
  private var shared: [JSONValue] = []
  private var groups: [Group: Int] = [:]
  private var firstEntries: [ValueGraph.ID: Int] = [:]
  private var paths: [ValueGraph.ID: [String]] = [:]
  private var open: Set<ValueGraph.ID> = []

  /// What says that two tensors share their bytes: the storage, or for NumPy the array.
  private enum Group: Hashable {
    case storage(ObjectIdentifier)
    case array(ValueGraph.ID)
  }

  /// Of more values only the first and the last are said.
  static let mostValues = 200

  private init(_ graph: ValueGraph) { self.graph = graph }

  /// What a value of an archive holds.
  /// - Parameter root: the outermost value; nil for that of the archive.
  public static func json(
    of graph: ValueGraph, root: ValueGraph.ID? = nil
  ) throws -> JSONValue {
    var description = TreeDescription(graph)
    try description.visit(root ?? graph.root, [])
    return description.json
  }

  /// The elements of an array of Python objects: `objects`, and `shared_objects` or `object_count`
  /// where there is reason for them.
  public static func objects(
    of id: ValueGraph.ID, in graph: ValueGraph
  ) throws -> JSONValue {
    guard case .tensor(let tensor) = graph[id] else { return .null }
    let elements = graph.traits(of: id)?.elements ?? []
    return .object(try TreeDescription(graph).objects(elements, tensor.dtype, above: [id]))
  }

  private var json: JSONValue {
    var noted: [String: JSONValue] = [
      "tensors": .list(tensors), "values": .list(values), "nodes": .list(nodes),
    ]
    if values.count > Self.mostValues {
      noted["values"] = .list(Array(values.prefix(3) + values.suffix(3)))
      noted["value_count"] = .int(values.count)
    }
    if !composites.isEmpty { noted["composites"] = .list(composites) }
    if !shared.isEmpty { noted["shared"] = .list(shared) }
    return .object(noted)
  }

  private mutating func visit(_ tagged: ValueGraph.ID, _ path: [String]) throws {
    let id = withoutTag(tagged)
    if case .tensor(let tensor) = graph[id] { return try note(tensor, id, path) }
    if var leaf = try leaf(id) {
      leaf["path"] = .path(path)
      values.append(leaf)
    } else if let composite = Composite(id, graph) {
      var entry = composite.entry
      entry["path"] = .path(path)
      composites.append(entry)
      for (name, part) in composite.parts { try visit(part, path + [name]) }
    } else {
      try container(id, path)
    }
  }

  /// The list or dictionary to which TorchScript adds the type of its items:
  /// `restore_type_tag(value, type)`.
  func withoutTag(_ id: ValueGraph.ID) -> ValueGraph.ID {
    guard case .object(let object) = graph[id], case .call = object.origin,
      graph.typeName(of: id) == GlobalName("torch.jit._pickle", "restore_type_tag"),
      let value = arguments(of: object).first
    else { return id }
    return value
  }

  // MARK: Containers

  private mutating func container(_ id: ValueGraph.ID, _ path: [String]) throws {
    let kind = kind(of: id)
    if let known = paths[id], !["tuple", "frozenset", "Size"].contains(kind) {
      shared.append(.object(["path": .path(path), "same_as": .path(known)]))
    }
    guard !open.contains(id) else { return }
    if paths[id] == nil { paths[id] = path }
    open.insert(id)
    let parts = items(of: id)
    var node: [String: JSONValue] = [
      "path": .path(path), "kind": .text(kind), "count": .int(parts.count),
    ]
    node.merge(try facts(of: id, kind)) { first, _ in first }
    nodes.append(.object(node))
    for (key, item) in parts { try visit(item, path + [key]) }
    open.remove(id)
  }

  /// The name of a container's type.
  func kind(of id: ValueGraph.ID) -> String {
    let type = graph.traits(of: id)?.type
    switch graph[id] {
    case .list: return "list"
    case .tuple: return type?.name ?? "tuple"
    case .set: return type?.name ?? "set"
    case .dictionary: return type?.name ?? "dict"
    default: return Deque(id, graph) == nil ? "object" : "deque"
    }
  }

  /// What belongs to a container beside its items.
  func facts(of id: ValueGraph.ID, _ kind: String) throws -> [String: JSONValue] {
    var facts: [String: JSONValue] = [:]
    switch graph[id] {
    case .dictionary(let pairs):
      let isText = pairs.allSatisfy { if case .string = graph[$0.key] { true } else { false } }
      if !isText, pairs.count <= Self.mostValues {
        facts["keys"] = .list(try pairs.map { try render($0.key) })
      }
      let traits = graph.traits(of: id)
      if let state = traits?.states.first, case .dictionary(let attributes) = graph[state] {
        facts["attributes"] = .object(
          Dictionary(
            try attributes.map { (keyText($0.key), try render($0.value)) },
            uniquingKeysWith: { $1 }))
      }
      if kind == "defaultdict" {
        facts["default"] =
          try traits?.arguments.first.map { try render($0) }
          ?? .object(["kind": .text("none"), "value": .null])
      }
    case .object(let object):
      if let deque = Deque(id, graph) {
        facts["maxlen"] = try deque.limit.map { try render($0)["value"] ?? .null } ?? .null
        break
      }
      facts["class"] = .text(className(of: object))
      if case .new(_, _, let keywords) = object.origin, let keywords {
        facts["keywords"] = try render(keywords)
      }
    default: break
    }
    return facts
  }

  /// The class or function that makes an object, as the file spells it.
  func className(of object: ValueGraph.InertObject) -> String {
    switch object.origin {
    case .global(let name): return name.description
    case .call(let callee, _), .new(let callee, _, _):
      return (graph.typeName(of: callee) ?? oldModule(callee))?.description ?? "?"
    case .persistent: return "<persistent>"
    case .extension(let code): return "<extension \(code)>"
    }
  }

  /// The class of a module in a legacy stream, which comes with its program:
  /// `('module', class, file, source)`.
  func oldModule(_ callee: ValueGraph.ID) -> GlobalName? {
    guard case .object(let object) = graph[callee], case .persistent(let id) = object.origin,
      case .tuple(let parts) = graph[id], parts.count > 1
    else { return nil }
    return graph.typeName(of: parts[1])
  }

  /// The parts of a container with their part of the path.
  func items(of id: ValueGraph.ID) -> [(String, ValueGraph.ID)] {
    switch graph[id] {
    case .list(let items), .tuple(let items), .set(let items): return numbered(items)
    case .dictionary(let pairs): return pairs.map { (keyText($0.key), $0.value) }
    case .object(let object):
      if let deque = Deque(id, graph) { return numbered(deque.items) }
      return items(of: object)
    default: return []
    }
  }

  func numbered(_ items: [ValueGraph.ID]) -> [(String, ValueGraph.ID)] {
    items.enumerated().map { ("\($0.offset)", $0.element) }
  }

  func items(of object: ValueGraph.InertObject) -> [(String, ValueGraph.ID)] {
    var parts = arguments(of: object).enumerated().map { ("<arg\($0.offset)>", $0.element) }
    parts += numbered(object.elements)
    parts += object.items.map { (keyText($0.key), $0.value) }
    // Of several states the last counts.
    guard let state = object.states.last else { return parts }
    switch graph[state] {
    case .dictionary(let pairs): parts += pairs.map { (keyText($0.key), $0.value) }
    case .none: break
    default: parts.append(("<state>", state))
    }
    return parts
  }

  func arguments(of object: ValueGraph.InertObject) -> [ValueGraph.ID] {
    switch object.origin {
    case .call(_, let arguments), .new(_, let arguments, _):
      if case .tuple(let items) = graph[arguments] { return items }
    default: break
    }
    return []
  }

  /// A dictionary key as Python's `str` prints it.
  func keyText(_ id: ValueGraph.ID) -> String {
    if case .string(let text) = graph[id] { return text }
    return python(id)
  }

  func python(_ id: ValueGraph.ID) -> String {
    switch graph[id] {
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .int(let value): return "\(value)"
    case .bigInteger(let digits): return digits
    case .float(let value): return "\(value)"
    case .string(let text): return "'\(text)'"
    case .bytes(let source):
      return "b'\(String(decoding: (try? source.bytes()) ?? [], as: UTF8.self))'"
    case .tuple(let items):
      return "(" + items.map { python($0) }.joined(separator: ", ")
        + (items.count == 1 ? ",)" : ")")
    case .object(let object): return className(of: object)
    default: return "?"
    }
  }

  // MARK: Tensors

  private mutating func note(_ tensor: Tensor, _ id: ValueGraph.ID, _ path: [String]) throws {
    let traits = graph.traits(of: id)
    let type = traits?.type
    let isArray = type.map { !$0.module.hasPrefix("torch") && isNumPy(tensor, id) } ?? false
    let isMeta = !tensor.hasElements
    var entry: [String: JSONValue] = [
      "name": .text(path.joined(separator: ".")), "path": .path(path),
      "dtype": .text(Self.name(of: tensor.dtype)), "shape": .ints(tensor.shape),
      "strides": .ints(tensor.strides), "storage_offset": .int(tensor.offset),
      "device": .text(tensor.device.description), "requires_grad": .bool(tensor.requiresGrad),
      "class": .text(Self.className(of: tensor, type)),
      "sha256": try hash(of: tensor), "alias": .null, "storage_bytes": .null,
    ]
    if !isMeta {
      let group: Group =
        isArray ? .array(id) : .storage(ObjectIdentifier(tensor.storage))
      let number = groups[group] ?? groups.count
      groups[group] = number
      entry["alias"] = .int(number)
      entry["storage_bytes"] = .int(isArray ? tensor.byteCount : tensor.storage.byteCount)
    }
    if let first = firstEntries[id] {
      entry["same_object_as"] = .int(first)
    } else {
      firstEntries[id] = tensors.count
    }
    if isArray {
      entry.merge(try arrayFacts(tensor, traits)) { $1 }
    } else {
      if let quantization = tensor.quantization {
        entry["quantizer"] = try Self.describe(quantization)
      }
      if tensor.isConjugated { entry["conj"] = .bool(true) }
      if tensor.isNegated { entry["neg"] = .bool(true) }
      if let state = traits?.states.first { entry["attributes"] = try render(state) }
    }
    tensors.append(.object(entry))
  }

  /// Subclasses of arrays and of tensors can have any module; the functions that made them tell.
  func isNumPy(_ tensor: Tensor, _ id: ValueGraph.ID) -> Bool {
    guard let type = graph.traits(of: id)?.type else { return false }
    return type.module.split(separator: ".").first == "numpy" || tensor.dtype.containsObjects
  }
}
