internal import ByteIO

extension Pickle {
  /// Adds an object.
  ///
  /// What it contains is added before it; where that would go in circles, it is added empty and
  /// filled by the functions below.
  package mutating func add(_ value: Value) -> ID {
    switch value {
    case .none: return add(Record(kind: .none))
    case .bool(let value): return add(Record(kind: value ? .true : .false))
    case .int(let value): return add(Record(kind: .int, b: UInt64(bitPattern: value)))
    case .bigInteger(let digits): return addText(.decimal, digits.utf8)
    case .float(let value): return add(Record(kind: .float, b: value.bitPattern))
    case .string(let text): return addText(.string, text.utf8)
    case .legacyString(let bytes): return addText(.legacyString, bytes)
    case .bytes(let source): return addRun(.bytes, run(over: source))
    case .byteArray(let source): return addRun(.byteArray, run(over: source))
    case .buffer(let index): return add(Record(kind: .buffer, a: UInt32(index)))
    case .tuple(let items): return addTuple(.tuple, items.map(\.index)[...])
    case .frozenSet(let items): return addTuple(.frozenSet, items.map(\.index)[...])
    case .list(let items): return addChained(.list, items.map(\.index))
    case .set(let items): return addChained(.set, items.map(\.index))
    case .dictionary(let pairs):
      return addChained(.dictionary, pairs.flatMap { [$0.key.index, $0.value.index] })
    case .global(let name): return addGlobal(name, offset: 0)
    case .extension(let code): return add(Record(kind: .extension, a: UInt32(code)))
    case .persistent(let id): return add(Record(kind: .persistent, a: id.index))
    case .object(let object):
      let id = addObject(
        ObjectRecord(
          construction: object.construction, callee: object.callee.index,
          arguments: object.arguments.index, keywords: object.keywords?.index ?? .max))
      fill(id, elements: object.elements, items: object.items, states: object.states)
      return id
    }
  }

  /// Adds the call of a class or function.
  package mutating func addCall(_ callee: ID, _ arguments: [ID]) -> ID {
    let arguments = addTuple(.tuple, arguments.map(\.index)[...])
    return addObject(
      ObjectRecord(
        construction: .call, callee: callee.index, arguments: arguments.index, keywords: .max))
  }

  /// Adds to a list, a set, a dictionary or an object.
  package mutating func fill(
    _ id: ID, elements: [ID] = [], items: [(key: ID, value: ID)] = [], states: [ID] = []
  ) {
    let elements = elements.map(\.index)[...]
    let items = items.flatMap { [$0.key.index, $0.value.index] }[...]
    let record = records[Int(id.index)]
    switch record.kind {
    case .list, .set:
      records[Int(id.index)].a = append(elements, toChain: record.a)
    case .dictionary:
      records[Int(id.index)].a = append(items, toChain: record.a)
    case .object:
      var object = objects[Int(record.a)]
      object.elements = append(elements, toChain: object.elements)
      object.items = append(items, toChain: object.items)
      object.states = append(states.map(\.index)[...], toChain: object.states)
      objects[Int(record.a)] = object
    default: break
    }
  }

  /// Makes `id` the outermost object.
  package mutating func setRoot(_ id: ID) { root = id }

  private mutating func addChained(_ kind: Kind, _ items: [UInt32]) -> ID {
    let chain = append(items[...], toChain: 0)
    return add(Record(kind: kind, a: chain))
  }

  private mutating func run(over source: any ByteSource) -> Run {
    sources.append(source)
    return Run(source: sources.count - 1, range: 0..<source.byteCount)
  }
}
