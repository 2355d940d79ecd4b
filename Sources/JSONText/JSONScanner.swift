package import ByteIO

/// Reads the words of a JSON text one after the other, as RFC 8259 spells them.
package struct JSONScanner {
  package let bytes: [UInt8]
  package private(set) var position = 0

  /// Starts at the first byte.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// An error at the place where the scanner is.
  package func failure(_ reason: String) -> TensorIOError {
    .malformed("the JSON text is broken: \(reason)", offset: position)
  }

  /// The next byte that is no space; nil at the end.
  package mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return bytes[position]
      }
    }
    return nil
  }

  /// Passes over spaces and this byte, if it comes next.
  package mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard let next = peek(), next == UInt8(truncatingIfNeeded: byte.value) else { return false }
    position += 1
    return true
  }

  /// Passes over this byte.
  /// - Throws: `malformed` for the reason when something else comes.
  package mutating func require(
    _ byte: Unicode.Scalar, _ reason: @autoclosure () -> String
  ) throws(TensorIOError) {
    guard take(byte) else { throw failure(reason()) }
  }

  /// Passes over the rest of `true`, `false` or `null`.
  package mutating func word(_ text: String) throws(TensorIOError) {
    guard bytes[position...].starts(with: text.utf8) else { throw failure("an unknown word") }
    position += text.utf8.count
  }

  /// Requires that nothing but spaces is left.
  package mutating func requireEnd() throws(TensorIOError) {
    guard peek() == nil else { throw failure("something follows the value") }
  }

  // MARK: Numbers

  /// A number, as it is written.
  package mutating func number() throws(TensorIOError) -> String {
    let start = position
    _ = takeByte("-")
    if !takeByte("0") { try digits() }
    if takeByte(".") { try digits() }
    if takeByte("e") || takeByte("E") {
      if !takeByte("+") { _ = takeByte("-") }
      try digits()
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// A whole number from 0 on, without a point or an exponent.
  /// - Throws: `malformed` for other values, and past 63 bits.
  package mutating func count(_ what: String) throws(TensorIOError) -> Int {
    _ = peek()
    let start = position
    while position < bytes.count, Self.isDigit(bytes[position]) { position += 1 }
    let digits = bytes[start..<position]
    let isEnd = position == bytes.count || !".eE".utf8.contains(bytes[position])
    guard !digits.isEmpty, digits.count == 1 || digits.first != UInt8(ascii: "0"), isEnd else {
      position = start
      throw failure("\(what) is no whole number from 0 on")
    }
    var value = 0
    for digit in digits {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(digit & 15))
      guard !overflow, !carry else { throw failure("\(what) does not fit in 63 bits") }
      value = sum
    }
    return value
  }

  private mutating func digits() throws(TensorIOError) {
    let start = position
    while position < bytes.count, Self.isDigit(bytes[position]) { position += 1 }
    guard position > start else { throw failure("neither a value nor a number") }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  /// Passes over this byte, without spaces before it.
  private mutating func takeByte(_ byte: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(truncatingIfNeeded: byte.value) else {
      return false
    }
    position += 1
    return true
  }

  // MARK: Texts

  /// A string, of which the quotation mark comes next.
  /// - Parameter reason: what to say when something else comes.
  package mutating func string(
    _ reason: @autoclosure () -> String = "a string is missing"
  ) throws(TensorIOError) -> String {
    try require("\"", reason())
    let start = position
    var all: UInt8 = 0
    while position < bytes.count {
      let byte = bytes[position]
      all |= byte
      switch byte {
      case UInt8(ascii: "\""):
        defer { position += 1 }
        // Nearly all texts, and these need no validation.
        if all < 0x80 { return asciiText(start..<position) }
        return try text(bytes[start..<position])
      case UInt8(ascii: "\\"): return try escapedString(from: start)
      case 0..<0x20: throw failure("a control character in a string")
      default: position += 1
      }
    }
    throw failure("a string is not closed")
  }

  private func asciiText(_ range: Range<Int>) -> String {
    unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }
  }

  private func text(_ units: ArraySlice<UInt8>) throws(TensorIOError) -> String {
    guard let text = String(validating: units, as: UTF8.self) else {
      throw failure("a string is not UTF-8")
    }
    return text
  }

  /// The rest of a string that has escapes.
  private mutating func escapedString(from start: Int) throws(TensorIOError) -> String {
    var units = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return try text(units[...])
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
