package import ByteIO

// Looking at what was read.
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
