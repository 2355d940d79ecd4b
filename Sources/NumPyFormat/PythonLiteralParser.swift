internal import ByteIO

/// Parses what `ast.literal_eval` accepts: a grammar of its own, nothing is evaluated.
///
///     value   = string+ | number | True | False | None | tuple | list | dict | set
///     number  = [sign] (integer | float | imaginary) [sign imaginary]
///
/// Whitespace, comments and line ends may stand between tokens inside brackets.
struct PythonLiteralParser {
  private let text: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  private let limits: DecodingLimits
  /// Whether `L` after an integer is dropped, as NumPy does for headers of Python 2.
  private let acceptsLongSuffix: Bool
  /// Whether an `L` was dropped.
  private(set) var foundLongSuffix = false

  init(_ text: String, acceptsLongSuffix: Bool, limits: DecodingLimits) {
    self.text = Array(text.unicodeScalars)
    self.acceptsLongSuffix = acceptsLongSuffix
    self.limits = limits
  }

  /// Parses the whole text as one value.
  mutating func parse() throws(TensorIOError) -> PythonLiteral {
    skipBlanks()
    let value = try parseValue()
    skipBlanks()
    guard position == text.count else { throw failure("something follows the value") }
    return value
  }

  // MARK: Tokens

  private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

  private func peek(_ distance: Int) -> Unicode.Scalar? {
    position + distance < text.count ? text[position + distance] : nil
  }

  private func failure(_ reason: String) -> TensorIOError {
    let rest = String(String.UnicodeScalarView(text.dropFirst(position).prefix(24)))
    return .malformed(
      "the header is no Python literal: \(reason) at character \(position)"
        + (rest.isEmpty ? " (the end)" : ", before '\(rest.escapedForDisplay)'"))
  }

  private mutating func skipBlanks() {
    while let scalar = next {
      switch scalar {
      case " ", "\t", "\n", "\r", "\u{0C}": position += 1
      case "\\":
        guard peek(1) == "\n" || peek(1) == "\r" else { return }
        position += 2
      case "#":
        while let inside = next, inside != "\n", inside != "\r" { position += 1 }
      default: return
      }
    }
  }

  private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    skipBlanks()
    return true
  }

  // MARK: Values

  private mutating func parseValue() throws(TensorIOError) -> PythonLiteral {
    guard let scalar = next else { throw failure("a value is missing") }
    switch scalar {
    case "{", "[", "(":
      guard depth < limits.nestingDepth else {
        throw .limit(
          "the nesting of the header", depth + 1, over: limits.nestingDepth, raise: "nestingDepth")
      }
      depth += 1
      defer { depth -= 1 }
      position += 1
      skipBlanks()
      switch scalar {
      case "{": return try parseBraces()
      case "[": return .list(try parseItems(until: "]").items)
      default:
        let (items, sawComma) = try parseItems(until: ")")
        if items.count == 1, !sawComma, let item = items.first { return item }
        return .tuple(items)
      }
    case "+", "-", "0"..."9", ".": return try parseNumber()
    default:
      if startsString { return try parseStrings() }
      return try parseName()
    }
  }

  private mutating func parseItems(
    until close: Unicode.Scalar
  ) throws(TensorIOError) -> (items: [PythonLiteral], sawComma: Bool) {
    var items: [PythonLiteral] = []
    var sawComma = false
    while !skip(close) {
      if !items.isEmpty {
        guard skip(",") else { throw failure("a comma or '\(close)' is missing") }
        sawComma = true
        if skip(close) { break }
      }
      items.append(try parseValue())
      skipBlanks()
    }
    return (items, sawComma)
  }

  private mutating func parseBraces() throws(TensorIOError) -> PythonLiteral {
    var entries: [PythonLiteral: PythonLiteral] = [:]
    var duplicates: [PythonLiteral] = []
    var isSet = false
    var count = 0
    while !skip("}") {
      if count > 0 {
        guard skip(",") else { throw failure("a comma or '}' is missing") }
        if skip("}") { break }
      }
      let key = try parseValue()
      skipBlanks()
      if count == 0 { isSet = next != ":" }
      count += 1
      if isSet { continue }
      guard skip(":") else { throw failure("a colon is missing") }
      switch key {
      case .list, .dictionary, .set: throw failure("\(key.kind) cannot be a key")
      default: break
      }
      if entries.updateValue(try parseValue(), forKey: key) != nil { duplicates.append(key) }
      skipBlanks()
    }
    return isSet ? .set : .dictionary(entries, duplicates: duplicates)
  }

  private mutating func parseName() throws(TensorIOError) -> PythonLiteral {
    let start = position
    while let scalar = next, scalar.isIdentifierPart { position += 1 }
    switch String(String.UnicodeScalarView(text[start..<position])) {
    case "True": return .bool(true)
    case "False": return .bool(false)
    case "None": return .none
    default:
      position = start
      throw failure("this is no literal")
    }
  }

  // MARK: Numbers

  private mutating func parseNumber() throws(TensorIOError) -> PythonLiteral {
    let first = try parseSignedNumber()
    skipBlanks()
    // A complex number is the sum of a real and an imaginary one.
    guard next == "+" || next == "-" else { return first }
    position += 1
    skipBlanks()
    _ = try parseSignedNumber()
    guard peek(-1) == "j" || peek(-1) == "J" else { throw failure("sums are not literals") }
    return .number
  }

  private mutating func parseSignedNumber() throws(TensorIOError) -> PythonLiteral {
    let negative = next == "-"
    if negative || next == "+" {
      position += 1
      skipBlanks()
    }
    let start = position
    while let scalar = next, scalar.isNumberPart { position += 1 }
    // An exponent's sign belongs to the number: 1e-5.
    if let sign = next, sign == "+" || sign == "-", peek(-1) == "e" || peek(-1) == "E",
      !(start < position && text[start] == "0" && text[start + 1] == "x")
    {
      position += 1
      while let scalar = next, scalar.isNumberPart { position += 1 }
    }
    let digits = String(String.UnicodeScalarView(text[start..<position]))
    let value = try number(digits, negative: negative, at: start)
    if acceptsLongSuffix { skipLongSuffix() }
    return value
  }

  private mutating func number(
    _ digits: String, negative: Bool, at start: Int
  ) throws(TensorIOError) -> PythonLiteral {
    var (body, radix) = (digits, 10)
    for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)]
    where digits.lowercased().hasPrefix(prefix) {
      (body, radix) = (String(digits.dropFirst(2)), value)
      // `0x_ff` is legal.
      if body.hasPrefix("_") { body.removeFirst() }
    }
    // An upper-case L may still cling to the digits here.
    if acceptsLongSuffix, body.hasSuffix("L") {
      body.removeLast()
      foundLongSuffix = true
    }
    let groups = body.split(separator: "_", omittingEmptySubsequences: false)
    let plain = groups.joined()
    if !groups.contains(""), plain.utf8.allSatisfy({ $0.digitValue < radix }) {
      // Python refuses 007 but takes 000.
      if radix == 10, plain.hasPrefix("0"), !plain.utf8.allSatisfy({ $0 == 0x30 }) {
        position = start
        throw failure("leading zeros are not allowed")
      }
      return Int((negative ? "-" : "") + plain, radix: radix).map { .int($0) } ?? .bigInteger
    }
    let isImaginary = plain.hasSuffix("j") || plain.hasSuffix("J")
    let real = isImaginary ? String(plain.dropLast()) : plain
    if radix == 10, !groups.contains(""), Double(real) != nil,
      real.utf8.allSatisfy({ $0.digitValue < 10 || "+-.eE".utf8.contains($0) })
    {
      return .number
    }
    position = start
    throw failure("this is no number")
  }

  private mutating func skipLongSuffix() {
    let start = position
    skipBlanks()
    if next == "L", !(peek(1)?.isIdentifierPart ?? false) {
      position += 1
      foundLongSuffix = true
    } else {
      position = start
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isIdentifierPart: Bool { properties.isXIDContinue }
  /// Digits, letters of hexadecimal and of suffixes, underscores and the decimal point.
  fileprivate var isNumberPart: Bool { isASCII && (isIdentifierPart || self == ".") }
}

extension UInt8 {
  /// The value of an ASCII digit or letter; 255 for anything else.
  fileprivate var digitValue: Int {
    switch self {
    case 0x30...0x39: Int(self) - 0x30
    case 0x41...0x5a: Int(self) - 0x41 + 10
    case 0x61...0x7a: Int(self) - 0x61 + 10
    default: 255
    }
  }
}

// MARK: Strings

extension PythonLiteralParser {
  /// Whether a string literal, with or without a prefix, starts here.
  private var startsString: Bool { stringPrefix != nil }

  /// The length of the prefix, whether it says bytes, and whether it says raw.
  private var stringPrefix: (length: Int, isBytes: Bool, isRaw: Bool)? {
    var (length, isBytes, isRaw, isText) = (0, false, false, false)
    while let scalar = peek(length), scalar != "'", scalar != "\"" {
      switch scalar {
      case "b", "B": if isBytes || isText { return nil } else { isBytes = true }
      case "r", "R": if isRaw || isText { return nil } else { isRaw = true }
      case "u", "U": if isBytes || isRaw || isText { return nil } else { isText = true }
      default: return nil
      }
      length += 1
    }
    return peek(length) == nil ? nil : (length, isBytes, isRaw)
  }

  /// One or more adjacent string literals, which Python joins.
  private mutating func parseStrings() throws(TensorIOError) -> PythonLiteral {
    var joined = String.UnicodeScalarView()
    var sawBytes: Bool?
    while let prefix = stringPrefix {
      guard sawBytes == nil || sawBytes == prefix.isBytes else {
        throw failure("bytes and str literals cannot be joined")
      }
      sawBytes = prefix.isBytes
      position += prefix.length
      joined.append(contentsOf: try parseQuoted(isRaw: prefix.isRaw))
      skipBlanks()
    }
    return sawBytes == true ? .bytes : .string(String(joined))
  }

  private mutating func parseQuoted(
    isRaw: Bool
  ) throws(TensorIOError) -> String.UnicodeScalarView {
    guard let quote = next else { throw failure("a string is missing") }
    let isTriple = peek(1) == quote && peek(2) == quote
    position += isTriple ? 3 : 1
    var content = String.UnicodeScalarView()
    while let scalar = next {
      if scalar == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
        position += isTriple ? 3 : 1
        return content
      }
      position += 1
      if scalar == "\\" {
        if isRaw {
          content.append(scalar)
          if let escaped = next {
            content.append(escaped)
            position += 1
          }
        } else {
          try parseEscape(into: &content)
        }
      } else if !isTriple, scalar == "\n" || scalar == "\r" {
        throw failure("the string is not closed on its line")
      } else {
        content.append(scalar)
      }
    }
    throw failure("the string is not closed")
  }

  private mutating func parseEscape(
    into content: inout String.UnicodeScalarView
  ) throws(TensorIOError) {
    guard let scalar = next else { throw failure("the string is not closed") }
    position += 1
    let simple: [Unicode.Scalar: Unicode.Scalar] = [
      "\\": "\\", "'": "'", "\"": "\"", "a": "\u{07}", "b": "\u{08}", "f": "\u{0C}", "n": "\n",
      "r": "\r", "t": "\t", "v": "\u{0B}",
    ]
    if let plain = simple[scalar] {
      content.append(plain)
      return
    }
    switch scalar {
    case "\n": return
    case "\r": if next == "\n" { position += 1 }
    case "0"..."7":
      position -= 1
      content.append(try parseCode(radix: 8, minimum: 1, maximum: 3))
    case "x": content.append(try parseCode(radix: 16, minimum: 2, maximum: 2))
    case "u": content.append(try parseCode(radix: 16, minimum: 4, maximum: 4))
    case "U": content.append(try parseCode(radix: 16, minimum: 8, maximum: 8))
    case "N": throw failure("\\N{…} names are not read")
    default:
      // Python keeps the backslash of an escape that it does not know.
      content.append("\\")
      content.append(scalar)
    }
  }

  private mutating func parseCode(
    radix: UInt32, minimum: Int, maximum: Int
  ) throws(TensorIOError) -> Unicode.Scalar {
    var (code, count): (UInt32, Int) = (0, 0)
    while count < maximum, let scalar = next, scalar.isASCII,
      UInt8(truncatingIfNeeded: scalar.value).digitValue < radix
    {
      code = code * radix + UInt32(UInt8(truncatingIfNeeded: scalar.value).digitValue)
      position += 1
      count += 1
    }
    guard count >= minimum, let scalar = Unicode.Scalar(code) else {
      throw failure("the escape is no character")
    }
    return scalar
  }
}
