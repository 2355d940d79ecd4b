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
  var meanings: [GlobalName] = []
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
