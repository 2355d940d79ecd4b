import ByteIO
import Pickle

/// Compares two pickles object by object: what they hold and share, and where they go in circles.
///
/// What protocols 2 and 3 have to say with a call (sets, bytes) counts as what it stands for.
struct Structure {
  private enum Shape {
    /// Something without parts and without an identity that anybody could notice.
    case atom(String, [UInt8] = [])
    /// Something with parts.
    case node(String, [Pickle.ID], [UInt8] = [])
  }

  /// The first difference between what two roots lead to, or nil.
  static func difference(_ left: Pickle, _ right: Pickle) -> String? {
    var pending = [(left.root, right.root)]
    var there: [Pickle.ID: Pickle.ID] = [:]
    var back: [Pickle.ID: Pickle.ID] = [:]
    while let (first, second) = pending.popLast() {
      if there[first] != nil || back[second] != nil {
        if there[first] == second, back[second] == first { continue }
        // Atoms and empty tuples may be written once or often.
        if there[first] != nil, back[second] != nil {
          return "objects \(first.index) and \(second.index) are shared differently"
        }
      }
      switch (shape(left, first), shape(right, second)) {
      case (.atom(let one, let bytes), .atom(let other, let others)):
        if one != other || bytes != others { return "\(one) \(bytes) and \(other) \(others)" }
      case (.node(let one, let parts, let bytes), .node(let other, let others, let otherBytes)):
        guard one == other, bytes == otherBytes, parts.count == others.count else {
          return "\(one) of \(parts.count) and \(other) of \(others.count)"
        }
        guard there[first] == nil, back[second] == nil else {
          return "a \(one) is shared in one place only"
        }
        there[first] = second
        back[second] = first
        pending += zip(parts, others).reversed()
      case (let one, let other): return "\(one) and \(other)"
      }
    }
    return nil
  }

  private static func shape(_ pickle: Pickle, _ id: Pickle.ID) -> Shape {
    switch pickle[id] {
    case .none: .atom("None")
    case .bool(let value): .atom("\(value)")
    case .int(let value): .atom("int \(value)")
    case .bigInteger(let digits): .atom("int \(digits)")
    case .float(let value): .atom("float \(value.bitPattern)")
    case .string(let text): .atom("str", Array(text.utf8))
    case .legacyString(let bytes): .atom("legacy", bytes)
    case .bytes(let source): .atom("bytes", (try? source.bytes()) ?? [])
    case .byteArray(let source): .node("bytearray", [], (try? source.bytes()) ?? [])
    case .buffer(let index): .atom("buffer \(index)")
    case .global(let name): .atom("\(name.modern.module) \(name.modern.name)")
    case .extension(let code): .atom("extension \(code)")
    case .tuple(let items): items.isEmpty ? .atom("()") : .node("tuple", items)
    case .list(let items): .node("list", items)
    case .set(let items): .node("set", items)
    case .frozenSet(let items): .node("frozenset", items)
    case .dictionary(let pairs): .node("dict", pairs.flatMap { [$0.key, $0.value] })
    case .persistent(let key): .node("persistent", [key])
    case .object(let object): shape(pickle, object)
    }
  }

  private static func shape(_ pickle: Pickle, _ object: Pickle.Object) -> Shape {
    let arguments = pickle.tuple(object.arguments) ?? Pickle.Items()
    let isBare = object.states.isEmpty && object.elements.isEmpty && object.items.isEmpty
    if object.construction == .call, isBare, let first = arguments.first,
      let name = pickle.global(object.callee)?.modern
    {
      switch (name.module, name.name, pickle[first]) {
      case ("builtins", "set", .list(let items)): return .node("set", items)
      case ("builtins", "frozenset", .list(let items)): return .node("frozenset", items)
      case ("builtins", "bytearray", let value):
        if let bytes = bytes(pickle, value) { return .node("bytearray", [], bytes) }
      default:
        if let bytes = bytes(pickle, .object(object)) { return .atom("bytes", bytes) }
      }
    }
    let parts = [object.callee, object.arguments] + [object.keywords].compactMap { $0 }
    let items = object.items.flatMap { [$0.key, $0.value] }
    return .node(
      "\(object.construction) \(object.keywords != nil) \(object.elements.count) \(items.count)",
      parts + object.elements + items + object.states)
  }

  /// Bytes as they are, or as text in a call of `_codecs.encode`.
  private static func bytes(_ pickle: Pickle, _ value: Pickle.Value) -> [UInt8]? {
    if case .bytes(let source) = value { return try? source.bytes() }
    guard case .object(let object) = value,
      pickle.global(object.callee) == GlobalName("_codecs", "encode"),
      let arguments = pickle.tuple(object.arguments), arguments.count == 2,
      pickle.string(arguments[1]) == "latin1", let text = pickle.string(arguments[0])
    else { return nil }
    return text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
  }
}
