package import ByteIO
package import Pickle
package import TensorModel

/// Somebody who understands objects of certain Python classes.
package protocol ObjectInterpreter: AnyObject {
  /// The value of an object that the class or function `name` makes, or nil to leave it to others.
  func interpret(
    _ object: Pickle.Object, named name: GlobalName, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation?

  /// The value of a persistent object, or nil to keep the id.
  func interpret(
    persistent id: Pickle.ID, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation?
}

extension ObjectInterpreter {
  package func interpret(
    persistent id: Pickle.ID, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? { nil }
}

/// A value with what Python adds to it.
package struct Interpretation {
  package var node: ValueGraph.Node
  package var traits: ValueGraph.Traits?

  package init(_ node: ValueGraph.Node, _ traits: ValueGraph.Traits? = nil) {
    self.node = node
    self.traits = traits
  }

  package init(_ node: ValueGraph.Node, type: GlobalName) {
    self.init(node, ValueGraph.Traits(type: type))
  }
}

/// Turns the objects of a pickle into values.
///
/// Python's containers and numbers become our own; objects of other classes are offered to the
/// interpreters, and stay inert where nobody knows them. Only what the root leads to is looked at.
package struct PickleDecoder {
  package let pickle: Pickle
  package let limits: DecodingLimits
  /// How Python 2's strings are read.
  package let encoding: LegacyEncoding
  /// The values so far.
  package var graph: ValueGraph
  /// What was odd and accepted.
  package var findings: [Finding] = []
  private let interpreters: [any ObjectInterpreter]
  /// Texts that stand for bytes, as the bytes.
  let encodedTexts = EncodedTexts()
  /// References that were copied out of what several objects share.
  private var copies = 0
  private var duplicates = 0
  /// Bytes of keys that were compared.
  private var keyBytes = 0
  private var known: [UInt32]
  private var pending: [Pickle.ID] = []
  /// What is called by objects that stay as they are, and where; the value follows later.
  private var callees: [(id: ValueGraph.ID, offset: Int)] = []

  /// - Parameter graph: receives the values; its root stays as it is.
  package init(
    _ pickle: Pickle, into graph: consuming ValueGraph = ValueGraph(.none),
    interpreters: [any ObjectInterpreter], options: ReadingOptions
  ) {
    self.pickle = pickle
    self.graph = graph
    self.interpreters = interpreters
    limits = options.limits
    encoding = options.legacyEncoding
    known = Array(repeating: .max, count: pickle.count)
    self.graph.reserve(min(pickle.count, 1 << 21))
  }

  /// Adds everything that the pickle's root leads to.
  package mutating func decode() throws(TensorIOError) -> ValueGraph.ID {
    try decode(pickle.root)
  }

  /// Adds everything that an object leads to.
  package mutating func decode(_ id: Pickle.ID) throws(TensorIOError) -> ValueGraph.ID {
    let root = self.id(of: id)
    while let next = pending.popLast() {
      let place = self.id(of: next)
      let result = try interpretation(of: next)
      graph.replace(place, with: result.node)
      if let traits = result.traits { graph.setTraits(traits, of: place) }
    }
    try requireCallable()
    return root
  }

  /// Refuses calls of what turned out to be bytes, a tensor or a container, as Python does.
  private mutating func requireCallable() throws(TensorIOError) {
    for (id, offset) in callees {
      guard case .object = graph[id] else {
        throw .malformed("a value is called as if it were a function", offset: offset)
      }
    }
    callees = []
  }

  /// The value that an object becomes; its contents follow before decoding ends.
  package mutating func id(of id: Pickle.ID) -> ValueGraph.ID {
    let index = Int(id.index)
    if known[index] == .max {
      let new = graph.add(.none)
      known[index] = new.position
      pending.append(id)
    }
    return ValueGraph.ID(position: known[index])
  }

  private mutating func ids(of ids: [Pickle.ID]) -> [ValueGraph.ID] { ids.map { id(of: $0) } }

  /// Counts references that a call copies: a thousand calls may share one list of a million.
  package mutating func countCopies(_ count: Int) throws(TensorIOError) {
    copies += count
    guard copies <= limits.objectCount else {
      throw .limit(
        "the number of references that calls copy", copies, over: limits.objectCount,
        raise: "objectCount")
    }
  }

  private mutating func interpretation(
    of id: Pickle.ID
  ) throws(TensorIOError) -> Interpretation {
    switch pickle[id] {
    case .none: return Interpretation(.none)
    case .bool(let value): return Interpretation(.bool(value))
    case .int(let value): return Interpretation(.int(value))
    case .bigInteger(let digits): return Interpretation(.bigInteger(digits))
    case .float(let value): return Interpretation(.float(value))
    case .string(let text): return Interpretation(.string(text))
    case .legacyString(let bytes):
      if let text = encoding.text(bytes) {
        return Interpretation(.string(text))
      }
      return Interpretation(.bytes(try HeapBytes(bytes.span)))
    case .bytes(let source): return Interpretation(.bytes(source))
    case .byteArray(let source):
      return Interpretation(.bytes(source), type: PythonTypes.byteArray)
    case .buffer(let index): return Interpretation(.bytes(pickle.buffer(index)))
    case .tuple(let items): return Interpretation(.tuple(ids(of: items)))
    case .list(let items): return Interpretation(.list(ids(of: items)))
    case .set(let items): return Interpretation(.set(ids(of: items)))
    case .frozenSet(let items):
      return Interpretation(.set(ids(of: items)), type: PythonTypes.frozenSet)
    case .dictionary(let pairs): return Interpretation(.dictionary(try self.pairs(pairs)))
    case .global(let name): return Interpretation(.object(.init(.global(name))))
    case .extension(let code): return Interpretation(.object(.init(.extension(code))))
    case .object(let object): return try interpretation(of: object)
    case .persistent(let key):
      for interpreter in interpreters {
        if let result = try interpreter.interpret(persistent: key, &self) { return result }
      }
      return Interpretation(.object(.init(.persistent(self.id(of: key)))))
    }
  }

  private mutating func interpretation(
    of object: Pickle.Object
  ) throws(TensorIOError) -> Interpretation {
    if let name = pickle.global(object.callee) {
      do throws(TensorIOError) {
        for interpreter in interpreters {
          if let result = try interpreter.interpret(object, named: name, &self) { return result }
        }
        if let result = try pythonValue(of: object, named: name.modern) { return result }
      } catch {
        // An offset in the pickle says nothing about another member.
        throw error.place.member == nil ? error.located(in: .init(offset: object.offset)) : error
      }
    }
    return Interpretation(.object(try inert(object)))
  }

  /// An object as the file describes it.
  package mutating func inert(
    _ object: Pickle.Object
  ) throws(TensorIOError) -> ValueGraph.InertObject {
    let callee = id(of: object.callee)
    if pickle.global(object.callee) == nil { callees.append((callee, object.offset)) }
    let arguments = id(of: object.arguments)
    let origin: ValueGraph.InertObject.Origin =
      switch object.construction {
      case .call: .call(callee: callee, arguments: arguments)
      case .new:
        .new(callee: callee, arguments: arguments, keywords: object.keywords.map { id(of: $0) })
      }
    return ValueGraph.InertObject(
      origin, elements: ids(of: object.elements), items: try pairs(object.items),
      states: ids(of: object.states))
  }

  /// Keys and values as Python would hold them: of equal keys the last value counts.
  package mutating func pairs(
    _ pairs: [(key: Pickle.ID, value: Pickle.ID)]
  ) throws(TensorIOError) -> [(key: ValueGraph.ID, value: ValueGraph.ID)] {
    var result: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
    result.reserveCapacity(pairs.count)
    guard pairs.count > 1 else {
      return pairs.map { (id(of: $0.key), id(of: $0.value)) }
    }
    var places: [KeyIdentity: Int] = [:]
    places.reserveCapacity(pairs.count)
    // A long text that many keys share is looked at once.
    var longKeys: [Pickle.ID: Int] = [:]
    for pair in pairs {
      if let place = longKeys[pair.key] {
        noteDuplicate(pair.key)
        result[place].value = id(of: pair.value)
        continue
      }
      let key = KeyIdentity(pair.key, pickle, encoding)
      keyBytes += key.byteCount
      guard keyBytes <= limits.decodedBytes else {
        throw .limit(
          "the bytes of the keys of dictionaries", keyBytes, over: limits.decodedBytes,
          raise: "decodedBytes")
      }
      if let place = places[key] {
        noteDuplicate(pair.key)
        result[place].value = id(of: pair.value)
      } else {
        places[key] = result.count
        if key.byteCount > 256 { longKeys[pair.key] = result.count }
        result.append((id(of: pair.key), id(of: pair.value)))
      }
    }
    return result
  }

  /// So many findings of one kind tell enough.
  private static let mostDuplicates = 100

  private mutating func noteDuplicate(_ id: Pickle.ID) {
    duplicates += 1
    guard duplicates <= Self.mostDuplicates else { return }
    let key = KeyIdentity(id, pickle, encoding)
    findings.append(
      Finding(
        .duplicateKey, "a dictionary has the key \(key) twice; the last value counts"))
  }
}

/// A dictionary key as Python compares it: `1`, `1.0` and `True` are one key, texts are bytes.
private enum KeyIdentity: Hashable, CustomStringConvertible {
  case none
  case number(Int64)
  case float(Double)
  /// Past 64 bits, in decimal.
  case big(String)
  case text(ByteKey)
  case bytes([UInt8])
  case tuple([KeyIdentity])
  /// Python has one object of each name, however often a file names it.
  case global(GlobalName)
  /// Equal to nothing but itself.
  case object(Pickle.ID)

  /// Python compares longer ones too, which nobody uses for keys.
  private static let mostBytes = 1024

  init(_ id: Pickle.ID, _ pickle: Pickle, _ encoding: LegacyEncoding, depth: Int = 0) {
    self = Self.plain(id, pickle, encoding, depth) ?? .object(id)
  }

  private static func plain(
    _ id: Pickle.ID, _ pickle: Pickle, _ encoding: LegacyEncoding, _ depth: Int
  ) -> KeyIdentity? {
    if let items = pickle.tuple(id) {
      // The reader of pickles allows tuples of thousands of parts.
      guard depth < 8, items.count <= 64 else { return nil }
      return .tuple(items.map { KeyIdentity($0, pickle, encoding, depth: depth + 1) })
    }
    // Integers are converted to decimal, which takes the square of their size.
    guard pickle.integerByteCount(id) <= mostBytes else { return nil }
    switch pickle[id] {
    case .none: return KeyIdentity.none
    case .bool(let value): return .number(value ? 1 : 0)
    case .int(let value): return .number(value)
    case .float(let value):
      if let whole = Int64(exactly: value) { return .number(whole) }
      return value == value ? .float(value) : nil
    case .bigInteger(let digits): return .big(digits)
    case .string(let text): return .text(ByteKey(text))
    case .legacyString(let bytes):
      return encoding.text(bytes).map { .text(ByteKey($0)) } ?? .bytes(bytes)
    case .bytes(let source):
      guard source.byteCount <= mostBytes, let bytes = try? source.bytes() else { return nil }
      return .bytes(bytes)
    case .global(let name): return .global(name)
    default: return nil
    }
  }

  /// About how much there is to compare.
  var byteCount: Int {
    switch self {
    case .none, .number, .float, .object: 8
    case .big(let digits): digits.utf8.count * digits.utf8.count / 8
    case .text(let key): key.text.utf8.count
    case .bytes(let bytes): bytes.count
    case .global(let name): name.module.utf8.count + name.name.utf8.count
    case .tuple(let parts): parts.reduce(8) { $0 + $1.byteCount }
    }
  }

  var description: String {
    switch self {
    case .none: "None"
    case .number(let value): "\(value)"
    case .float(let value): "\(value)"
    case .big(let digits): "\(digits.prefix(40))"
    case .text(let key): "'\(String(key.text.prefix(200)).escapedForDisplay)'"
    case .bytes(let bytes): "of \(bytes.count) bytes"
    case .global(let name): name.description.escapedForDisplay
    case .tuple(let parts): "(\(parts.prefix(8).map(\.description).joined(separator: ", ")))"
    case .object: "of an object"
    }
  }
}
