internal import ByteIO

/// Where objects sit: the keys and indexes from the root.
///
/// One walk over the arena in the order of the document, each object once, which ends as soon as
/// everything wanted is found.
struct PicklePaths {
  private enum Edge: UInt8 {
    /// The object is at the place of its parent.
    case none
    /// `value` is an index.
    case index
    /// `value` is the key's object.
    case key
    case keyItself, state, arguments, argument, persistent
  }

  private struct Place {
    var parent: UInt32
    var value: UInt32
    var edge: Edge
  }

  private struct Visit {
    var id: UInt32
    var place: Place
  }

  private let pickle: Pickle
  private var places: [Place] = []
  private var pending: [Visit] = []
  private var wanted: Set<UInt32>
  private var firsts: [UInt32]
  private var extensions: [UInt32: Int] = [:]
  private var remaining: Int
  /// How many more steps of paths are written out; beyond that only the ends are.
  private var budget = 1 << 20

  /// Walks until every global and every object of `wanted` is found, or everything was visited.
  init(of pickle: Pickle, finding wanted: Set<UInt32>) {
    self.pickle = pickle
    self.wanted = wanted
    firsts = Array(repeating: .max, count: pickle.globals.count)
    remaining = pickle.globals.count + wanted.count
    guard remaining > 0, pickle.count > 0 else { return }
    for (index, use) in pickle.globals.enumerated() {
      if let code = use.name.extensionCode { extensions[code] = index }
    }
    let unvisited = Place(parent: .max, value: 0, edge: .none)
    places = Array(repeating: unvisited, count: pickle.count)
    run()
  }

  /// The path of the first place of a global, or nil where nothing leads to it.
  mutating func path(ofGlobal index: Int) -> [String]? {
    let id = firsts[index]
    return id == .max ? nil : path(of: id)
  }

  /// The path of an object that was wanted, or nil where nothing leads to it.
  mutating func path(ofWanted id: UInt32) -> [String]? {
    places.isEmpty || places[Int(id)].parent == .max ? nil : path(of: id)
  }

  private mutating func run() {
    let root = pickle.root.index
    visit(root, Place(parent: root, value: 0, edge: .none))
    while remaining > 0, let visit = pending.popLast() {
      guard places[Int(visit.id)].parent == .max else { continue }
      places[Int(visit.id)] = visit.place
      arrive(visit.id)
    }
  }

  private mutating func arrive(_ id: UInt32) {
    let record = pickle.records[Int(id)]
    switch record.kind {
    case .global: note(Int(record.a), id)
    case .extension: if let index = extensions[record.a] { note(index, id) }
    default: break
    }
    if wanted.remove(id) != nil { remaining -= 1 }
    let start = pending.count
    expand(id)
    // The first part is on top.
    pending[start...].reverse()
  }

  private mutating func note(_ index: Int, _ id: UInt32) {
    guard firsts[index] == .max else { return }
    firsts[index] = id
    remaining -= 1
  }

  private mutating func expand(_ id: UInt32) {
    let isArguments = places[Int(id)].edge == .arguments
    switch pickle.records[Int(id)].kind {
    case .tuple, .list, .set, .frozenSet, .dictionary, .object, .persistent: break
    default: return
    }
    switch pickle[Pickle.ID(index: id)] {
    case .tuple(let items), .list(let items), .set(let items), .frozenSet(let items):
      visit(items, isArguments ? .argument : .index, id)
    case .dictionary(let pairs): visit(pairs, id)
    case .persistent(let key):
      visit(key.index, Place(parent: id, value: 0, edge: .persistent))
    case .object(let object):
      visit(object.callee.index, Place(parent: id, value: 0, edge: .none))
      visit(object.arguments.index, Place(parent: id, value: 0, edge: .arguments))
      if let keywords = object.keywords {
        visit(keywords.index, Place(parent: id, value: 0, edge: .none))
      }
      visit(object.elements, .index, id)
      visit(object.items, id)
      for state in object.states {
        visit(state.index, Place(parent: id, value: 0, edge: .state))
      }
    default: break
    }
  }

  private mutating func visit(_ items: [Pickle.ID], _ edge: Edge, _ parent: UInt32) {
    for (index, item) in items.enumerated() {
      visit(item.index, Place(parent: parent, value: UInt32(index), edge: edge))
    }
  }

  private mutating func visit(_ pairs: [(key: Pickle.ID, value: Pickle.ID)], _ parent: UInt32) {
    for pair in pairs {
      visit(pair.key.index, Place(parent: parent, value: 0, edge: .keyItself))
      visit(pair.value.index, Place(parent: parent, value: pair.key.index, edge: .key))
    }
  }

  private mutating func visit(_ id: UInt32, _ place: Place) {
    switch pickle.records[Int(id)].kind {
    case .none, .false, .true, .int, .bigInt, .decimal, .float, .buffer: return
    case .string, .legacyString, .bytes, .byteArray: if !wanted.contains(id) { return }
    default: break
    }
    pending.append(Visit(id: id, place: place))
  }
}

// Writing paths out.
extension PicklePaths {
  /// How many steps are written of a path once the budget is spent.
  private static let shortest = 16

  private mutating func path(of id: UInt32) -> [String] {
    var parts: [String] = []
    var next = id
    var steps = 0
    while places[Int(next)].parent != next {
      if budget == 0, steps == Self.shortest {
        parts.append("…")
        break
      }
      steps += 1
      budget = max(0, budget - 1)
      let place = places[Int(next)]
      if let part = label(place, next) { parts.append(part) }
      next = place.parent
    }
    return parts.reversed()
  }

  private func label(_ place: Place, _ id: UInt32) -> String? {
    switch place.edge {
    case .none, .arguments: nil
    case .index: "\(place.value)"
    case .key: key(place.value)
    case .keyItself: "<key>"
    case .state: pickle.records[Int(id)].kind == .dictionary ? nil : "<state>"
    case .argument: "<arg\(place.value)>"
    case .persistent: "<id>"
    }
  }

  /// The longest text of a key, in bytes; more would let one long key be copied many times.
  private static let longestKey = 256

  private func key(_ id: UInt32) -> String {
    let record = pickle.records[Int(id)]
    switch record.kind {
    case .string, .legacyString:
      let bytes = pickle.textBytes(record)
      let text = String(decoding: bytes.prefix(Self.longestKey), as: UTF8.self)
      return bytes.count > Self.longestKey ? text + "…" : text
    case .int: return "\(Int64(bitPattern: record.b))"
    case .float: return "\(Double(bitPattern: record.b))"
    case .true: return "True"
    case .false: return "False"
    case .none: return "None"
    default: return "<key>"
    }
  }
}

extension GlobalName {
  /// The code of a class from Python's extension registry, as the machine names it.
  fileprivate var extensionCode: UInt32? {
    guard module == "copyreg", name.hasPrefix("extension ") else { return nil }
    return UInt32(name.dropFirst("extension ".count))
  }
}
