internal import TensorIO

/// Values with all that they hold.
extension TreeDescription {
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

  func isMutable(_ id: ValueGraph.ID) -> Bool {
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

  func render(
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

  func render(
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
struct Composite {
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
struct Deque {
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
