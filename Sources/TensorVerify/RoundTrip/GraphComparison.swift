internal import ByteIO
internal import TensorIO

/// Walks two value graphs side by side.
///
/// Each value is entered once. What is one object on one side has to be one on the other; plain
/// scalars and texts, of which Python makes one or several as it likes, have no identity.
struct GraphComparison {
  /// How a value is reached from another.
  enum Step {
    case root
    case key(ValueGraph.ID)
    case index(Int)
    case word(String)
  }

  /// A way to a value: the last step, and the way before it.
  struct Way {
    let parent: Int
    let step: Step
  }

  struct Item {
    let left: ValueGraph.ID
    let right: ValueGraph.ID
    let way: Int
  }

  let left: ValueGraph
  let right: ValueGraph
  private var names: [ValueGraph.ID: String] = [:]
  /// For each value of one side, its position on the other and one more; 0 before it is known.
  private var forward: [UInt32]
  private var backward: [UInt32]
  var ways: [Way] = []
  var stack: [Item] = []
  /// The tensors that were found, in the order of the walk.
  private(set) var tensors: [TensorPair] = []

  /// - Parameter names: those of the first side's tensors.
  init(_ left: ValueGraph, _ right: ValueGraph, names: [TensorArchive.Entry]) {
    self.left = left
    self.right = right
    for entry in names.reversed() { self.names[entry.id] = entry.name }
    forward = Array(repeating: 0, count: left.count)
    backward = Array(repeating: 0, count: right.count)
  }

  /// Compares a value of each side with all that they lead to.
  mutating func compare(
    _ one: ValueGraph.ID, _ other: ValueGraph.ID, _ notes: inout DifferenceNotes
  ) throws(TensorIOError) {
    ways.append(Way(parent: -1, step: .root))
    stack.append(Item(left: one, right: other, way: ways.count - 1))
    try walk(&notes)
  }

  /// Compares values that belong to one of a name: the elements of an array.
  mutating func compare(
    _ ones: [ValueGraph.ID], _ others: [ValueGraph.ID], of name: String,
    _ notes: inout DifferenceNotes
  ) throws(TensorIOError) {
    ways.append(Way(parent: -1, step: .word(name)))
    push(ones, others, ways.count - 1, "elements", .values, &notes)
    try walk(&notes)
  }

  private mutating func walk(_ notes: inout DifferenceNotes) throws(TensorIOError) {
    while let item = stack.popLast() {
      let start = stack.count
      try enter(item, &notes)
      // The first that was found is the next one to be looked at.
      stack[start...].reverse()
    }
  }

  // MARK: Identity

  /// Whether the pair has to be entered.
  private mutating func meet(_ item: Item, _ notes: inout DifferenceNotes) -> Bool {
    guard hasIdentity(item.left, left) || hasIdentity(item.right, right) else { return true }
    let (one, other) = (Int(item.left.position), Int(item.right.position))
    let known = (forward[one], backward[other])
    if known == (0, 0) {
      forward[one] = UInt32(other) + 1
      backward[other] = UInt32(one) + 1
      return true
    }
    if known == (UInt32(other) + 1, UInt32(one) + 1) { return false }
    let wasShared = known.0 != 0
    notes.add(
      .identity, name(item), wasShared ? "an object that was met before" : "an object of its own",
      known.1 != 0 ? "an object that was met before" : "an object of its own",
      isDeclarable: known.1 == 0)
    // A copy is compared all the same, once.
    guard known.1 == 0 else { return false }
    backward[other] = UInt32(one) + 1
    return true
  }

  private func hasIdentity(_ id: ValueGraph.ID, _ graph: ValueGraph) -> Bool {
    switch graph[id] {
    case .list, .dictionary, .tensor: return true
    case .set(let items): return graph.traits(of: id)?.type == nil || !items.isEmpty
    case .tuple(let items): return !items.isEmpty
    case .object(let object):
      if case .global = object.origin { return false }
      return true
    default: return false
    }
  }

  private func name(_ item: Item) -> String { names[item.left] ?? path(item.way) }

  func path(_ way: Int) -> String {
    var parts: [String] = []
    var next = way
    while next >= 0 {
      switch ways[next].step {
      case .root: break
      case .key(let key): parts.append(left.keyText(key))
      case .index(let index): parts.append(String(index))
      case .word(let word): parts.append(word)
      }
      next = ways[next].parent
    }
    return parts.reversed().joined(separator: ".")
  }

  // MARK: Values

  private mutating func enter(
    _ item: Item, _ notes: inout DifferenceNotes
  ) throws(TensorIOError) {
    guard meet(item, &notes) else { return }
    let (one, other) = (left[item.left], right[item.right])
    switch (one, other) {
    case (.list(let ones), .list(let others)), (.tuple(let ones), .tuple(let others)),
      (.set(let ones), .set(let others)):
      push(ones, others, item.way, nil, .values, &notes)
    case (.dictionary(let ones), .dictionary(let others)):
      push(ones, others, item, &notes)
    case (.tensor(let one), .tensor(let other)):
      tensors.append(TensorPair(name(item), one, other))
    case (.object(let one), .object(let other)):
      compare(one, other, item, &notes)
    case (.bytes(let one), .bytes(let other)):
      try compare(one, other, item, &notes)
    default:
      if let difference = ValueText.difference(item.left, left, item.right, right) {
        notes.add(.values, name(item), difference.left, difference.right)
      }
    }
    compareTraits(item, &notes)
  }

  private func compare(
    _ one: any ByteSource, _ other: any ByteSource, _ item: Item, _ notes: inout DifferenceNotes
  ) throws(TensorIOError) {
    if try ValueText.areEqual(one, other) { return }
    notes.add(.values, name(item), "\(one.byteCount) bytes", "\(other.byteCount) other bytes")
  }

  private mutating func compareTraits(_ item: Item, _ notes: inout DifferenceNotes) {
    let (one, other) = (left.traits(of: item.left), right.traits(of: item.right))
    if one == nil, other == nil { return }
    let types = (ValueText.type(one), ValueText.type(other))
    if types.0 != types.1 {
      notes.add(
        .classes, name(item), types.0?.description ?? "the plain class",
        types.1?.description ?? "the plain class")
    }
    push(one?.arguments ?? [], other?.arguments ?? [], item.way, "<arguments>", .classes, &notes)
    push(one?.states ?? [], other?.states ?? [], item.way, "<state>", .attributes, &notes)
    push(one?.elements ?? [], other?.elements ?? [], item.way, nil, .values, &notes)
  }

  private mutating func compare(
    _ one: ValueGraph.InertObject, _ other: ValueGraph.InertObject, _ item: Item,
    _ notes: inout DifferenceNotes
  ) {
    switch (one.origin, other.origin) {
    case (.global(let name), .global(let otherName)):
      if name.modern != otherName.modern {
        notes.add(.values, self.name(item), "\(name)", "\(otherName)")
      }
    case (.extension(let code), .extension(let otherCode)) where code == otherCode: break
    case (.persistent(let id), .persistent(let otherID)): push(id, otherID, item.way, "<id>")
    case (.call(let callee, let arguments), .call(let otherCallee, let otherArguments)):
      push(callee, otherCallee, item.way, "<callee>")
      push(arguments, otherArguments, item.way, "<arg>")
    case (
      .new(let callee, let arguments, let keywords),
      .new(let otherCallee, let otherArguments, let otherKeywords)
    ):
      push(callee, otherCallee, item.way, "<callee>")
      push(arguments, otherArguments, item.way, "<arg>")
      push(
        [keywords].compactMap { $0 }, [otherKeywords].compactMap { $0 }, item.way, "<keywords>",
        .values, &notes)
    default:
      notes.add(
        .values, name(item), left.kindText(of: item.left), right.kindText(of: item.right))
    }
    push(one.elements, other.elements, item.way, nil, .values, &notes)
    push(one.items, other.items, item, &notes)
    push(one.states, other.states, item.way, "<state>", .attributes, &notes)
    push(one.parts.map(\.value), other.parts.map(\.value), item.way, "<part>", .values, &notes)
    if one.parts.map({ ByteKey($0.name) }) != other.parts.map({ ByteKey($0.name) }) {
      notes.add(
        .values, name(item), one.parts.map(\.name).joined(separator: ", "),
        other.parts.map(\.name).joined(separator: ", "))
    }
  }
}
