package import ByteIO

extension ValueGraph {
  /// Adds all values of another graph and answers where its root is now.
  package mutating func join(_ other: ValueGraph) -> Joined {
    let shift = UInt32(count)
    let joined = Joined(shift: shift)
    for position in 0..<UInt32(other.count) {
      let id = ID(position: position)
      let new = add(joined.node(other[id]))
      if let traits = other.traits(of: id) { setTraits(joined.traits(traits), of: new) }
    }
    return joined
  }

  /// Where the values of a graph are after it was joined to another.
  package struct Joined {
    fileprivate let shift: UInt32

    /// The new id of a value.
    package func id(_ id: ID) -> ID { ID(position: id.position + shift) }

    private func ids(_ ids: [ID]) -> [ID] { ids.map { id($0) } }

    private func pairs(_ pairs: [(key: ID, value: ID)]) -> [(key: ID, value: ID)] {
      pairs.map { (id($0.key), id($0.value)) }
    }

    fileprivate func traits(_ old: Traits) -> Traits {
      Traits(
        type: old.type, arguments: ids(old.arguments), states: ids(old.states),
        elements: ids(old.elements))
    }

    fileprivate func node(_ node: Node) -> Node {
      switch node {
      case .list(let items): return .list(ids(items))
      case .tuple(let items): return .tuple(ids(items))
      case .set(let items): return .set(ids(items))
      case .dictionary(let old): return .dictionary(pairs(old))
      case .object(let object):
        var new = object
        switch object.origin {
        case .call(let callee, let arguments):
          new.origin = .call(callee: id(callee), arguments: id(arguments))
        case .new(let callee, let arguments, let keywords):
          new.origin = .new(
            callee: id(callee), arguments: id(arguments), keywords: keywords.map { id($0) })
        case .persistent(let key): new.origin = .persistent(id(key))
        case .global, .extension: break
        }
        new.elements = ids(object.elements)
        new.states = ids(object.states)
        new.items = pairs(object.items)
        new.parts = object.parts.map { ($0.name, id($0.value)) }
        return .object(new)
      default: return node
      }
    }
  }
}

extension ValueGraph {
  /// What an edit does with a value that lies in a dictionary.
  package enum LeafEdit: Equatable {
    case keep
    case drop
    /// Another key.
    case rename(String)
  }

  /// The graph with leaves dropped and renamed where they lie; a container that loses all its leaves
  /// goes with them.
  /// - Throws: `invalidArgument` when a leaf to be changed is no entry of a dictionary and lies in
  ///   none that goes whole, or when a dictionary is reached in two ways which the edit treats
  ///   differently.
  package func editingLeaves(
    limits: DecodingLimits, _ decide: (Leaf) throws(TensorIOError) -> LeafEdit
  ) throws(TensorIOError) -> ValueGraph {
    var leaves: [(leaf: Leaf, edit: LeafEdit, chain: [(container: ID, visit: Int, index: Int)])] =
      []
    var keptVisits: Set<Int> = []
    var walk = GraphWalk(self, limits: limits)
    while let step = try walk.next() {
      guard step.isLeaf else { continue }
      let leaf = Leaf(
        path: walk.path, node: self[step.id], id: step.id, stateDictPath: walk.stateDictPath)
      let edit = try decide(leaf)
      let chain = walk.chain
      if edit != .drop { keptVisits.formUnion(chain.map(\.visit)) }
      leaves.append((leaf, edit, chain))
    }
    var edits: [ID: [Int: LeafEdit]] = [:]
    func note(_ container: ID, _ index: Int, _ edit: LeafEdit, _ leaf: Leaf) throws(TensorIOError) {
      if let earlier = edits[container]?[index], earlier != edit {
        throw Self.refusal(leaf, "lies in a dictionary that other names share")
      }
      edits[container, default: [:]][index] = edit
    }
    for (leaf, edit, chain) in leaves {
      // The outermost place that loses everything, or the leaf's own.
      var depth = chain.count - 1
      if edit == .drop {
        while depth > 0, !keptVisits.contains(chain[depth].visit) { depth -= 1 }
      }
      guard depth >= 0, case .dictionary = self[chain[depth].container] else {
        guard edit == .keep else { throw Self.refusal(leaf, "is no entry of a dictionary") }
        continue
      }
      try note(chain[depth].container, chain[depth].index, edit, leaf)
      for (container, _, index) in chain[..<depth] {
        guard case .dictionary = self[container] else { continue }
        try note(container, index, .keep, leaf)
      }
    }
    return applying(edits)
  }

  private func applying(_ edits: [ID: [Int: LeafEdit]]) -> ValueGraph {
    var graph = self
    for (container, changes) in edits {
      guard case .dictionary(let pairs) = self[container] else { continue }
      var kept: [(key: ID, value: ID)] = []
      for (index, pair) in pairs.enumerated() {
        switch changes[index] {
        case .drop: continue
        case .rename(let key): kept.append((graph.add(.string(key)), pair.value))
        case .keep, nil: kept.append(pair)
        }
      }
      graph.replace(container, with: .dictionary(kept))
    }
    return graph
  }

  private static func refusal(_ leaf: Leaf, _ reason: String) -> TensorIOError {
    .invalidArgument(
      "'\(leaf.path.joined(separator: ".").escapedForDisplay)' \(reason), so it cannot be left out "
        + "or renamed; take a part of the file with --select, or convert to npz, which has no nesting"
    )
  }

  /// The value whose path, joined with dots, is `name`: containers too.
  package func value(named name: String, limits: DecodingLimits) throws(TensorIOError) -> ID? {
    var walk = GraphWalk(self, limits: limits)
    while let step = try walk.next() {
      for path in [walk.path, walk.stateDictPath]
      where path.joined(separator: ".").utf8.elementsEqual(name.utf8) {
        return step.id
      }
    }
    return nil
  }
}
