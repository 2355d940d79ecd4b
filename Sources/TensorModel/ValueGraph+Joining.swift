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
