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
    var parser = Parser(bytes: bytes, limits: limits, key: key.map { ByteKey($0) })
    self = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == bytes.count else {
      throw parser.failure("something follows the value")
    }
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
    let bytes: [UInt8]
    let limits: DecodingLimits
    /// The key of the outermost object whose value is kept; nil to keep all.
    let key: ByteKey?
    var position = 0
    /// Whether values are kept, or walked over.
    private var isKeeping: Bool
    private var kept = 0

    init(bytes: [UInt8], limits: DecodingLimits, key: ByteKey?) {
      self.bytes = bytes
      self.limits = limits
      self.key = key
      isKeeping = key == nil
    }

    func failure(_ reason: String) -> TensorIOError {
      .malformed("the JSON text is broken: \(reason)", offset: position)
    }

    mutating func skipSpace() {
      while position < bytes.count {
        switch bytes[position] {
        case 0x20, 0x09, 0x0a, 0x0d: position += 1
        default: return
        }
      }
    }

    mutating func value(depth: Int) throws(TensorIOError) -> JSON {
      guard depth < limits.nestingDepth else {
        throw .limit(
          "the nesting of JSON", depth + 1, over: limits.nestingDepth, raise: "nestingDepth")
      }
      skipSpace()
      guard position < bytes.count else { throw failure("it ends too early") }
      switch bytes[position] {
      case UInt8(ascii: "{"): return try object(depth)
      case UInt8(ascii: "["): return try array(depth)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t"): return try word("true", .bool(true))
      case UInt8(ascii: "f"): return try word("false", .bool(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      default: return try number()
      }
    }

    private mutating func word(_ text: String, _ value: JSON) throws(TensorIOError) -> JSON {
      guard bytes[position...].starts(with: text.utf8) else { throw failure("an unknown word") }
      position += text.utf8.count
      return value
    }

    private mutating func take(_ byte: UInt8) -> Bool {
      skipSpace()
      guard position < bytes.count, bytes[position] == byte else { return false }
      position += 1
      return true
    }

    private mutating func array(_ depth: Int) throws(TensorIOError) -> JSON {
      position += 1
      var items: [JSON] = []
      if take(UInt8(ascii: "]")) { return .array(items) }
      repeat {
        let item = try value(depth: depth + 1)
        if isKeeping {
          try count()
          items.append(item)
        }
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "]")) else { throw failure("an array is not closed") }
      return .array(items)
    }

    private mutating func object(_ depth: Int) throws(TensorIOError) -> JSON {
      position += 1
      var pairs: [(key: String, value: JSON)] = []
      if take(UInt8(ascii: "}")) { return .object(pairs) }
      repeat {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
          throw failure("a key is no string")
        }
        let key = try string()
        guard take(UInt8(ascii: ":")) else { throw failure("a key has no value") }
        if depth == 0, let wanted = self.key { isKeeping = ByteKey(key) == wanted }
        let item = try value(depth: depth + 1)
        if isKeeping {
          try count()
          pairs.append((key, item))
        }
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { throw failure("an object is not closed") }
      return .object(pairs)
    }

    private mutating func count() throws(TensorIOError) {
      kept += 1
      guard kept <= limits.memberCount else {
        throw .limit(
          "the number of JSON values", kept, over: limits.memberCount, raise: "memberCount")
      }
    }

    private mutating func number() throws(TensorIOError) -> JSON {
      let start = position
      while position < bytes.count, Self.isOfNumber(bytes[position]) { position += 1 }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      if let value = Int(text), !text.hasPrefix("+") { return .int(value) }
      guard let value = Double(text) else { throw failure("'\(text)' is no value") }
      return .double(value)
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }

    private mutating func string() throws(TensorIOError) -> String {
      position += 1
      var units: [UInt8] = []
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""):
          guard let text = String(validating: units, as: UTF8.self) else {
            throw failure("a string is not UTF-8")
          }
          return text
        case UInt8(ascii: "\\"): units += try escape()
        case 0..<0x20: throw failure("a control character in a string")
        default: units.append(byte)
        }
      }
      throw failure("a string is not closed")
    }

    private static let simple: [UInt8: UInt8] = [
      0x22: 0x22, 0x5c: 0x5c, 0x2f: 0x2f, 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9,
    ]

    private mutating func escape() throws(TensorIOError) -> [UInt8] {
      guard position < bytes.count else { throw failure("it ends inside an escape") }
      let kind = bytes[position]
      position += 1
      if let byte = Self.simple[kind] { return [byte] }
      guard kind == UInt8(ascii: "u") else { throw failure("an unknown escape") }
      var code = try unit()
      if (0xd800..<0xdc00).contains(code), bytes[position...].starts(with: [0x5c, 0x75]) {
        position += 2
        let low = try unit()
        guard (0xdc00..<0xe000).contains(low) else { throw failure("a lone surrogate") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("a lone surrogate") }
      return Array(String(Character(scalar)).utf8)
    }

    private mutating func unit() throws(TensorIOError) -> UInt32 {
      let digits = bytes[position...].prefix(4)
      guard digits.count == 4, digits.allSatisfy({ $0 != 0x2b && $0 != 0x2d }),
        let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
      else { throw failure("a broken escape") }
      position += 4
      return code
    }
  }
}
