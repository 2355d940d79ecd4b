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

  /// A name that a walk found.
  struct Named: Hashable {
    let name: GlobalName
    /// False where Python may see another name than this: cut short, or not known at all.
    let isCertain: Bool
  }

  /// What a walk found.
  struct Result {
    /// The names at or after the offset that was asked for.
    var globals: [(named: Named, offset: Int)] = []
    /// Whether Python can have got to one of them.
    var reachesName = false
    /// Strings that may be pickles.
    var candidates: [NestedPickle] = []
    /// Behind the last opcode that was understood.
    var end = 0
    /// Whether that was STOP.
    var isComplete = false
  }

  private let faultOffset: Int?
  private var result = Result()
  /// The strings that a STACK_GLOBAL could name, kept only where there was a fault.
  private var texts: [WalkedText] = []
  private var words: [UInt32: WalkedText.Word] = [:]
  private var pairs: Set<UInt64> = []
  private var stack = WalkedStack()
  private var literalCount = 0
  private var seen: Set<Named> = []
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
      let module = WalkedText(opcode: .global, range: step.argument).word(all)
      let name = WalkedText(opcode: .global, range: step.secondLine).word(all)
      // Every Python stops at a line that is no UTF-8.
      if module != .unknown, name != .unknown { add(module, name, at: step.offset) }
    case .stackGlobal:
      guard let pair = stack.pair else { return }
      // One that is used again costs nothing, however long it is.
      let isNew = pairs.insert(UInt64(pair.module) << 32 | UInt64(pair.name)).inserted
      guard isNew else { return }
      let (module, name) = (word(pair.module, all), word(pair.name, all))
      if stack.hasStopped, module == .unknown || name == .unknown { return }
      add(module, name, at: step.offset)
    case .ext1, .ext2, .ext4:
      var code = 0
      for index in step.argument.reversed() { code = code << 8 | Int(all[index]) }
      add(.whole("copyreg"), .whole("extension \(code)"), at: step.offset)
    default: break
    }
  }

  private mutating func word(_ index: UInt32, _ all: Span<UInt8>) -> WalkedText.Word {
    guard index != WalkedStack.unknown else { return .unknown }
    if let word = words[index] { return word }
    let word = texts[Int(index)].word(all)
    words[index] = word
    return word
  }

  private mutating func add(_ module: WalkedText.Word, _ name: WalkedText.Word, at offset: Int) {
    var named = Named(
      name: GlobalName(module.text, name.text), isCertain: module.isWhole && name.isWhole)
    if module == .unknown, name == .unknown {
      named = Named(name: GlobalName("", name.text), isCertain: false)
    }
    if nameBytes > PickleMachine.mostBytesOfNames {
      // There are more than can be told apart.
      named = Named(name: GlobalName("", WalkedText.Word.unknown.text), isCertain: false)
    }
    if !stack.hasStopped { result.reachesName = true }
    guard seen.insert(named).inserted else { return }
    nameBytes += named.name.module.utf8.count + named.name.name.utf8.count
    result.globals.append((named, offset))
  }

  /// Follows the strings on the stack and in the memo, so that STACK_GLOBAL can be named.
  private mutating func remember(_ step: Step, _ all: Span<UInt8>) {
    var text = WalkedStack.unknown
    var slot: UInt64?
    switch step.opcode {
    case .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode,
      .binUnicode8:
      guard texts.count < Self.mostTexts else { break }
      texts.append(WalkedText(opcode: step.opcode, range: step.argument))
      text = UInt32(texts.count - 1)
    case .put, .get: slot = Self.number(all.extracting(step.argument).array)
    case .binPut, .longBinPut, .binGet, .longBinGet:
      slot = step.argument.reversed().reduce(0) { $0 << 8 | UInt64(all[$1]) }
    default: break
    }
    stack.follow(step.opcode, text: text, slot: slot)
  }

  private static let mostTexts = 1 << 22

  /// A number in a line as Python reads it: blanks around it count for nothing.
  private static func number(_ line: [UInt8]) -> UInt64? {
    guard line.count < 64 else { return nil }
    let text = String(decoding: line, as: UTF8.self).split { $0.isWhitespace }
    return text.count == 1 ? UInt64(text[0]) : nil
  }
}
