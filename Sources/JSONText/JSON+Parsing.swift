package import ByteIO

// Linear in the text; depth, length and the number of values that are kept are limited by the
// caller's limits.

extension JSON {
  /// Parses a whole text.
  /// - Parameter key: the key of the outermost object of which alone what lies under it is kept; nil
  ///   to keep everything.
  /// - Throws: `malformed` with the offset of what is wrong, `limit` for deep nesting, a long text or
  ///   many values.
  package init(
    parsing bytes: [UInt8], keeping key: String? = nil, limits: DecodingLimits
  ) throws(TensorIOError) {
    guard bytes.count / 64 <= limits.headerBytes else {
      throw .limit(
        "the length of the JSON text, in units of 64,", bytes.count / 64 + 1,
        over: limits.headerBytes, raise: "headerBytes")
    }
    var parser = Parser(limits: limits, key: key.map { ByteKey($0) }, isKeeping: key == nil)
    var scanner = JSONScanner(bytes)
    self = try parser.value(&scanner, depth: 0)
    try scanner.requireEnd()
  }

  /// Passes over the next value, whatever it is.
  /// - Throws: as parsing does.
  package static func skip(
    _ scanner: inout JSONScanner, limits: DecodingLimits
  ) throws(TensorIOError) {
    var parser = Parser(limits: limits, key: nil, isKeeping: false)
    _ = try parser.value(&scanner, depth: 0)
  }

  /// The value under a key of an object; of equal keys the last counts.
  package subscript(key: String) -> JSON? {
    guard case .object(let pairs) = self else { return nil }
    return pairs.last { ByteKey($0.key) == ByteKey(key) }?.value
  }

  /// The integer, if it is one.
  package var int: Int? {
    if case .int(let value) = self { return value }
    return nil
  }

  private struct Parser {
    let limits: DecodingLimits
    /// The key of the outermost object whose value is kept; nil to keep all.
    let key: ByteKey?
    /// Whether values are kept, or walked over.
    var isKeeping: Bool
    private var kept = 0

    init(limits: DecodingLimits, key: ByteKey?, isKeeping: Bool) {
      self.limits = limits
      self.key = key
      self.isKeeping = isKeeping
    }

    mutating func value(
      _ scanner: inout JSONScanner, depth: Int
    ) throws(TensorIOError) -> JSON {
      guard depth < limits.nestingDepth else {
        throw .limit(
          "the nesting of JSON", depth + 1, over: limits.nestingDepth, raise: "nestingDepth")
      }
      switch scanner.peek() {
      case nil: throw scanner.failure("it ends too early")
      case UInt8(ascii: "{"): return try object(&scanner, depth)
      case UInt8(ascii: "["): return try array(&scanner, depth)
      case UInt8(ascii: "\""): return .string(try scanner.string())
      case UInt8(ascii: "t"):
        try scanner.word("true")
        return .bool(true)
      case UInt8(ascii: "f"):
        try scanner.word("false")
        return .bool(false)
      case UInt8(ascii: "n"):
        try scanner.word("null")
        return .null
      default: return try number(&scanner)
      }
    }

    private mutating func array(
      _ scanner: inout JSONScanner, _ depth: Int
    ) throws(TensorIOError) -> JSON {
      try scanner.require("[", "an array is missing")
      var items: [JSON] = []
      if scanner.take("]") { return .array(items) }
      repeat {
        let item = try value(&scanner, depth: depth + 1)
        if isKeeping {
          try count()
          items.append(item)
        }
      } while scanner.take(",")
      try scanner.require("]", "an array is not closed")
      return .array(items)
    }

    private mutating func object(
      _ scanner: inout JSONScanner, _ depth: Int
    ) throws(TensorIOError) -> JSON {
      try scanner.require("{", "an object is missing")
      var pairs: [(key: String, value: JSON)] = []
      if scanner.take("}") { return .object(pairs) }
      repeat {
        let key = try scanner.string("a key is no string")
        try scanner.require(":", "a key has no value")
        if depth == 0, let wanted = self.key { isKeeping = ByteKey(key) == wanted }
        let item = try value(&scanner, depth: depth + 1)
        if isKeeping {
          try count()
          pairs.append((key, item))
        }
      } while scanner.take(",")
      try scanner.require("}", "an object is not closed")
      return .object(pairs)
    }

    private mutating func count() throws(TensorIOError) {
      kept += 1
      guard kept <= limits.memberCount else {
        throw .limit(
          "the number of JSON values", kept, over: limits.memberCount, raise: "memberCount")
      }
    }

    private func number(_ scanner: inout JSONScanner) throws(TensorIOError) -> JSON {
      let text = try scanner.number()
      if let value = Int(text) { return .int(value) }
      guard let value = Double(text) else { throw scanner.failure("'\(text)' is no number") }
      return .double(value)
    }
  }
}
