package import ByteIO

/// Writes the objects of an arena as a pickle.
///
/// Objects that are referred to more than once are memoized, others are not, unless a tuple or call
/// leads back to itself: Python reads both alike, and the same arena always gives the same bytes.
package struct PickleWriter {
  let pickle: Pickle
  let version: UInt8
  var output: [UInt8] = []
  private var tasks: [Task] = []
  private var references: [UInt8]
  private var slots: [UInt32: UInt32] = [:]
  /// How often a tuple or call was begun, and how many objects had slots then.
  private var visits: [UInt32: (count: Int, slots: Int)] = [:]
  /// Whether every object gets a slot and not only those that are referred to more than once.
  private let memoizesAll: Bool
  /// Whether a tuple or call leads back to itself, which needs slots for all between.
  private var isCircular = false
  /// What is on its way to be filled and referred to from elsewhere.
  private var unfilled: Set<UInt32> = []

  private enum Task {
    case visit(UInt32)
    case emit(Opcode)
    /// Closes a tuple or call whose parts lie on the stack.
    case close(UInt32)
    /// Appends, assigns and builds onto the object on the stack.
    case fill(UInt32)
    /// Notes that it was filled.
    case finish(UInt32)
  }

  /// The bytes of a pickle of everything that `pickle.root` leads to.
  /// - Parameter version: the protocol, 2 to 5.
  /// - Throws: `unsupported` for what no pickle of that protocol can say.
  package static func bytes(
    of pickle: Pickle, protocol version: UInt8
  ) throws(TensorIOError) -> [UInt8] {
    let needsKeywords = pickle.objects.contains { $0.keywords != .max }
    let version = needsKeywords ? max(4, version) : version
    var writer = PickleWriter(pickle, version, memoizesAll: false)
    do throws(TensorIOError) {
      try writer.run()
    } catch {
      guard writer.isCircular else { throw error }
      writer = PickleWriter(pickle, version, memoizesAll: true)
      try writer.run()
    }
    return writer.finished()
  }

  private init(_ pickle: Pickle, _ version: UInt8, memoizesAll: Bool) {
    self.pickle = pickle
    self.version = version
    self.memoizesAll = memoizesAll
    references = Array(repeating: 0, count: pickle.count)
    countReferences()
  }

  private func finished() -> [UInt8] {
    var bytes: [UInt8] = [Opcode.proto.rawValue, version]
    if version >= 4 {
      bytes.append(Opcode.frame.rawValue)
      bytes.append(littleEndian: UInt64(output.count))
    }
    return bytes + output
  }

  private mutating func countReferences() {
    var pending = [pickle.root.index]
    while let id = pending.popLast() {
      let index = Int(id)
      if references[index] < 2 { references[index] += 1 }
      if references[index] == 1 { pending += pickle.parts(of: Pickle.ID(index: id)) }
    }
  }

  private mutating func run() throws(TensorIOError) {
    tasks = [.emit(.stop), .visit(pickle.root.index)]
    while let task = tasks.popLast() {
      switch task {
      case .emit(let opcode): emit(opcode)
      case .visit(let id): try visit(id)
      case .close(let id): try close(id)
      case .fill(let id): fill(id)
      case .finish(let id): unfilled.remove(id)
      }
    }
  }

  mutating func emit(_ opcode: Opcode) { output.append(opcode.rawValue) }

  /// Notes the object on the stack where others refer to it too.
  mutating func memoize(_ id: UInt32) {
    guard references[Int(id)] > 1 || memoizesAll && !isChangedAfterCall(id), slots[id] == nil
    else { return }
    let slot = UInt32(slots.count)
    slots[id] = slot
    if version >= 4 {
      emit(.memoize)
    } else if slot < 256 {
      output += [Opcode.binPut.rawValue, UInt8(slot)]
    } else {
      emit(.longBinPut)
      output.append(littleEndian: slot)
    }
  }

  /// Whether an object is only complete some time after its call.
  ///
  /// One that a single other refers to is written again where a circle leads back to that: its slot
  /// would be of the one that still lacks its state (`functools.partial`, which is then called).
  private func isChangedAfterCall(_ id: UInt32) -> Bool {
    guard case .object(let object) = pickle[Pickle.ID(index: id)] else { return false }
    return !object.states.isEmpty || !object.items.isEmpty || !object.elements.isEmpty
  }

  private mutating func get(_ slot: UInt32) {
    if slot < 256 {
      output += [Opcode.binGet.rawValue, UInt8(slot)]
    } else {
      emit(.longBinGet)
      output.append(littleEndian: slot)
    }
  }

  private mutating func visit(_ id: UInt32) throws(TensorIOError) {
    if let slot = slots[id] { return get(slot) }
    switch pickle[Pickle.ID(index: id)] {
    case .tuple(let items) where items.isEmpty: emit(.emptyTuple)
    case .tuple(let items): try open(id, items, marked: items.count > 3)
    case .frozenSet(let items) where version >= 4: try open(id, items, marked: true)
    case .list: begin(.emptyList, id)
    case .dictionary: begin(.emptyDict, id)
    case .set where version >= 4: begin(.emptySet, id)
    case .set(let items), .frozenSet(let items):
      try requireProgress(id)
      tasks += [.close(id), .emit(.tuple1)]
      if items.isEmpty {
        tasks.append(.emit(.emptyList))
      } else {
        tasks += [.emit(.appends)] + items.reversed().map { .visit($0.index) }
        tasks += [.emit(.mark), .emit(.emptyList)]
      }
      let isFrozen = if case .frozenSet = pickle[Pickle.ID(index: id)] { true } else { false }
      try global(builtin(isFrozen ? "frozenset" : "set"))
    case .object(let object):
      try requireProgress(id)
      tasks += [.fill(id), .close(id)]
      if let keywords = object.keywords { tasks.append(.visit(keywords.index)) }
      tasks += [.visit(object.arguments.index), .visit(object.callee.index)]
    case .persistent(let key):
      try requireProgress(id)
      tasks += [.close(id), .visit(key.index)]
    default: try atom(id)
    }
  }

  func builtin(_ name: String) -> GlobalName {
    GlobalName(version < 3 ? "__builtin__" : "builtins", name)
  }

  private mutating func begin(_ opcode: Opcode, _ id: UInt32) {
    emit(opcode)
    memoize(id)
    tasks.append(.fill(id))
  }

  private mutating func open(
    _ id: UInt32, _ items: [Pickle.ID], marked: Bool
  ) throws(TensorIOError) {
    try requireProgress(id)
    if marked { emit(.mark) }
    tasks.append(.close(id))
    for item in items.reversed() { tasks.append(.visit(item.index)) }
  }

  /// How often a tuple or call that leads back to itself is begun before it is given up: each time
  /// writes all its parts.
  private static let mostVisits = 64

  /// Lets a tuple or call be begun that was begun before, if there are more slots than then.
  ///
  /// It leads back to itself through something that can be changed later, which has a slot by now.
  /// So the parts are there on the second visit, it is closed further in, and the first visit finds
  /// it done. Without a new slot it would go round for ever.
  private mutating func requireProgress(_ id: UInt32) throws(TensorIOError) {
    guard memoizesAll || references[Int(id)] > 1 else { return }
    if let last = visits[id] {
      isCircular = !memoizesAll
      guard memoizesAll, slots.count > last.slots, last.count < Self.mostVisits else {
        throw .unsupported("an object is among its own constructor's arguments")
      }
    }
    visits[id] = ((visits[id]?.count ?? 0) + 1, slots.count)
  }

  /// Refuses to call with something that was complete when the file called, and is not now.
  ///
  /// Where a call's arguments lead back to it, they have to be begun before it and are completed
  /// after it; what the call copies of them would be missing. Python itself refuses most of these.
  private func requireCompleteArguments(_ object: Pickle.Object) throws(TensorIOError) {
    guard !unfilled.isEmpty, let arguments = pickle.tuple(object.arguments) else { return }
    let time = pickle.records[Int(object.arguments.index)].b
    for argument in arguments + [object.callee] where unfilled.contains(argument.index) {
      // Without a file's order of time nobody knows what was complete.
      guard pickle.isRead, UInt64(pickle.endOfParts(argument)) > time else {
        throw .unsupported("the arguments of an object lead back to the object")
      }
    }
  }

  private mutating func close(_ id: UInt32) throws(TensorIOError) {
    let value = pickle[Pickle.ID(index: id)]
    if let slot = slots[id] {
      // Closed meanwhile, further in: the parts on the stack are of no use.
      switch value {
      case .tuple(let items) where items.count <= 3: for _ in items { emit(.pop) }
      case .tuple: emit(.popMark)
      case .frozenSet where version >= 4: emit(.popMark)
      case .object(let object): for _ in 0..<(object.keywords == nil ? 2 : 3) { emit(.pop) }
      case .persistent: emit(.pop)
      default: for _ in 0..<2 { emit(.pop) }
      }
      // The object itself is filled where it was closed.
      if case .object = value, case .fill = tasks.last { tasks.removeLast() }
      return get(slot)
    }
    if case .object(let object) = value { try requireCompleteArguments(object) }
    switch value {
    case .tuple(let items):
      emit([.tuple1, .tuple2, .tuple3, .tuple][min(items.count, 4) - 1])
    case .frozenSet where version >= 4: emit(.frozenSet)
    case .object(let object) where object.construction == .new:
      emit(object.keywords == nil ? .newObj : .newObjEx)
    case .persistent: emit(.binPersID)
    default: emit(.reduce)
    }
    memoize(id)
  }

  /// How many items CPython adds at a time.
  private static let batch = 1000

  private mutating func fill(_ id: UInt32) {
    var work: [Task] = []
    switch pickle[Pickle.ID(index: id)] {
    case .list(let items): batches(items.map { [$0] }, .append, .appends, &work)
    case .set(let items): batches(items.map { [$0] }, .addItems, .addItems, &work)
    case .dictionary(let pairs):
      batches(pairs.map { [$0.key, $0.value] }, .setItem, .setItems, &work)
    case .object(let object):
      batches(object.elements.map { [$0] }, .append, .appends, &work)
      batches(object.items.map { [$0.key, $0.value] }, .setItem, .setItems, &work)
      for state in object.states { work += [.visit(state.index), .emit(.build)] }
    default: break
    }
    if work.isEmpty { return }
    // Without a slot nothing else can refer to it meanwhile.
    if slots[id] != nil, unfilled.insert(id).inserted { work.append(.finish(id)) }
    tasks += work.reversed()
  }

  private func batches(
    _ items: [[Pickle.ID]], _ one: Opcode, _ many: Opcode, _ work: inout [Task]
  ) {
    var rest = items[...]
    while !rest.isEmpty {
      let batch = rest.prefix(Self.batch)
      rest = rest.dropFirst(Self.batch)
      let isSingle = batch.count == 1 && one != many
      if !isSingle { work.append(.emit(.mark)) }
      for item in batch { for part in item { work.append(.visit(part.index)) } }
      work.append(.emit(isSingle ? one : many))
    }
  }
}
