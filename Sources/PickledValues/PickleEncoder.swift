package import ByteIO
package import Pickle
package import TensorModel

/// Somebody who knows how Python writes tensors, and values with classes of its own.
package protocol ObjectPickler: AnyObject {
  /// Adds a value to the pickle, or answers nil where the plain form does.
  func pickle(
    _ node: ValueGraph.Node, _ traits: ValueGraph.Traits?, _ id: ValueGraph.ID,
    _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID?

  /// The values that have to be in the pickle before ``pickle(_:_:_:_:)`` of a node is asked.
  func prerequisites(
    _ node: ValueGraph.Node, _ traits: ValueGraph.Traits?
  ) -> [ValueGraph.ID]
}

/// Turns values into the objects of a pickle.
package struct PickleEncoder {
  package let graph: ValueGraph
  /// The objects so far.
  package var pickle = Pickle()
  private let picklers: [any ObjectPickler]
  private var known: [ValueGraph.ID: Pickle.ID] = [:]
  private var unfilled: [ValueGraph.ID] = []
  private var lists: [(Pickle.ID, [ValueGraph.ID])] = []
  private var strings: [ByteKey: Pickle.ID] = [:]
  private var globals: [GlobalName: Pickle.ID] = [:]

  package init(_ graph: ValueGraph, picklers: [any ObjectPickler]) {
    self.graph = graph
    self.picklers = picklers
  }

  /// The pickle of everything that `root` leads to.
  /// - Throws: `unsupported` when a tuple or a call contains itself, and what the picklers throw.
  package mutating func encode(_ root: ValueGraph.ID) throws(TensorIOError) -> Pickle {
    pickle.setRoot(try encodeAll(root))
    return pickle
  }

  /// Adds everything that `root` leads to.
  package mutating func encodeAll(_ root: ValueGraph.ID) throws(TensorIOError) -> Pickle.ID {
    let result = try resolve(root)
    while true {
      if let next = unfilled.popLast() {
        try fill(next)
      } else if let (list, items) = lists.popLast() {
        pickle.fill(list, elements: try resolved(items))
      } else {
        break
      }
    }
    return result
  }

  /// The object of a value that was added before.
  package func object(_ id: ValueGraph.ID) throws(TensorIOError) -> Pickle.ID {
    guard let object = known[id] else {
      throw .unsupported("a value refers to itself where Python cannot")
    }
    return object
  }

  /// The object of a value, added with everything it cannot be without; lists and dictionaries are
  /// filled later.
  private mutating func resolve(_ root: ValueGraph.ID) throws(TensorIOError) -> Pickle.ID {
    var stack = [root]
    var entered: Set<ValueGraph.ID> = []
    while let top = stack.last {
      if known[top] != nil {
        stack.removeLast()
        continue
      }
      let missing = prerequisites(of: top).filter { known[$0] == nil }
      if missing.isEmpty {
        known[top] = try make(top)
        stack.removeLast()
      } else {
        guard entered.insert(top).inserted else {
          throw .unsupported("a tuple or a constructor's arguments contain themselves")
        }
        stack += missing
      }
    }
    return try object(root)
  }

  private func prerequisites(of id: ValueGraph.ID) -> [ValueGraph.ID] {
    let (node, traits) = (graph[id], graph.traits(of: id))
    for pickler in picklers {
      let needs = pickler.prerequisites(node, traits)
      if !needs.isEmpty { return needs }
    }
    switch node {
    case .tuple(let items): return items
    case .set(let items) where traits?.type == PythonTypes.frozenSet: return items
    case .dictionary: return traits?.arguments ?? []
    case .object(let object):
      switch object.origin {
      case .call(let callee, let arguments): return [callee, arguments]
      case .new(let callee, let arguments, let keywords):
        return [callee, arguments] + [keywords].compactMap { $0 }
      case .persistent(let key): return [key]
      case .global, .extension: return []
      }
    default: return []
    }
  }

  private mutating func make(_ id: ValueGraph.ID) throws(TensorIOError) -> Pickle.ID {
    let (node, traits) = (graph[id], graph.traits(of: id))
    for pickler in picklers {
      if let object = try pickler.pickle(node, traits, id, &self) { return object }
    }
    switch node {
    case .none: return pickle.add(.none)
    case .bool(let value): return pickle.add(.bool(value))
    case .int(let value): return pickle.add(.int(value))
    case .bigInteger(let digits): return pickle.add(.bigInteger(digits))
    case .float(let value): return pickle.add(.float(value))
    case .complex(let real, let imaginary):
      return call(
        GlobalName("__builtin__", "complex"),
        [pickle.add(.float(real)), pickle.add(.float(imaginary))])
    case .string(let text): return string(text)
    case .bytes(let source):
      let isArray = traits?.type == PythonTypes.byteArray
      return pickle.add(isArray ? .byteArray(source) : .bytes(source))
    case .tuple(let items): return pickle.add(.tuple(try objects(items)))
    case .set(let items) where traits?.type == PythonTypes.frozenSet:
      return pickle.add(.frozenSet(try objects(items)))
    case .list: return later(id, pickle.add(.list([])))
    case .set: return later(id, pickle.add(.set([])))
    case .dictionary:
      guard let type = traits?.type else { return later(id, pickle.add(.dictionary([]))) }
      return later(id, call(type, try objects(traits?.arguments ?? [])))
    case .tensor:
      throw .unsupported("a tensor cannot be written here")
    case .object(let object): return later(id, try make(object))
    }
  }

  private mutating func make(
    _ object: ValueGraph.InertObject
  ) throws(TensorIOError) -> Pickle.ID {
    func new(
      _ construction: Pickle.Construction, _ callee: ValueGraph.ID, _ arguments: ValueGraph.ID,
      _ keywords: ValueGraph.ID?
    ) throws(TensorIOError) -> Pickle.Value {
      var keys: Pickle.ID?
      if let keywords { keys = try self.object(keywords) }
      return .object(
        Pickle.Object(
          construction: construction, callee: try self.object(callee),
          arguments: try self.object(arguments), keywords: keys))
    }
    switch object.origin {
    case .global(let name): return global(name)
    case .extension(let code): return pickle.add(.extension(code))
    case .persistent(let key): return pickle.add(.persistent(try self.object(key)))
    case .call(let callee, let arguments):
      let value = try new(.call, callee, arguments, nil)
      return pickle.add(value)
    case .new(let callee, let arguments, let keywords):
      let value = try new(.new, callee, arguments, keywords)
      return pickle.add(value)
    }
  }

  private mutating func later(_ id: ValueGraph.ID, _ object: Pickle.ID) -> Pickle.ID {
    unfilled.append(id)
    return object
  }

  private mutating func fill(_ id: ValueGraph.ID) throws(TensorIOError) {
    let object = try object(id)
    let states = graph.traits(of: id)?.states ?? []
    switch graph[id] {
    case .list(let items), .set(let items):
      pickle.fill(object, elements: try resolved(items))
    case .dictionary(let pairs):
      pickle.fill(object, items: try resolved(pairs), states: try resolved(states))
    case .object(let inert):
      if case .global = inert.origin { return }
      pickle.fill(
        object, elements: try resolved(inert.elements), items: try resolved(inert.items),
        states: try resolved(inert.states))
    default: break
    }
  }

  private mutating func resolved(_ ids: [ValueGraph.ID]) throws(TensorIOError) -> [Pickle.ID] {
    var objects: [Pickle.ID] = []
    objects.reserveCapacity(ids.count)
    for id in ids { objects.append(try resolve(id)) }
    return objects
  }

  private mutating func resolved(
    _ pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)]
  ) throws(TensorIOError) -> [(key: Pickle.ID, value: Pickle.ID)] {
    var objects: [(key: Pickle.ID, value: Pickle.ID)] = []
    objects.reserveCapacity(pairs.count)
    for pair in pairs { objects.append((try resolve(pair.key), try resolve(pair.value))) }
    return objects
  }

  private func objects(_ ids: [ValueGraph.ID]) throws(TensorIOError) -> [Pickle.ID] {
    var objects: [Pickle.ID] = []
    for id in ids { objects.append(try object(id)) }
    return objects
  }
}

// What picklers build with.
extension PickleEncoder {
  /// Fills a list of the pickle with values, once they can be.
  package mutating func fillLater(_ list: Pickle.ID, with items: [ValueGraph.ID]) {
    lists.append((list, items))
  }

  /// Adds a call.
  package mutating func call(_ name: GlobalName, _ arguments: [Pickle.ID]) -> Pickle.ID {
    pickle.addCall(global(name), arguments)
  }

  /// Adds a class or function, once.
  package mutating func global(_ name: GlobalName) -> Pickle.ID {
    if let id = globals[name] { return id }
    let id = pickle.add(.global(name))
    globals[name] = id
    return id
  }

  /// Adds a text, once where it is short.
  package mutating func string(_ text: String) -> Pickle.ID {
    guard text.utf8.count <= 64 else { return pickle.add(.string(text)) }
    let key = ByteKey(text)
    if let id = strings[key] { return id }
    let id = pickle.add(.string(text))
    strings[key] = id
    return id
  }

  /// Adds a tuple of integers, as torch and NumPy write shapes.
  package mutating func tuple(_ numbers: [Int]) -> Pickle.ID {
    let items = numbers.map { pickle.add(.int(Int64($0))) }
    return pickle.add(.tuple(items))
  }
}
