/// Text as Python's `repr` and `str` write it.
enum PythonText {
  /// A tuple of integers: `()`, `(3,)`, `(2, 3)`.
  static func tuple(_ values: [Int]) -> String {
    let list = values.map { String($0) }.joined(separator: ", ")
    return values.count == 1 ? "(\(list),)" : "(\(list))"
  }

  /// The `repr` of a float: the shortest digits that read back, with an exponent below 0.0001 and
  /// from 1e16 on.
  static func float(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    let sign = value.sign == .minus ? "-" : ""
    if value.isInfinite { return sign + "inf" }
    let digits = FloatDigits(
      BinaryFloat(value), .init(isShortest: true, latest: nil, earliest: nil))
    if (-4..<16).contains(digits.exponent) {
      let (whole, fraction) = digits.wholeAndFraction
      return sign + whole + "." + (fraction.isEmpty ? "0" : fraction)
    }
    let (first, rest) = digits.firstAndRest
    return sign + first + (rest.isEmpty ? "" : "." + rest)
      + exponentSuffix(digits.exponent, minimumDigits: 2)
  }

  /// The literal of a string, quotes included.
  static func literal(_ text: String) -> String {
    let quote = quoteMark(text.utf8)
    var result = String.UnicodeScalarView()
    result.append(quote)
    for scalar in text.unicodeScalars {
      if let escape = commonEscape(scalar, quote: quote) {
        result.append(contentsOf: escape.unicodeScalars)
      } else if isPrintable(scalar) {
        result.append(scalar)
      } else {
        let (mark, digits) =
          scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
        let escape = "\\" + mark + hexadecimal(scalar.value, digits: digits)
        result.append(contentsOf: escape.unicodeScalars)
      }
    }
    result.append(quote)
    return String(result)
  }

  /// The literal of bytes: `b'a\xff'`.
  static func literal(_ bytes: [UInt8]) -> String {
    let quote = quoteMark(bytes)
    var result = "b\(quote)"
    for byte in bytes {
      let scalar = Unicode.Scalar(byte)
      if let escape = commonEscape(scalar, quote: quote) {
        result += escape
      } else if (0x20..<0x7f).contains(byte) {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\x" + hexadecimal(UInt32(byte), digits: 2)
      }
    }
    return result + "\(quote)"
  }

  /// Bytes as NumPy writes those of a void: every one in hexadecimal, in capitals.
  static func voidLiteral(_ bytes: [UInt8]) -> String {
    "b'" + bytes.map { "\\x" + hexadecimal(UInt32($0), digits: 2).uppercased() }.joined() + "'"
  }

  /// The quote that Python picks: a double one only where that saves an escape.
  private static func quoteMark(_ text: some Sequence<UInt8>) -> Unicode.Scalar {
    var hasSingle = false
    for byte in text {
      if byte == UInt8(ascii: "\"") { return "'" }
      if byte == UInt8(ascii: "'") { hasSingle = true }
    }
    return hasSingle ? "\"" : "'"
  }

  private static func commonEscape(_ scalar: Unicode.Scalar, quote: Unicode.Scalar) -> String? {
    switch scalar {
    case "\\": "\\\\"
    case quote: "\\\(quote)"
    case "\t": "\\t"
    case "\n": "\\n"
    case "\r": "\\r"
    default: nil
    }
  }

  /// Whether Python's `repr` shows the code point itself.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7f }
    return switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      false
    default: true
    }
  }

  private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(digits - text.utf8.count, 0)) + text
  }
}
