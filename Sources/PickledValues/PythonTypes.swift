package import ByteIO
package import Pickle
internal import TensorModel

/// Python's own classes that are values here.
package enum PythonTypes {
  package static let orderedDictionary = GlobalName("collections", "OrderedDict")
  package static let frozenSet = GlobalName("builtins", "frozenset")
  package static let byteArray = GlobalName("builtins", "bytearray")
  static let counter = GlobalName("collections", "Counter")
  static let defaultDictionary = GlobalName("collections", "defaultdict")
  static let set = GlobalName("builtins", "set")
  static let bytes = GlobalName("builtins", "bytes")
  static let complex = GlobalName("builtins", "complex")
  static let encode = GlobalName("_codecs", "encode")
}

extension PickleDecoder {
  /// The value of an object of Python's own classes, or nil for other objects and for calls that
  /// Python itself does not write.
  mutating func pythonValue(
    of object: Pickle.Object, named name: GlobalName
  ) throws(TensorIOError) -> Interpretation? {
    guard object.keywords == nil, let arguments = pickle.tuple(object.arguments) else { return nil }
    switch name {
    case PythonTypes.orderedDictionary, PythonTypes.counter, PythonTypes.defaultDictionary:
      return try dictionary(object, name, arguments)
    case PythonTypes.set, PythonTypes.frozenSet:
      return try setValue(object, name, arguments)
    case PythonTypes.complex:
      guard isPlain(object), arguments.count == 2, case .float(let real) = pickle[arguments[0]],
        case .float(let imaginary) = pickle[arguments[1]]
      else { return nil }
      return Interpretation(.complex(real, imaginary))
    case PythonTypes.bytes:
      guard isPlain(object), arguments.isEmpty else { return nil }
      return Interpretation(.bytes(try HeapBytes([UInt8]().span)))
    case PythonTypes.byteArray:
      guard isPlain(object) else { return nil }
      return try byteArray(arguments)
    case PythonTypes.encode:
      guard isPlain(object), let bytes = try encodedBytes(arguments) else { return nil }
      return Interpretation(.bytes(bytes))
    default: return nil
    }
  }

  /// Whether nothing is added to an object after its construction.
  package func isPlain(_ object: Pickle.Object) -> Bool {
    object.states.isEmpty && object.items.isEmpty && object.elements.isEmpty
  }

  private mutating func dictionary(
    _ object: Pickle.Object, _ name: GlobalName, _ arguments: Pickle.Items
  ) throws(TensorIOError) -> Interpretation? {
    guard object.elements.isEmpty else { return nil }
    var traits = ValueGraph.Traits(type: name)
    var items: [(key: Pickle.ID, value: Pickle.ID)] = []
    if name == PythonTypes.defaultDictionary {
      guard arguments.count <= 1 else { return nil }
      traits.arguments = arguments.map { id(of: $0) }
    } else if let first = arguments.first {
      guard arguments.count == 1 else { return nil }
      if let entries = pickle.list(first) {
        try countCopies(entries.count)
        // Python 2 writes [[key, value], …].
        for entry in entries {
          guard let pair = pickle.list(entry) ?? pickle.tuple(entry), pair.count == 2 else {
            return nil
          }
          items.append((pair[0], pair[1]))
        }
      } else {
        guard case .dictionary(let pairs) = pickle[first] else { return nil }
        try countCopies(pairs.count)
        items = pairs
      }
    }
    traits.states = object.states.map { id(of: $0) }
    return Interpretation(.dictionary(try pairs(items + object.items)), traits)
  }

  private mutating func setValue(
    _ object: Pickle.Object, _ name: GlobalName, _ arguments: Pickle.Items
  ) throws(TensorIOError) -> Interpretation? {
    guard object.items.isEmpty, object.states.isEmpty, arguments.count <= 1 else { return nil }
    var items: [ValueGraph.ID] = []
    if let first = arguments.first {
      guard let elements = pickle.list(first) ?? pickle.tuple(first) else { return nil }
      try countCopies(elements.count)
      items = elements.map { id(of: $0) }
    }
    items += object.elements.map { id(of: $0) }
    return name == PythonTypes.set
      ? Interpretation(.set(items)) : Interpretation(.set(items), type: name)
  }

  private func byteArray(_ arguments: Pickle.Items) throws(TensorIOError) -> Interpretation? {
    if arguments.isEmpty {
      return Interpretation(.bytes(try HeapBytes([UInt8]().span)), type: PythonTypes.byteArray)
    }
    let bytes =
      arguments.count == 1 ? try byteString(arguments[0]) : try encodedBytes(arguments)
    guard let bytes else { return nil }
    return Interpretation(.bytes(bytes), type: PythonTypes.byteArray)
  }

  /// The bytes that an object stands for in any protocol: a byte string, a Python 2 string, or text
  /// that is encoded as Latin-1.
  package func byteString(_ id: Pickle.ID) throws(TensorIOError) -> (any ByteSource)? {
    if let bytes = try pickle.bytes(id) { return bytes }
    if case .buffer(let index) = pickle[id] { return pickle.buffer(index) }
    guard case .object(let object) = pickle[id], isPlain(object),
      let arguments = pickle.tuple(object.arguments),
      let name = pickle.global(object.callee)?.modern
    else { return nil }
    if name == PythonTypes.bytes, arguments.isEmpty { return try HeapBytes([UInt8]().span) }
    return name == PythonTypes.encode ? try encodedBytes(arguments) : nil
  }

  private func encodedBytes(_ arguments: Pickle.Items) throws(TensorIOError) -> HeapBytes? {
    guard arguments.count == 2, let encoding = pickle.string(arguments[1]),
      ["latin1", "latin-1"].contains(encoding)
    else { return nil }
    if let known = encodedTexts[arguments[0]] { return known }
    guard case .string(let text) = pickle[arguments[0]] else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else {
        throw .malformed("text that stands for bytes has a character past U+00FF")
      }
      bytes.append(byte)
    }
    let result = try HeapBytes(bytes.span)
    encodedTexts[arguments[0]] = result
    return result
  }
}

/// The bytes of texts that calls encode: many calls may share one text.
final class EncodedTexts {
  private var known: [Pickle.ID: HeapBytes] = [:]

  subscript(text: Pickle.ID) -> HeapBytes? {
    get { known[text] }
    set { known[text] = newValue }
  }
}
