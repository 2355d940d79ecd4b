package import ByteIO

/// The objects of a pickle, as the instructions describe them, with nothing looked up and nothing
/// run.
///
/// Objects lie in one array, 16 bytes each, and refer to each other by index: depth costs no stack,
/// shared objects keep their identity, and cycles are plain numbers. Classes, calls and persistent
/// ids stay what they are in the file: names with arguments.
package struct Pickle: Sendable {
  /// The index of an object.
  package struct ID: Sendable, Hashable {
    package let index: UInt32
  }

  /// The outermost object.
  package internal(set) var root = ID(index: 0)
  /// Every class and function that the file names, in order of first use.
  package internal(set) var globals: [GlobalUse] = []
  /// What was odd and accepted.
  package internal(set) var findings: [Finding] = []

  var records: [Record] = []
  /// The contents of tuples and of the segments of lists, dictionaries and sets.
  var children: [UInt32] = []
  var segments: [Segment] = []
  var chains: [Chain] = []
  var objects: [ObjectRecord] = []
  /// UTF-8 and other bytes of strings, big integers and short byte strings.
  var text: [UInt8] = []
  var runs: [Run] = []
  var sources: [any ByteSource] = []
  private var globalIndexes: [GlobalName: UInt32] = [:]
  /// The names of ``globals`` as Python 3 knows them.
  private var meanings: [GlobalName] = []
  /// Whether the names that come next may be those of Python 2, as in protocols 0 to 2.
  var hasOldNames = false
  /// Whether the parts lie in the order in which a file added them.
  var isRead = false
  /// The bytes of all different names.
  private(set) var nameBytes = 0

  /// An arena without objects.
  package init() {}

  /// A class or function that a pickle names.
  package struct GlobalUse: Sendable {
    /// What is named.
    package let name: GlobalName
    /// The offset of the first opcode that names it.
    package let offset: Int
  }

  enum Kind: UInt8 {
    case none, `false`, `true`, int, bigInt, decimal, float
    case string, legacyString, bytes, byteArray, buffer
    case tuple, list, dictionary, set, frozenSet
    case global, `extension`, object, persistent
  }

  struct Record {
    var kind: Kind
    var a: UInt32 = 0
    var b: UInt64 = 0
  }

  struct Segment {
    var start: UInt32
    var count: UInt32
    var next: UInt32
  }

  struct Chain {
    var head: UInt32
    var tail: UInt32
    var count: UInt32
  }

  struct Run {
    var source: Int
    var range: Range<Int>
  }

  struct ObjectRecord {
    var construction: Construction
    var callee: UInt32
    var arguments: UInt32
    var keywords: UInt32
    /// The offset of the opcode, as far as 32 bits go.
    var offset: UInt32 = 0
    // Chains, counted from 1; 0 is an empty one.
    var states: UInt32 = 0
    var elements: UInt32 = 0
    var items: UInt32 = 0
  }

  /// How an object comes to be.
  package enum Construction: UInt8, Sendable {
    /// `callee(*arguments)`: REDUCE, INST, OBJ.
    case call
    /// `callee.__new__(callee, *arguments, **keywords)`: NEWOBJ, NEWOBJ_EX.
    case new
  }

  /// An object that only Python could build.
  package struct Object: Sendable {
    package let construction: Construction
    /// The class or function, or an object that stands for one.
    package let callee: ID
    /// A tuple.
    package let arguments: ID
    /// A dictionary.
    package let keywords: ID?
    /// What BUILD hands to the object, in order; nearly always one or none.
    package let states: [ID]
    /// What is appended to the object.
    package let elements: [ID]
    /// What is assigned to keys of the object.
    package let items: [(key: ID, value: ID)]
    /// The offset of the opcode that makes the object.
    package let offset: Int

    /// An object to be filled later.
    package init(construction: Construction, callee: ID, arguments: ID, keywords: ID?) {
      self.init(
        construction: construction, callee: callee, arguments: arguments, keywords: keywords,
        states: [], elements: [], items: [], offset: 0)
    }

    init(
      construction: Construction, callee: ID, arguments: ID, keywords: ID?, states: [ID],
      elements: [ID], items: [(key: ID, value: ID)], offset: Int
    ) {
      self.construction = construction
      self.callee = callee
      self.arguments = arguments
      self.keywords = keywords
      self.states = states
      self.elements = elements
      self.items = items
      self.offset = offset
    }
  }

  /// One object.
  package enum Value: Sendable {
    case none
    case bool(Bool)
    case int(Int64)
    /// An integer past 64 bits, in decimal.
    case bigInteger(String)
    case float(Double)
    case string(String)
    /// A Python 2 `str`: bytes that may be text.
    case legacyString([UInt8])
    case bytes(any ByteSource)
    case byteArray(any ByteSource)
    /// A buffer outside the pickle, by its number.
    case buffer(Int)
    case tuple([ID])
    case list([ID])
    case dictionary([(key: ID, value: ID)])
    case set([ID])
    case frozenSet([ID])
    case global(GlobalName)
    /// A class from Python's extension registry, by its code.
    case `extension`(Int)
    case object(Object)
    /// An object that the caller of the pickle machine knows by this id.
    case persistent(ID)
  }
}

extension Pickle {
  /// The number of objects, those that nothing refers to included.
  package var count: Int { records.count }

  /// The ids of all objects in the order in which they were made.
  package var ids: LazyMapSequence<Range<UInt32>, ID> {
    (0..<UInt32(records.count)).lazy.map { ID(index: $0) }
  }

  /// The object.
  package subscript(id: ID) -> Value {
    let record = records[Int(id.index)]
    switch record.kind {
    case .none: return .none
    case .false: return .bool(false)
    case .true: return .bool(true)
    case .int: return .int(Int64(bitPattern: record.b))
    case .bigInt: return .bigInteger(DecimalInteger.text(twosComplement: textBytes(record)))
    case .decimal: return .bigInteger(String(decoding: textBytes(record), as: UTF8.self))
    case .float: return .float(Double(bitPattern: record.b))
    case .string: return .string(String(decoding: textBytes(record), as: UTF8.self))
    case .legacyString: return .legacyString(Array(textBytes(record)))
    case .bytes: return .bytes(source(record))
    case .byteArray: return .byteArray(source(record))
    case .buffer: return .buffer(Int(record.a))
    case .tuple: return .tuple(tuple(record))
    case .list: return .list(elements(ofChain: record.a))
    case .dictionary: return .dictionary(pairs(ofChain: record.a))
    case .set: return .set(elements(ofChain: record.a))
    case .frozenSet: return .frozenSet(tuple(record))
    case .global: return .global(meanings[Int(record.a)])
    case .extension: return .extension(Int(record.a))
    case .object: return .object(object(record.a))
    case .persistent: return .persistent(ID(index: record.a))
    }
  }

  /// The items of a tuple, in place.
  ///
  /// Thousands of calls may share one tuple of thousands: looking at it must not copy it.
  package struct Items: RandomAccessCollection, Sendable {
    private let parts: ArraySlice<UInt32>

    init(_ parts: ArraySlice<UInt32>) { self.parts = parts }

    /// No items.
    package init() { parts = [] }

    package var startIndex: Int { 0 }
    package var endIndex: Int { parts.count }
    package subscript(index: Int) -> ID { ID(index: parts[parts.startIndex + index]) }
  }

  /// The items of a tuple, or nil for another object.
  package func tuple(_ id: ID) -> Items? {
    let record = records[Int(id.index)]
    return record.kind == .tuple ? Items(parts(record)) : nil
  }

  /// An integer of at most 64 bits, or nil for another object.
  package func int(_ id: ID) -> Int? {
    let record = records[Int(id.index)]
    return record.kind == .int ? Int(Int64(bitPattern: record.b)) : nil
  }

  /// The bytes that an integer past 64 bits takes in the pickle; 0 for other objects.
  package func integerByteCount(_ id: ID) -> Int {
    let record = records[Int(id.index)]
    return record.kind == .bigInt || record.kind == .decimal ? Int(record.a) : 0
  }

  /// The text of a string, or nil for another object.
  ///
  /// Python 2 strings are read as UTF-8 where they are.
  package func string(_ id: ID) -> String? {
    let record = records[Int(id.index)]
    switch record.kind {
    case .string: return String(decoding: textBytes(record), as: UTF8.self)
    case .legacyString: return String(validating: textBytes(record), as: UTF8.self)
    default: return nil
    }
  }

  /// The name of a class or function, or nil for another object; where Python 2 had another name in
  /// a module that Python 3 has not, it is Python 3's.
  package func global(_ id: ID) -> GlobalName? {
    let record = records[Int(id.index)]
    return record.kind == .global ? meanings[Int(record.a)] : nil
  }

  /// The bytes of a byte string or Python 2 string, or nil for another object.
  package func bytes(_ id: ID) throws(TensorIOError) -> (any ByteSource)? {
    let record = records[Int(id.index)]
    switch record.kind {
    case .bytes, .byteArray: return source(record)
    case .legacyString:
      let copy = Array(textBytes(record))
      return try HeapBytes(copy.span)
    default: return nil
    }
  }

  func textBytes(_ record: Record) -> ArraySlice<UInt8> {
    text[Int(record.b)..<Int(record.b) + Int(record.a)]
  }

  private func source(_ record: Record) -> any ByteSource {
    let run = runs[Int(record.a)]
    return SourceSlice.of(sources[run.source], run.range)
  }

  /// The elements of a list, or nil for another object; in place where they were added at once.
  package func list(_ id: ID) -> Items? {
    let record = records[Int(id.index)]
    guard record.kind == .list else { return nil }
    guard record.a > 0 else { return Items() }
    let chain = chains[Int(record.a) - 1]
    guard chain.head == chain.tail else {
      return Items(elements(ofChain: record.a).map(\.index)[...])
    }
    let segment = segments[Int(chain.head)]
    return Items(children[Int(segment.start)..<Int(segment.start + segment.count)])
  }

  private func parts(_ record: Record) -> ArraySlice<UInt32> {
    children[Int(record.b)..<Int(record.b) + Int(record.a)]
  }

  private func tuple(_ record: Record) -> [ID] { parts(record).map { ID(index: $0) } }

  private func object(_ index: UInt32) -> Object {
    let record = objects[Int(index)]
    return Object(
      construction: record.construction, callee: ID(index: record.callee),
      arguments: ID(index: record.arguments),
      keywords: record.keywords == .max ? nil : ID(index: record.keywords),
      states: elements(ofChain: record.states), elements: elements(ofChain: record.elements),
      items: pairs(ofChain: record.items), offset: Int(record.offset))
  }

  private func elements(ofChain index: UInt32) -> [ID] {
    guard index > 0 else { return [] }
    let chain = chains[Int(index) - 1]
    var result: [ID] = []
    result.reserveCapacity(Int(chain.count))
    var next = chain.head
    while next != .max {
      let segment = segments[Int(next)]
      for child in children[Int(segment.start)..<Int(segment.start + segment.count)] {
        result.append(ID(index: child))
      }
      next = segment.next
    }
    return result
  }

  /// Where the last part of a container or object lies among all parts, which is in order of time.
  func endOfParts(_ id: ID) -> UInt32 {
    let record = records[Int(id.index)]
    let chains: [UInt32]
    switch record.kind {
    case .list, .dictionary, .set: chains = [record.a]
    case .object:
      let object = objects[Int(record.a)]
      chains = [object.elements, object.items, object.states]
    default: chains = []
    }
    return chains.filter { $0 > 0 }.map { chain in
      let last = segments[Int(self.chains[Int(chain) - 1].tail)]
      return last.start + last.count
    }.max() ?? 0
  }

  private func pairs(ofChain index: UInt32) -> [(key: ID, value: ID)] {
    let flat = elements(ofChain: index)
    return stride(from: 0, to: flat.count - 1, by: 2).map { (flat[$0], flat[$0 + 1]) }
  }
}

extension Pickle {
  /// Makes room for what a pickle of so many bytes can at most hold, within reason.
  ///
  /// Growing by doubling would need three times the memory for a moment; room that is not used costs
  /// nothing.
  mutating func reserve(forBytes count: Int) {
    let most = min(count, 1 << 22)
    text.reserveCapacity(min(count, 1 << 26))
    records.reserveCapacity(most / 2)
    children.reserveCapacity(most / 2)
  }

  mutating func add(_ record: Record) -> ID {
    records.append(record)
    return ID(index: UInt32(truncatingIfNeeded: records.count - 1))
  }

  mutating func addText(_ kind: Kind, _ bytes: some Collection<UInt8>) -> ID {
    let start = text.count
    text.append(contentsOf: bytes)
    return add(
      Record(kind: kind, a: UInt32(truncatingIfNeeded: text.count - start), b: UInt64(start)))
  }

  mutating func addRun(_ kind: Kind, _ run: Run) -> ID {
    runs.append(run)
    return add(Record(kind: kind, a: UInt32(truncatingIfNeeded: runs.count - 1)))
  }

  mutating func addTuple(_ kind: Kind, _ items: ArraySlice<UInt32>) -> ID {
    let start = children.count
    children.append(contentsOf: items)
    return add(Record(kind: kind, a: UInt32(items.count), b: UInt64(start)))
  }

  mutating func addGlobal(_ name: GlobalName, offset: Int) -> ID {
    let index =
      globalIndexes[name]
      ?? {
        globals.append(GlobalUse(name: name, offset: offset))
        meanings.append(hasOldNames ? OldNames.readable(name) : name)
        nameBytes += name.module.utf8.count + name.name.utf8.count
        return UInt32(globals.count - 1)
      }()
    globalIndexes[name] = index
    return add(Record(kind: .global, a: index))
  }

  mutating func addObject(_ object: ObjectRecord) -> ID {
    objects.append(object)
    return add(Record(kind: .object, a: UInt32(objects.count - 1)))
  }

  /// Adds `items` to the end of a chain and returns it; chain 0 is empty and replaced by a new one.
  mutating func append(_ items: ArraySlice<UInt32>, toChain chain: UInt32) -> UInt32 {
    guard !items.isEmpty else { return chain }
    let start = UInt32(children.count)
    let count = UInt32(items.count)
    children.append(contentsOf: items)
    guard chain > 0 else {
      segments.append(Segment(start: start, count: count, next: .max))
      let segment = UInt32(segments.count - 1)
      chains.append(Chain(head: segment, tail: segment, count: count))
      return UInt32(chains.count)
    }
    let index = Int(chain) - 1
    let tail = Int(chains[index].tail)
    chains[index].count += count
    if segments[tail].start + segments[tail].count == start {
      segments[tail].count += count
    } else {
      segments.append(Segment(start: start, count: count, next: .max))
      segments[tail].next = UInt32(segments.count - 1)
      chains[index].tail = UInt32(segments.count - 1)
    }
    return chain
  }
}
