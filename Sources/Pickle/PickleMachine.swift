internal import ByteIO

/// Runs the instructions of a pickle on paper: objects are noted down, nothing is called.
struct PickleMachine {
  var pickle = Pickle()
  var stack: [UInt32] = []
  var marks: [Int] = []
  var memo = PickleMemo()
  let limits: DecodingLimits
  /// The objects, memo slots and stack entries that a pickle may ask for, each.
  private let room: Int
  private let buffers: Int
  private var usedBuffers = 0
  /// Where the frame that is being read ends.
  var frameEnd: Int?
  /// Tuples that were found to be hashable, so that a key that is used again costs nothing.
  var hashableTuples: Set<UInt32> = []
  private var hasLateProtocol = false
  private var hasSparseMemo = false
  /// The globals that STACK_GLOBAL made, by the objects of module and name.
  var stackGlobals: [UInt64: UInt32] = [:]

  /// - Parameter buffers: how many buffers there are outside the pickle.
  init(limits: DecodingLimits, buffers: Int) {
    self.limits = limits
    room = min(limits.objectCount, Int(UInt32.max))
    self.buffers = buffers
  }

  /// Reads instructions up to STOP.
  mutating func run(_ input: inout ByteCursor) throws(TensorIOError) {
    let start = input.position
    let opcodes = Opcode.byByte
    pickle.hasOldNames = true
    pickle.isRead = true
    while true {
      let offset = input.offset
      do throws(TensorIOError) {
        let opcode = try Self.opcode(&input, of: opcodes)
        if opcode == .stop {
          if let end = frameEnd, input.position != end {
            throw .malformed("STOP does not lie at the end of its frame")
          }
          try stop()
          return
        }
        if opcode == .proto, input.position - start != 1, !hasLateProtocol {
          hasLateProtocol = true
          pickle.findings.append(
            Finding(.lateProtocol, "PROTO is not the first opcode", offset: offset))
        }
        try step(opcode, &input, at: offset)
        if let end = frameEnd, input.position >= end {
          guard input.position == end else {
            throw .malformed("an opcode crosses the end of its frame")
          }
          frameEnd = nil
        }
      } catch {
        throw error.located(in: .init(offset: offset))
      }
    }
  }

  @inline(__always)
  static func opcode(
    _ input: inout ByteCursor, of opcodes: [Opcode?]
  ) throws(TensorIOError) -> Opcode {
    guard input.remaining > 0 else {
      throw .malformed("the pickle ends without STOP; the file is cut short or damaged")
    }
    let byte = try input.readByte("an opcode")
    guard let opcode = opcodes[Int(byte)] else {
      throw .malformed("byte \(byte) is no pickle opcode")
    }
    return opcode
  }

  private mutating func stop() throws(TensorIOError) {
    let root = try pop(.stop)
    if !stack.isEmpty {
      pickle.findings.append(
        Finding(.leftoverStack, "more than one object is left at STOP: \(stack.count + 1)"))
    }
    pickle.root = Pickle.ID(index: root)
  }

  private mutating func step(
    _ opcode: Opcode, _ input: inout ByteCursor, at offset: Int
  ) throws(TensorIOError) {
    switch opcode {
    case .mark: try pushMark()
    case .stop: break
    case .pop:
      if let mark = marks.last, mark == stack.count {
        marks.removeLast()
      } else {
        _ = try pop(.pop)
      }
    case .popMark: stack.removeLast(stack.count - (try popMark(.popMark)))
    case .dup: try push(try top(.dup))
    case .none: try push(.none)
    case .newTrue: try push(.true)
    case .newFalse: try push(.false)
    case .int, .long, .float, .string, .unicode, .binInt, .binInt1, .binInt2, .long1, .long4,
      .binFloat, .binString, .shortBinString, .binUnicode, .shortBinUnicode, .binUnicode8,
      .binBytes, .shortBinBytes, .binBytes8, .byteArray8:
      try literal(opcode, &input)
    case .emptyTuple, .tuple, .tuple1, .tuple2, .tuple3, .emptyList, .list, .emptyDict, .dict,
      .emptySet, .frozenSet:
      try container(opcode)
    case .append, .appends, .setItem, .setItems, .addItems, .build: try change(opcode)
    case .get, .binGet, .longBinGet, .put, .binPut, .longBinPut, .memoize:
      try memoize(opcode, &input)
    case .global, .stackGlobal, .inst, .obj, .newObj, .newObjEx, .reduce, .ext1, .ext2, .ext4,
      .persID, .binPersID:
      try object(opcode, &input, at: offset)
    case .proto:
      let version: UInt8 = try input.readInteger("the protocol")
      try requireProtocol(version)
      pickle.hasOldNames = version < 3
    case .frame: try beginFrame(&input)
    case .nextBuffer: try nextBuffer()
    case .readonlyBuffer:
      guard pickle.records[Int(try top(.readonlyBuffer))].kind == .buffer else {
        throw .malformed("READONLY_BUFFER over an object that is no buffer")
      }
    }
  }

  private func requireProtocol(_ version: UInt8) throws(TensorIOError) {
    guard version <= 5 else {
      throw .unsupported("the pickle has protocol \(version); 5 is the highest that exists")
    }
  }

  private mutating func beginFrame(_ input: inout ByteCursor) throws(TensorIOError) {
    guard frameEnd == nil else { throw .malformed("a frame begins inside another") }
    let length: UInt64 = try input.readInteger("a frame's length")
    guard length <= UInt64(input.remaining) else {
      throw .malformed(
        "a frame of \(length) bytes, \(input.remaining) are left; "
          + "the file is cut short or damaged")
    }
    frameEnd = length == 0 ? nil : input.position + Int(length)
  }

  private mutating func nextBuffer() throws(TensorIOError) {
    guard usedBuffers < buffers else {
      throw .unsupported("the pickle refers to a buffer that lies outside the file")
    }
    try push(Pickle.Record(kind: .buffer, a: UInt32(usedBuffers)))
    usedBuffers += 1
  }
}

// The stack.
extension PickleMachine {
  // What runs for every instruction is inlined: a call would copy the machine, which is large, and
  // the errors are made out of line.

  @inline(__always)
  private static func require(
    _ count: Int, below room: Int, _ what: StaticString
  ) throws(TensorIOError) {
    guard count < room else { throw noRoom(count, room, what) }
  }

  @inline(never)
  private static func noRoom(_ count: Int, _ room: Int, _ what: StaticString) -> TensorIOError {
    .limit("\(what)", count + 1, over: room, raise: "objectCount")
  }

  @inline(__always)
  mutating func push(_ id: UInt32) throws(TensorIOError) {
    try Self.require(stack.count, below: room, "the number of objects on the stack")
    stack.append(id)
  }

  @inline(__always)
  mutating func push(_ record: Pickle.Record) throws(TensorIOError) {
    try push(pickle.add(record))
  }

  mutating func push(_ kind: Pickle.Kind) throws(TensorIOError) {
    try push(Pickle.Record(kind: kind))
  }

  @inline(__always)
  mutating func push(_ id: Pickle.ID) throws(TensorIOError) {
    // The object itself is among them already.
    try Self.require(pickle.records.count - 1, below: room, "the number of objects")
    try requireRoomForReferences()
    try push(id.index)
  }

  @inline(__always)
  func requireRoomForReferences() throws(TensorIOError) {
    let count = pickle.children.count
    try Self.require(count / 4, below: room, "the number of references, in fours,")
    // Places among them have 32 bits, and what is on the stack may come next.
    guard count + stack.count < Int(UInt32.max) else {
      throw .unsupported("the pickle has 2^32 references")
    }
  }

  /// Refuses another object that is not pushed at once.
  func requireRoomForObject() throws(TensorIOError) {
    try Self.require(pickle.records.count, below: room, "the number of objects")
  }

  private mutating func pushMark() throws(TensorIOError) {
    try Self.require(marks.count, below: room, "the number of marks")
    marks.append(stack.count)
  }

  @inline(__always)
  func top(_ opcode: Opcode) throws(TensorIOError) -> UInt32 {
    guard let id = stack.last, stack.count > marks.last ?? 0 else { throw Self.missing(opcode) }
    return id
  }

  @inline(__always)
  mutating func pop(_ opcode: Opcode) throws(TensorIOError) -> UInt32 {
    let id = try top(opcode)
    stack.removeLast()
    return id
  }

  /// Where the objects above the last mark begin; the mark goes, they stay.
  mutating func popMark(_ opcode: Opcode) throws(TensorIOError) -> Int {
    guard let mark = marks.popLast(), mark <= stack.count else {
      throw .malformed("\(opcode.name) without a MARK")
    }
    return mark
  }

  /// Where the last `count` objects begin.
  @inline(__always)
  func operands(_ count: Int, _ opcode: Opcode) throws(TensorIOError) -> Int {
    let start = stack.count - count
    guard start >= marks.last ?? 0 else { throw Self.missing(opcode) }
    return start
  }

  @inline(never)
  static func missing(_ opcode: Opcode) -> TensorIOError {
    .malformed("\(opcode.name) needs an object that the stack does not have")
  }
}

// Memo.
extension PickleMachine {
  private mutating func memoize(
    _ opcode: Opcode, _ input: inout ByteCursor
  ) throws(TensorIOError) {
    let slot: UInt64 =
      switch opcode {
      case .binGet, .binPut: UInt64(try input.readByte("a memo slot"))
      case .longBinGet, .longBinPut: UInt64(try input.readInteger("a memo slot", as: UInt32.self))
      case .memoize: UInt64(memo.count)
      default: try Self.slot(try Self.line(&input, "a memo slot"))
      }
    switch opcode {
    case .get, .binGet, .longBinGet:
      guard let id = memo[slot] else { throw .malformed("the memo has no slot \(slot)") }
      try push(id)
    default:
      try Self.require(memo.count, below: room, "the number of memo slots")
      // Writers number the slots one by one, and filling one takes a byte at least.
      if slot > UInt64(input.position), !hasSparseMemo {
        hasSparseMemo = true
        pickle.findings.append(
          Finding(
            .sparseMemo,
            "memo slot \(slot) is far past those before; Python's reader takes memory for all between",
            offset: input.offset))
      }
      memo.set(slot, to: try top(opcode))
    }
  }

  private static func slot(_ line: [UInt8]) throws(TensorIOError) -> UInt64 {
    guard let slot = UInt64(String(decoding: trimmed(line), as: UTF8.self)) else {
      throw .malformed("a memo slot is no number")
    }
    return slot
  }

  /// The bytes up to a newline, which is read too.
  static func line(_ input: inout ByteCursor, _ what: String) throws(TensorIOError) -> [UInt8] {
    var line: [UInt8] = []
    while true {
      guard input.remaining > 0 else {
        throw .malformed("\(what) has no end of line; the file is cut short or damaged")
      }
      let byte = try input.readByte(what)
      if byte == 0x0a { return line }
      line.append(byte)
    }
  }
}
