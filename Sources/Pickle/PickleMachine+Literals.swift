internal import ByteIO

// Numbers, text and bytes.
extension PickleMachine {
  mutating func literal(_ opcode: Opcode, _ input: inout ByteCursor) throws(TensorIOError) {
    switch opcode {
    case .binInt1: try pushInt(Int64(try input.readByte("an integer")))
    case .binInt2: try pushInt(Int64(try input.readInteger("an integer", as: UInt16.self)))
    case .binInt:
      let value = try input.readInteger("an integer", as: UInt32.self)
      try pushInt(Int64(Int32(bitPattern: value)))
    case .binFloat:
      let bits = try input.readInteger("a float", as: UInt64.self).byteSwapped
      try push(Pickle.Record(kind: .float, b: bits))
    case .long1, .long4:
      let count = try Self.count(opcode, &input)
      try pushLong(try input.read(count, "an integer"))
    case .shortBinString, .binString:
      let count = try Self.count(opcode, &input)
      try pushText(.legacyString, try input.read(count, "a string"))
    case .shortBinUnicode, .binUnicode, .binUnicode8:
      let count = try Self.count(opcode, &input)
      try pushText(.string, try input.read(count, "a string"))
    case .shortBinBytes, .binBytes, .binBytes8, .byteArray8:
      let count = try Self.count(opcode, &input)
      let start = input.offset
      _ = try input.read(count, "bytes")
      let run = Pickle.Run(source: 0, range: start..<start + count)
      try push(pickle.addRun(opcode == .byteArray8 ? .byteArray : .bytes, run))
    default: try textLiteral(opcode, try Self.line(&input, "a value in text"))
    }
  }

  private mutating func pushInt(_ value: Int64) throws(TensorIOError) {
    try push(Pickle.Record(kind: .int, b: UInt64(bitPattern: value)))
  }

  /// The length before a counted argument, which is checked when the bytes are read.
  private static func count(
    _ opcode: Opcode, _ input: inout ByteCursor
  ) throws(TensorIOError) -> Int {
    guard case .counted(let width) = opcode.argument else { return 0 }
    switch width {
    case 1: return Int(try input.readByte("a length"))
    case 4:
      let length = try input.readInteger("a length", as: UInt32.self)
      // The two oldest have signed lengths.
      guard opcode != .long4 && opcode != .binString || length <= UInt32(Int32.max) else {
        throw .malformed("a length is negative")
      }
      return Int(length)
    default: return try Int(fromFile: input.readInteger("a length", as: UInt64.self), "a length")
    }
  }

  private mutating func pushLong(_ bytes: Span<UInt8>) throws(TensorIOError) {
    guard bytes.count > 8 else {
      var value: UInt64 = 0
      for index in bytes.indices { value |= UInt64(bytes[index]) << (8 * UInt64(index)) }
      let unused = UInt64(64 - 8 * bytes.count)
      // Shifted up and down again, the sign fills the rest.
      return try pushInt(bytes.count == 0 ? 0 : Int64(bitPattern: value << unused) >> unused)
    }
    guard bytes.count <= DecimalInteger.mostBytes else {
      throw .unsupported(
        "an integer of \(bytes.count) bytes; \(DecimalInteger.mostBytes) are the most that are read"
      )
    }
    var digits = bytes.array
    // Redundant sign bytes may hide a number that fits.
    while digits.count > 8, let last = digits.last,
      (last == 0 && digits[digits.count - 2] < 0x80)
        || (last == 0xff && digits[digits.count - 2] >= 0x80)
    {
      digits.removeLast()
    }
    if digits.count <= 8 { return try pushLong(digits.span) }
    try push(pickle.addText(.bigInt, digits))
  }

  private mutating func pushText(
    _ kind: Pickle.Kind, _ bytes: Span<UInt8>
  ) throws(TensorIOError) {
    guard pickle.text.count + bytes.count <= limits.decodedBytes, bytes.count < Int(UInt32.max)
    else {
      throw .limit(
        "the text of the pickle in bytes", pickle.text.count + bytes.count,
        over: limits.decodedBytes, raise: "decodedBytes")
    }
    let start = pickle.text.count
    let isASCII = unsafe bytes.withUnsafeBytes { source in
      unsafe pickle.text.append(contentsOf: source)
      return unsafe source.allSatisfy { $0 < 0x80 }
    }
    if kind == .string, !isASCII { _ = try Self.validText(pickle.text[start...], "a string") }
    try push(
      pickle.add(Pickle.Record(kind: kind, a: UInt32(bytes.count), b: UInt64(start))))
  }

  /// UTF-8 as text; Python lets lone surrogates through, which no other program could print.
  static func validText(
    _ bytes: ArraySlice<UInt8>, _ what: String
  ) throws(TensorIOError) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    throw .malformed("\(what) is not UTF-8, or has a lone surrogate")
  }

  private mutating func textLiteral(
    _ opcode: Opcode, _ line: [UInt8]
  ) throws(TensorIOError) {
    switch opcode {
    // Two characters that make 0 or 1 are a bool.
    case .int where line.count == 2 && Self.smallNumber(line) == 0: try push(.false)
    case .int where line.count == 2 && Self.smallNumber(line) == 1: try push(.true)
    case .int, .long: try pushDecimal(Self.trimmed(line), isLong: opcode == .long)
    case .float:
      let text = Self.trimmed(line)
      guard let value = Double(String(decoding: text, as: UTF8.self)),
        value.isFinite || !text.contains(where: { (0x30...0x39).contains($0) })
      else { throw .malformed("a float is no number, or too large a one") }
      try push(Pickle.Record(kind: .float, b: value.bitPattern))
    case .string:
      let bytes = try PickleText.unquoted(line)
      try pushText(.legacyString, bytes.span)
    default:
      let bytes = Array(try PickleText.rawUnicode(line).utf8)
      try pushText(.string, bytes.span)
    }
  }

  private static func smallNumber(_ line: [UInt8]) -> Int? {
    Int(String(decoding: trimmed(line), as: UTF8.self))
  }

  /// A number without the white space that Python allows around it.
  static func trimmed(_ line: [UInt8]) -> ArraySlice<UInt8> {
    let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0d).contains(byte) }
    var rest = line.drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest
  }

  private mutating func pushDecimal(_ line: ArraySlice<UInt8>, isLong: Bool) throws(TensorIOError) {
    var digits = line
    if isLong, digits.last == 0x4c { digits.removeLast() }
    let isNegative = digits.first == 0x2d
    if isNegative || digits.first == 0x2b { digits.removeFirst() }
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw .malformed("an integer is no number")
    }
    // Python's two readers differ: one takes 010 for 8, the other for 10.
    guard digits.first != 0x30 || digits.allSatisfy({ $0 == 0x30 }) else {
      throw .unsupported("an integer with leading zeros")
    }
    digits = digits.drop { $0 == 0x30 }
    guard digits.count <= DecimalInteger.mostDigits else {
      throw .unsupported(
        "an integer of \(digits.count) digits; \(DecimalInteger.mostDigits) are the most "
          + "that are read")
    }
    let text =
      (isNegative ? "-" : "") + (digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self))
    if let value = Int64(text) { return try pushInt(value) }
    try push(pickle.addText(.decimal, text.utf8))
  }
}

/// The escapes of protocol 0's text.
enum PickleText {
  /// The bytes of a Python 2 string literal.
  static func unquoted(_ line: [UInt8]) throws(TensorIOError) -> [UInt8] {
    guard line.count >= 2, let quote = line.first, quote == 0x27 || quote == 0x22,
      line.last == quote
    else { throw .malformed("a string has no quotes") }
    var bytes: [UInt8] = []
    var rest = line[1..<line.count - 1]
    while let byte = rest.popFirst() {
      guard byte == 0x5c else {
        bytes.append(byte)
        continue
      }
      bytes += try escape(&rest)
    }
    return bytes
  }

  private static let simple: [UInt8: UInt8] = [
    0x5c: 0x5c, 0x27: 0x27, 0x22: 0x22, 0x61: 7, 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9,
    0x76: 11,
  ]

  private static func escape(_ rest: inout ArraySlice<UInt8>) throws(TensorIOError) -> [UInt8] {
    guard let kind = rest.popFirst() else {
      throw .malformed("a string ends inside an escape")
    }
    if let byte = simple[kind] { return [byte] }
    switch kind {
    case 0x78:
      guard rest.count >= 2, let value = hexadecimal(rest.prefix(2)) else {
        throw .malformed("a string has a broken \\x escape")
      }
      rest = rest.dropFirst(2)
      return [UInt8(truncatingIfNeeded: value)]
    case 0x30...0x37:
      var value = Int(kind - 0x30)
      for _ in 0..<2 {
        guard let digit = rest.first, (0x30...0x37).contains(digit) else { break }
        value = value * 8 + Int(digit - 0x30)
        rest.removeFirst()
      }
      return [UInt8(truncatingIfNeeded: value)]
    default: return [0x5c, kind]
    }
  }

  /// Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
  static func rawUnicode(_ line: [UInt8]) throws(TensorIOError) -> String {
    var text = String.UnicodeScalarView()
    var rest = line[...]
    while let byte = rest.popFirst() {
      guard byte == 0x5c, let kind = rest.first, kind == 0x75 || kind == 0x55 else {
        text.append(Unicode.Scalar(byte))
        // A backslash guards the next: \\u is no escape.
        if byte == 0x5c, let next = rest.popFirst() { text.append(Unicode.Scalar(next)) }
        continue
      }
      let width = kind == 0x75 ? 4 : 8
      let digits = rest.dropFirst().prefix(width)
      guard digits.count == width, let value = hexadecimal(digits),
        let scalar = Unicode.Scalar(value)
      else { throw .malformed("a string has a broken \\u escape, or a lone surrogate") }
      text.append(scalar)
      rest = rest.dropFirst(1 + width)
    }
    return String(text)
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
    guard digits.allSatisfy({ $0 != 0x2b && $0 != 0x2d }) else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
