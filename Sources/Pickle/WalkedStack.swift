/// The stack and the memo of a machine that knows of an object only which string it is, if any.
///
/// It lasts where ``PickleMachine`` stops: what Python may still accept moves the same objects.
struct WalkedStack {
  /// An object that is no string of the file, or not for certain.
  static let unknown = UInt32.max - 1

  /// The most objects, marks and slots that are followed; a stack of strings needs no more.
  private static let most = 1 << 22

  private var entries: [UInt32] = []
  private var marks: [Int] = []
  private var memo = PickleMemo()
  private var isMemoLost = false
  private var isLost = false
  /// Whether an opcode asked for an object that is not there; every Python stops at it.
  private(set) var hasStopped = false

  /// The last two objects, where STACK_GLOBAL looks for a module and a name; nil where Python finds
  /// none.
  var pair: (module: UInt32, name: UInt32)? {
    if isLost { return (Self.unknown, Self.unknown) }
    guard entries.count >= (marks.last ?? 0) + 2 else { return nil }
    return (entries[entries.count - 2], entries[entries.count - 1])
  }

  /// Follows an opcode.
  /// - Parameters:
  ///   - text: the string that it makes.
  ///   - slot: the memo slot that it names, nil where that is no plain number.
  mutating func follow(_ opcode: Opcode, text: UInt32, slot: UInt64?) {
    if isLost { return }
    switch opcode {
    case .proto, .frame, .stop: break
    case .mark: marks.append(entries.count)
    case .pop: if marks.last == entries.count { marks.removeLast() } else { pop(1) }
    case .popMark: popToMark()
    case .dup: push(top)
    case .put, .binPut, .longBinPut: put(slot)
    case .memoize: put(UInt64(memo.count))
    case .get, .binGet, .longBinGet: get(slot)
    case .append, .build: change(1)
    case .setItem: change(2)
    case .appends, .setItems, .addItems:
      popToMark()
      change(0)
    case .tuple1, .binPersID, .readonlyBuffer: replace(1)
    case .tuple2, .reduce, .newObj, .stackGlobal: replace(2)
    case .tuple3, .newObjEx: replace(3)
    case .tuple, .list, .dict, .frozenSet, .inst, .obj:
      popToMark()
      push(Self.unknown)
    default: push(text)
    }
    if max(entries.count, marks.count) > Self.most { lose() }
    if memo.count > Self.most { isMemoLost = true }
  }

  private mutating func lose() {
    (isLost, entries, marks, memo) = (true, [], [], PickleMemo())
  }

  private mutating func push(_ entry: UInt32) { entries.append(entry) }

  private var top: UInt32 {
    mutating get {
      guard let last = entries.last, entries.count > marks.last ?? 0 else {
        hasStopped = true
        return Self.unknown
      }
      return last
    }
  }

  private mutating func pop(_ count: Int) {
    let available = entries.count - (marks.last ?? 0)
    if available < count { hasStopped = true }
    entries.removeLast(min(count, available))
  }

  private mutating func popToMark() {
    guard let mark = marks.popLast() else {
      hasStopped = true
      return
    }
    entries.removeLast(entries.count - mark)
  }

  private mutating func replace(_ count: Int) {
    pop(count)
    push(Self.unknown)
  }

  /// The object below the operands changes and stays.
  private mutating func change(_ count: Int) {
    pop(count)
    _ = top
  }

  private mutating func put(_ slot: UInt64?) {
    guard let slot, memo.count <= Self.most else {
      isMemoLost = true
      return
    }
    memo.set(slot, to: top)
  }

  private mutating func get(_ slot: UInt64?) {
    guard let slot, !isMemoLost else { return push(Self.unknown) }
    if memo[slot] == nil { hasStopped = true }
    push(memo[slot] ?? Self.unknown)
  }
}
