package import ByteIO

/// Every class and function that the pickles in some bytes name, and what else is odd about them.
///
/// Nothing is looked up and nothing is run. Faults do not end the search: names behind one are
/// found by walking over opcodes, and pickles behind the first and inside strings are looked into.
package struct PickleScan: Sendable {
  /// A class or function that is named.
  package struct Use: Sendable {
    /// What is named.
    package let name: GlobalName
    /// What it would do.
    package internal(set) var verdict: GlobalVerdict
    /// The offset of the first opcode that names it.
    ///
    /// For a pickle that is encoded in a string it is that of the string's opcode.
    package let offset: Int
    /// The keys and indexes from the root to the first place where it sits.
    ///
    /// The contents of an object's state are at the object's own place, as is its class; arguments
    /// are `<arg0>` and so on, a state that is no dictionary `<state>`, a key `<key>`, the id of a
    /// persistent object `<id>`.
    package internal(set) var path: [String]
    /// Whether the root leads to it; otherwise it was made and thrown away, or reading failed.
    package internal(set) var isReachable: Bool
  }

  /// The names, each once, in the order of the file; those in strings come last.
  package private(set) var globals: [Use] = []
  /// What was odd and accepted.
  package private(set) var findings: [Finding] = []
  /// The first fault of the pickles that are not inside strings.
  package private(set) var error: TensorIOError?
  /// The offset behind the last pickle that is not inside a string.
  package private(set) var end: Int
  /// How many pickles follow each other.
  package private(set) var pickleCount = 0
  /// Whether this is a pickle, and not data that happen to begin like one.
  package private(set) var isPlausible = false
  /// Whether Python reads it to the end, or to a name at least.
  package private(set) var isRunnable = false
  /// Whether the last one goes on to STOP, perhaps behind a fault.
  package private(set) var isComplete = false

  private var indexes: [GlobalName: Int] = [:]
  private var nestedCount = 0

  /// The names that would do harm.
  package var dangerous: [Use] { globals.filter { $0.verdict == .dangerous } }

  /// Looks through the pickle that begins at `start`, those behind it, and those inside.
  /// - Parameter isAlone: whether the pickle should be the last thing in the source; pass false
  ///   where something else follows, which is then not looked at.
  /// - Throws: `io` when the bytes cannot be loaded; what is wrong with them is in ``error``.
  package static func scan(
    _ source: any ByteSource, from start: Int = 0, isAlone: Bool = true, limits: DecodingLimits
  ) throws(TensorIOError) -> PickleScan {
    let resident: any ByteSource = source.isResident ? source : try source.loaded()
    var scan = PickleScan(end: start)
    try scan.scanAll(resident, limits, isAlone)
    return scan
  }

  private init(end: Int) { self.end = end }

  private mutating func scanAll(
    _ source: any ByteSource, _ limits: DecodingLimits, _ isAlone: Bool
  ) throws(TensorIOError) {
    repeat {
      let part = try Part(source, from: end, limits)
      if pickleCount > 0, !part.isPlausible { break }
      if pickleCount == 0 { (isPlausible, isRunnable) = (part.isPlausible, part.isRunnable) }
      pickleCount += 1
      if pickleCount == 2 {
        findings.append(
          Finding(.secondPickle, "another pickle follows the first", offset: end))
      }
      error = error ?? part.reading.error
      try add(part, Context(source: source, limits: limits))
      end = part.end
      isComplete = part.isComplete
      if !isComplete { return }
    } while isAlone && end < source.byteCount
    if isAlone, end < source.byteCount {
      let count = source.byteCount - end
      findings.append(
        Finding(.trailingBytes, "\(count) bytes follow the pickle", offset: end))
    }
  }

  /// Where a pickle lies that is looked through.
  private struct Context {
    let source: any ByteSource
    let limits: DecodingLimits
    var depth = 0
    /// Added to offsets.
    var base = 0
    /// The one offset for everything in an encoded pickle.
    var fixedOffset: Int?
    var path: [String] = []
    var isReachable = true

    func offset(_ inner: Int) -> Int { fixedOffset ?? base + inner }
  }

  /// How deep pickles in strings in pickles are followed.
  private static let mostDepth = 4
  /// How many pickles in strings are reported.
  private static let mostFindings = 100

  private mutating func add(_ part: Part, _ context: Context) throws(TensorIOError) {
    let reading = part.reading
    let literals = part.literals()
    var paths = PicklePaths(
      of: reading.error == nil ? reading.pickle : Pickle(), finding: Set(literals))
    let verdicts = reading.pickle.verdicts(limits: context.limits)
    for (index, use) in reading.pickle.globals.enumerated() {
      let path = reading.error == nil ? paths.path(ofGlobal: index) : nil
      // Behind a fault there may be more calls of it.
      let isUnseen = reading.error != nil && GlobalJudge.isLoad(use.name)
      add(
        use.name, isUnseen ? .dangerous : verdicts[index], at: context.offset(use.offset),
        path: path, context)
    }
    for (named, offset) in part.walk.globals {
      add(
        named.name, GlobalJudge.unseen(named), at: context.offset(offset), path: nil, context)
    }
    for finding in reading.pickle.findings {
      let offset = finding.offset.map(context.offset)
      findings.append(Finding(finding.code, finding.message, offset: offset))
    }
    guard context.depth < Self.mostDepth else { return }
    for (index, candidate) in part.walk.candidates.enumerated() {
      let path = index < literals.count ? paths.path(ofWanted: literals[index]) : nil
      try addNested(candidate, path, context)
    }
  }

  private mutating func addNested(
    _ candidate: NestedPickle, _ path: [String]?, _ context: Context
  ) throws(TensorIOError) {
    var inner = context
    let source: any ByteSource
    if let range = candidate.range {
      source = SourceSlice.of(context.source, range)
      inner.base += range.lowerBound
    } else {
      source = try HeapBytes(candidate.decoded.span)
      inner.fixedOffset = context.offset(candidate.offset)
    }
    inner = Context(
      source: source, limits: context.limits, depth: context.depth + 1, base: inner.base,
      fixedOffset: inner.fixedOffset, path: context.path + (path ?? []),
      isReachable: context.isReachable && path != nil)
    try addNested(in: inner, at: context.offset(candidate.offset))
  }

  /// All pickles that follow each other in a string; of a PyTorch stream those before its storages.
  private mutating func addNested(
    in context: Context, at offset: Int
  ) throws(TensorIOError) {
    let source = context.source
    var (end, count, isStream, isNoted) = (0, 0, false, false)
    repeat {
      let part = try Part(source, from: end, context.limits)
      if count == 0 { isStream = part.isStreamStart }
      if part.isPayload {
        if !isNoted { noteNested(at: offset) }
        isNoted = true
        try add(part, context)
      } else if count > 0, !part.isPlausible {
        return
      } else if part.isComplete, !part.walk.candidates.isEmpty {
        try add(part, context)
      }
      count += 1
      end = part.end
      if !part.isComplete { return }
    } while end < source.byteCount && !(isStream && count == Pickle.streamCount)
  }

  private mutating func noteNested(at offset: Int) {
    nestedCount += 1
    guard nestedCount <= Self.mostFindings else { return }
    findings.append(
      Finding(.nestedPickle, "a string holds a pickle of its own", offset: offset))
  }

  private mutating func add(
    _ name: GlobalName, _ verdict: GlobalVerdict, at offset: Int, path: [String]?,
    _ context: Context
  ) {
    let isReachable = path != nil && context.isReachable
    let path = isReachable ? context.path + (path ?? []) : []
    if let index = indexes[name] {
      if verdict == .dangerous { globals[index].verdict = .dangerous }
      if isReachable, !globals[index].isReachable {
        globals[index].path = path
        globals[index].isReachable = true
      }
      return
    }
    indexes[name] = globals.count
    globals.append(
      Use(
        name: name, verdict: verdict, offset: offset, path: path, isReachable: isReachable))
  }
}

/// One pickle, run on paper and walked over.
private struct Part {
  let reading: Pickle.Reading
  let walk: OpcodeWalk.Result

  init(
    _ source: any ByteSource, from start: Int, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    let reading = try Pickle.attempt(source, from: start, limits: limits)
    let fault = reading.error == nil ? nil : reading.end
    let walk = unsafe try source.withResidentBytes {
      (region) throws(TensorIOError) -> OpcodeWalk.Result in
      let all = unsafe Span<UInt8>(_unsafeBytes: region)
      return OpcodeWalk.walk(all, from: start, faultOffset: fault)
    }
    self.reading = reading
    self.walk = walk ?? OpcodeWalk.Result()
  }

  /// Whether STOP was reached, by the machine or by walking.
  var isComplete: Bool { walk.isComplete }
  /// Behind the last opcode.
  var end: Int { walk.end }

  private var namesDanger: Bool {
    reading.pickle.globals.contains { GlobalJudge.unseen($0.name) == .dangerous }
      || walk.globals.contains { GlobalJudge.unseen($0.named) == .dangerous }
  }

  /// Whether Python names something before it stops, if it does.
  private var reachesName: Bool { !reading.pickle.globals.isEmpty || walk.reachesName }

  /// Whether this is the first pickle of a legacy stream of PyTorch.
  var isStreamStart: Bool { reading.error == nil && reading.pickle.isStreamStart }

  /// Whether bytes behind a pickle are another one, and not data that happen to look like it.
  ///
  /// What stops us need not stop Python: one that goes on to STOP and has names is a pickle.
  var isPlausible: Bool {
    reading.error == nil || isComplete && reachesName || namesDanger
  }

  /// Whether a string is a pickle that does something.
  ///
  /// A broken one does what stands before the fault.
  var isPayload: Bool {
    reading.error == nil ? !reading.pickle.globals.isEmpty : isPlausible
  }

  /// Whether Python reads it to the end, or to a name at least.
  var isRunnable: Bool { reading.error == nil || reachesName }

  /// The objects that the candidates became, in their order; none after a fault.
  func literals() -> [UInt32] {
    guard reading.error == nil, !walk.candidates.isEmpty else { return [] }
    var found: [UInt32] = []
    var count = 0
    for (index, record) in reading.pickle.records.enumerated() {
      switch record.kind {
      case .string, .legacyString, .bytes, .byteArray:
        if found.count < walk.candidates.count, walk.candidates[found.count].literal == count {
          found.append(UInt32(index))
        }
        count += 1
      default: break
      }
    }
    return found
  }
}
