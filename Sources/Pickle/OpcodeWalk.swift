internal import ByteIO

/// Goes from opcode to opcode without running any.
///
/// It finds names where the machine has given up, and strings that hold pickles of their own.
struct OpcodeWalk {
  /// One opcode with its argument.
  struct Step {
    let opcode: Opcode
    /// Where the opcode is.
    let offset: Int
    /// Where its argument is, without lengths and newlines; of two lines the first.
    let argument: Range<Int>
    /// Where the second line is.
    let secondLine: Range<Int>
  }

  /// What a walk found.
  struct Result {
    /// The names at or after the offset that was asked for.
    var globals: [(name: GlobalName, offset: Int)] = []
    /// Strings that may be pickles.
    var candidates: [NestedPickle] = []
    /// Behind the last opcode that was understood.
    var end = 0
    /// Whether that was STOP.
    var isComplete = false
  }

  /// A string that the walk has seen.
  private struct Text {
    let opcode: Opcode
    let range: Range<Int>
  }

  private let faultOffset: Int?
  private var result = Result()
  /// The strings that a STACK_GLOBAL would name, kept only where there was a fault.
  private var texts: [Text] = []
  private var memo = PickleMemo()
  /// The texts on top of the stack as far as a walk can know, by index; `.max` is something else.
  private var recent: [UInt32] = []
  private var literalCount = 0
  private var seen: Set<GlobalName> = []
  private var nameBytes = 0

  private init(faultOffset: Int?) { self.faultOffset = faultOffset }

  /// Walks from `start` to STOP or to what is no opcode.
  /// - Parameter faultOffset: where the machine stopped, if it did; from there on names are noted.
  static func walk(
    _ all: Span<UInt8>, from start: Int, faultOffset: Int?
  ) -> Result {
    var walk = OpcodeWalk(faultOffset: faultOffset)
    var input = ByteCursor(all.extracting(start...), baseOffset: start)
    walk.result.end = start
    while input.remaining > 0, let step = try? next(&input) {
      walk.result.end = input.offset
      walk.note(step, all)
      if step.opcode == .stop {
        walk.result.isComplete = true
        break
      }
    }
    return walk.result
  }

  /// The next opcode and where its argument is.
  static func next(_ input: inout ByteCursor) throws(TensorIOError) -> Step {
    let offset = input.offset
    let opcode = try PickleMachine.opcode(&input, of: Opcode.byByte)
    var argument = input.offset..<input.offset
    var second = argument
    switch opcode.argument {
    case .nothing: break
    case .fixed(let count):
      _ = try input.read(count, "an argument")
      argument = argument.lowerBound..<input.offset
    case .lines(let count):
      argument = try line(&input)
      if count == 2 { second = try line(&input) }
    case .counted(let width):
      var length: UInt64 = 0
      for index in 0..<width {
        length |= UInt64(try input.readInteger("a length", as: UInt8.self)) << (8 * UInt64(index))
      }
      let start = input.offset
      _ = try input.read(try Int(fromFile: length, "a length"), "an argument")
      argument = start..<input.offset
    }
    return Step(opcode: opcode, offset: offset, argument: argument, secondLine: second)
  }

  private static func line(_ input: inout ByteCursor) throws(TensorIOError) -> Range<Int> {
    let start = input.offset
    while try input.readInteger("a line", as: UInt8.self) != 0x0a {}
    return start..<input.offset - 1
  }

  private mutating func note(_ step: Step, _ all: Span<UInt8>) {
    if let kind = NestedPickle.Kind(step.opcode) {
      let payload = all.extracting(step.argument)
      if let candidate = NestedPickle(payload, kind, step, literal: literalCount) {
        result.candidates.append(candidate)
      }
      literalCount += 1
    } else if step.opcode == .persID {
      // The machine makes a string of it.
      literalCount += 1
    }
    guard let faultOffset else { return }
    if step.offset >= faultOffset { noteNames(step, all) }
    remember(step, all)
  }

  private mutating func noteNames(_ step: Step, _ all: Span<UInt8>) {
    switch step.opcode {
    case .global, .inst:
      add(Self.text(step.argument, all), Self.text(step.secondLine, all), at: step.offset)
    case .stackGlobal:
      let names = recent.suffix(2).map { text($0, all) }
      if names.count == 2 { add(names[0], names[1], at: step.offset) }
    case .ext1, .ext2, .ext4:
      var code = 0
      for index in step.argument.reversed() { code = code << 8 | Int(all[index]) }
      add("copyreg", "extension \(code)", at: step.offset)
    default: break
    }
  }

  private mutating func add(_ module: String?, _ name: String?, at offset: Int) {
    guard let module, let name else { return }
    let global = GlobalName(module, name)
    let size = module.utf8.count + name.utf8.count
    guard size <= PickleMachine.mostNameBytes, nameBytes <= PickleMachine.mostBytesOfNames,
      seen.insert(global).inserted
    else { return }
    nameBytes += size
    result.globals.append((global, offset))
  }

  /// Follows the strings on the stack and in the memo, so that STACK_GLOBAL can be named.
  private mutating func remember(_ step: Step, _ all: Span<UInt8>) {
    switch step.opcode {
    case .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode,
      .binUnicode8:
      texts.append(Text(opcode: step.opcode, range: step.argument))
      push(UInt32(truncatingIfNeeded: texts.count - 1))
    case .put, .binPut, .longBinPut:
      if let slot = slot(step, all) { memo.set(slot, to: recent.last ?? Self.nothing) }
    case .memoize: memo.set(UInt64(memo.count), to: recent.last ?? Self.nothing)
    case .get, .binGet, .longBinGet: push(slot(step, all).flatMap { memo[$0] } ?? Self.nothing)
    case .dup: push(recent.last ?? Self.nothing)
    case .frame, .proto, .pop, .mark: break
    default: push(Self.nothing)
    }
  }

  /// Not `.max`, which the memo takes for an empty slot.
  private static let nothing = UInt32.max - 1

  private mutating func push(_ index: UInt32) {
    if recent.count == 8 { recent.removeFirst() }
    recent.append(index)
  }

  private func slot(_ step: Step, _ all: Span<UInt8>) -> UInt64? {
    if case .lines = step.opcode.argument {
      return Self.text(step.argument, all).flatMap { UInt64($0) }
    }
    return step.argument.reversed().reduce(0) { $0 << 8 | UInt64(all[$1]) }
  }

  private func text(_ index: UInt32, _ all: Span<UInt8>) -> String? {
    guard index != Self.nothing, Int(index) < texts.count else { return nil }
    let text = texts[Int(index)]
    guard text.range.count <= 8 * PickleMachine.mostNameBytes else { return nil }
    switch text.opcode {
    case .string:
      guard let bytes = try? PickleText.unquoted(all.extracting(text.range).array) else {
        return nil
      }
      return String(validating: bytes, as: UTF8.self)
    case .unicode: return try? PickleText.rawUnicode(all.extracting(text.range).array)
    default: return Self.text(text.range, all)
    }
  }

  /// UTF-8 of the length of a name.
  private static func text(_ range: Range<Int>, _ all: Span<UInt8>) -> String? {
    guard range.count <= PickleMachine.mostNameBytes else { return nil }
    return String(validating: all.extracting(range).array, as: UTF8.self)
  }
}
