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
  private static let mostValues = 200

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
  private func withoutTag(_ id: ValueGraph.ID) -> ValueGraph.ID {
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
  private func kind(of id: ValueGraph.ID) -> String {
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
  private func facts(of id: ValueGraph.ID, _ kind: String) throws -> [String: JSONValue] {
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
  private func oldModule(_ callee: ValueGraph.ID) -> GlobalName? {
    guard case .object(let object) = graph[callee], case .persistent(let id) = object.origin,
      case .tuple(let parts) = graph[id], parts.count > 1
    else { return nil }
    return graph.typeName(of: parts[1])
  }

  /// The parts of a container with their part of the path.
  private func items(of id: ValueGraph.ID) -> [(String, ValueGraph.ID)] {
    switch graph[id] {
    case .list(let items), .tuple(let items), .set(let items): return numbered(items)
    case .dictionary(let pairs): return pairs.map { (keyText($0.key), $0.value) }
    case .object(let object):
      if let deque = Deque(id, graph) { return numbered(deque.items) }
      return items(of: object)
    default: return []
    }
  }

  private func numbered(_ items: [ValueGraph.ID]) -> [(String, ValueGraph.ID)] {
    items.enumerated().map { ("\($0.offset)", $0.element) }
  }

  private func items(of object: ValueGraph.InertObject) -> [(String, ValueGraph.ID)] {
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

  private func python(_ id: ValueGraph.ID) -> String {
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
  private func isNumPy(_ tensor: Tensor, _ id: ValueGraph.ID) -> Bool {
    guard let type = graph.traits(of: id)?.type else { return false }
    return type.module.split(separator: ".").first == "numpy" || tensor.dtype.containsObjects
  }

  private func hash(of tensor: Tensor) throws -> JSONValue {
    guard tensor.hasElements, !tensor.dtype.containsObjects else { return .null }
    return .text(try tensor.goldenHash())
  }

  private static func className(of tensor: Tensor, _ type: GlobalName?) -> String {
    guard let type else { return "torch.Tensor" }
    let isStorage = type.name.hasSuffix("Storage") && type.module.hasPrefix("torch")
    guard isStorage else { return type.description }
    return tensor.dtype == .uint8 ? "torch.storage.UntypedStorage" : "torch.storage.TypedStorage"
  }

  static func name(of dtype: DType) -> String {
    if case .structured = dtype { return "structured" }
    return dtype.description
  }

  private func arrayFacts(
    _ tensor: Tensor, _ traits: ValueGraph.Traits?
  ) throws -> [String: JSONValue] {
    let size = tensor.dtype.bitWidth / 8
    var facts: [String: JSONValue] = [
      "byteorder_loaded": .text(Self.byteOrder(tensor.dtype, tensor.byteOrder)),
      "itemsize": .int(size),
    ]
    if size == 0 { facts["strides"] = .null }
    if case .structured(let type) = tensor.dtype { facts["fields"] = Self.fields(type) }
    if tensor.dtype.containsObjects {
      facts.merge(try objects(traits?.elements ?? [], tensor.dtype)) { $1 }
    }
    return facts
  }

  static func byteOrder(_ dtype: DType, _ order: ByteOrder) -> String {
    switch dtype {
    case .structured: "struct"
    case .string: order == .big ? ">" : "<"
    default: dtype.swapUnit == 1 ? "|" : order == .big ? ">" : "<"
    }
  }

  private static func fields(_ type: StructuredType) -> JSONValue {
    .list(
      type.fields.map { field in
        var entry: [String: JSONValue] = [
          "name": .text(field.name), "title": field.title.map { .text($0) } ?? .null,
          "dtype": .text(name(of: field.dtype)), "shape": .ints(field.shape),
          "byteorder": .text(byteOrder(field.dtype, field.byteOrder)),
          "itemsize": .int(field.dtype.bitWidth / 8), "offset": .int(field.offset),
        ]
        if case .structured(let inner) = field.dtype { entry["fields"] = fields(inner) }
        return .object(entry)
      })
  }

  private static func describe(_ quantization: Quantization) throws -> JSONValue {
    var entry: [String: JSONValue] = ["scheme": .text(quantization.scheme.rawValue)]
    switch quantization {
    case .perTensor(_, let scale, let zeroPoint):
      entry["scale"] = .number(scale)
      entry["zero_point"] = .int(Int(zeroPoint))
    case .perChannel(_, let scales, let zeroPoints, let axis):
      entry["axis"] = .int(axis)
      for (name, tensor) in [("scales", scales), ("zero_points", zeroPoints)] {
        entry[name] = .list(
          try (0..<tensor.count).map { index in
            switch try tensor.element(at: [index]) {
            case .float(let value): .number(value)
            case .int(let value): .int(Int(value))
            default: .null
            }
          })
        entry["\(name)_dtype"] = .text(tensor.dtype.description)
      }
    }
    return .object(entry)
  }

  // MARK: Values with all they hold

  /// The items of an array of objects in C order, and which of them are one object.
  func objects(
    _ elements: [ValueGraph.ID], _ dtype: DType, above: [ValueGraph.ID] = []
  ) throws -> [String: JSONValue] {
    var facts: [String: JSONValue] = [:]
    var order: [ValueGraph.ID] = []
    var places: [ValueGraph.ID: [Int]] = [:]
    for (index, id) in elements.enumerated() where isMutable(id) {
      if places[id] == nil { order.append(id) }
      places[id, default: []].append(index)
    }
    let groups = order.compactMap { places[$0] }.filter { $0.count > 1 }
    if !groups.isEmpty { facts["shared_objects"] = .list(groups.map { .ints($0) }) }
    var listed = elements
    if elements.count > Self.mostValues {
      facts["object_count"] = .int(elements.count)
      listed = Array(elements.prefix(3) + elements.suffix(3))
    }
    facts["objects"] = .list(
      try listed.map { id in
        if case .structured(let type) = dtype { return try record(id, type, above) }
        return try render(id, above: above)
      })
    return facts
  }

  private func isMutable(_ id: ValueGraph.ID) -> Bool {
    switch graph[id] {
    case .list, .dictionary, .tensor: true
    case .set: graph.traits(of: id)?.type == nil
    case .bytes: graph.traits(of: id)?.type != nil
    default: false
    }
  }

  /// Any value with all its items; a container inside itself is a `cycle`.
  func render(_ id: ValueGraph.ID, above: [ValueGraph.ID] = []) throws -> JSONValue {
    if case .tensor(let tensor) = graph[id] { return try render(tensor, id, above) }
    if let leaf = try leaf(id) { return leaf }
    if above.contains(id) { return .object(["kind": .text("cycle")]) }
    let above = above + [id]
    if case .object(let object) = graph[id], Deque(id, graph) == nil {
      return try render(object, above)
    }
    let type = graph.traits(of: id)?.type
    var entry: [String: JSONValue] = [:]
    if let type { entry["class"] = .text(Self.className(of: type)) }
    if case .dictionary(let pairs) = graph[id] {
      entry["kind"] = .text("dict")
      entry["items"] = .list(
        try pairs.map {
          .list([try render($0.key, above: above), try render($0.value, above: above)])
        })
      return .object(entry)
    }
    let kind = kind(of: id)
    let kinds = ["frozenset": "set", "Size": "tuple"]
    entry["kind"] = .text(kinds[kind] ?? kind)
    if kind == "deque" { entry["class"] = .text("collections.deque") }
    entry["items"] = .list(try items(of: id).map { try render($0.1, above: above) })
    return .object(entry)
  }

  private func render(
    _ tensor: Tensor, _ id: ValueGraph.ID, _ above: [ValueGraph.ID]
  ) throws -> JSONValue {
    if above.contains(id) { return .object(["kind": .text("cycle")]) }
    var entry: [String: JSONValue] = [
      "kind": .text("tensor"), "dtype": .text(Self.name(of: tensor.dtype)),
      "shape": .ints(tensor.shape), "sha256": try hash(of: tensor),
    ]
    if tensor.dtype.containsObjects {
      let elements = graph.traits(of: id)?.elements ?? []
      entry.merge(try objects(elements, tensor.dtype, above: above + [id])) { $1 }
    }
    return .object(entry)
  }

  private func render(
    _ object: ValueGraph.InertObject, _ above: [ValueGraph.ID]
  ) throws -> JSONValue {
    var entry: [String: JSONValue] = [
      "kind": .text("object"), "class": .text(className(of: object)),
    ]
    func list(_ kind: String, _ ids: [ValueGraph.ID]) throws -> JSONValue {
      .object([
        "kind": .text(kind), "items": .list(try ids.map { try render($0, above: above) }),
      ])
    }
    let arguments = arguments(of: object)
    if !arguments.isEmpty { entry["args"] = try list("tuple", arguments) }
    if !object.elements.isEmpty { entry["items"] = try list("list", object.elements) }
    if let state = object.states.last { entry["state"] = try render(state, above: above) }
    if !object.items.isEmpty {
      let pairs = try object.items.map { try list("tuple", [$0.key, $0.value]) }
      entry["pairs"] = .object(["kind": .text("list"), "items": .list(pairs)])
    }
    return .object(entry)
  }
}

/// A sparse or nested tensor: an object whose parts are tensors.
private struct Composite {
  let entry: JSONValue
  let parts: [(String, ValueGraph.ID)]

  init?(_ id: ValueGraph.ID, _ graph: ValueGraph) {
    guard case .object(let object) = graph[id], !object.parts.isEmpty,
      object.parts.allSatisfy({ $0.name.hasPrefix("@") })
    else { return nil }
    parts = object.parts.filter { graph.isTensor($0.value) }.map { ($0.name, $0.value) }
    func part(_ name: String) -> ValueGraph.Node? {
      object.parts.first { $0.name == name }.map { graph[$0.value] }
    }
    var facts: [String: JSONValue] = ["class": .text("torch.Tensor")]
    if let type = graph.traits(of: id)?.type { facts["class"] = .text(type.description) }
    for name in ["@values", "@buffer"] {
      if case .tensor(let tensor)? = part(name) {
        facts["dtype"] = .text(tensor.dtype.description)
      }
    }
    let names = Set(object.parts.map(\.name))
    if names.contains("@buffer") {
      facts["layout"] = .text("nested")
    } else if case .int(let axis)? = part("@ragged_idx") {
      facts["layout"] = .text("jagged")
      facts["ragged_index"] = .int(Int(axis))
    } else if case .call(_, let arguments) = object.origin,
      case .tuple(let items) = graph[arguments], let layout = items.first
    {
      facts["layout"] = TreeDescription.layout(layout, graph)
    }
    if case .tuple(let items)? = part("@size") {
      facts["shape"] = .list(
        items.map { if case .int(let axis) = graph[$0] { .int(Int(axis)) } else { .null } })
    }
    if names.contains("@indices") {
      facts["is_coalesced"] = .null
      if case .bool(let flag)? = part("@is_coalesced") { facts["is_coalesced"] = .bool(flag) }
    }
    entry = .object(facts)
  }
}

/// Python's double-ended queue: `deque(items[, maxlen])`, items appended.
private struct Deque {
  let items: [ValueGraph.ID]
  let limit: ValueGraph.ID?

  init?(_ id: ValueGraph.ID, _ graph: ValueGraph) {
    guard case .object(let object) = graph[id],
      graph.typeName(of: id) == GlobalName("collections", "deque"),
      case .call(_, let tuple) = object.origin, case .tuple(let arguments) = graph[tuple]
    else { return nil }
    var first: [ValueGraph.ID] = []
    if let start = arguments.first {
      switch graph[start] {
      case .tuple(let items), .list(let items): first = items
      default: return nil
      }
    }
    items = first + object.elements
    limit = arguments.count > 1 ? arguments[1] : nil
  }
}
