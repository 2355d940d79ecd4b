internal import ByteIO

/// A string in a pickle that begins as a pickle does, as it is or in one of the usual disguises.
struct NestedPickle {
  /// How the bytes of an opcode's argument are to be read.
  enum Kind {
    case bytes, text, quoted, escaped

    /// nil for opcodes that make no string.
    init?(_ opcode: Opcode) {
      switch opcode {
      case .binBytes, .shortBinBytes, .binBytes8, .byteArray8, .binString, .shortBinString:
        self = .bytes
      case .binUnicode, .shortBinUnicode, .binUnicode8: self = .text
      case .string: self = .quoted
      case .unicode: self = .escaped
      default: return nil
      }
    }
  }

  /// Where the pickle lies as it is, or nil where it had to be decoded.
  let range: Range<Int>?
  /// The pickle that was decoded.
  let decoded: [UInt8]
  /// The offset of the opcode.
  let offset: Int
  /// Which of all strings it is, counted from 0.
  let literal: Int

  /// The most bytes of a string that is decoded to be looked into.
  static let mostBytes = 64 << 20

  /// nil where the payload does not begin as a pickle of protocols 2 to 5 does.
  init?(_ payload: Span<UInt8>, _ kind: Kind, _ step: OpcodeWalk.Step, literal: Int) {
    guard payload.count > 3 else { return nil }
    offset = step.offset
    self.literal = literal
    if kind == .bytes, Self.isPickle(payload[0], payload[1]) {
      range = step.argument
      decoded = []
      return
    }
    guard payload.count <= Self.mostBytes else { return nil }
    range = nil
    switch kind {
    case .bytes: decoded = Self.disguised(payload) ?? []
    case .text: decoded = Self.latin(payload) ?? Self.disguised(payload) ?? []
    case .quoted, .escaped:
      // One look at the first bytes, so that most strings are never decoded.
      let first = payload[kind == .quoted ? 1 : 0]
      guard [0x38, 0x5c, 0x67, 0x80].contains(first) else { return nil }
      decoded = Self.unescaped(payload.array, kind)
    }
    if decoded.isEmpty { return nil }
  }

  private static func unescaped(_ line: [UInt8], _ kind: Kind) -> [UInt8] {
    var bytes: [UInt8] = []
    if kind == .quoted {
      bytes = (try? PickleText.unquoted(line)) ?? []
    } else if let text = try? PickleText.rawUnicode(line) {
      bytes = LatinText.bytes(of: text) ?? []
    }
    guard bytes.count > 3 else { return [] }
    if isPickle(bytes[0], bytes[1]) { return bytes }
    return disguised(bytes.span) ?? []
  }

  /// PROTO and its version.
  static func isPickle(_ first: UInt8, _ second: UInt8) -> Bool {
    first == Opcode.proto.rawValue && (2...5).contains(second)
  }

  /// Text with one code point for each byte, as protocols 0 to 2 write bytes.
  private static func latin(_ payload: Span<UInt8>) -> [UInt8]? {
    guard payload[0] == 0xc2, payload[1] == 0x80, (2...5).contains(payload[2]) else { return nil }
    return String(validating: payload.array, as: UTF8.self).flatMap(LatinText.bytes)
  }

  /// Hexadecimal or base64.
  private static func disguised(_ payload: Span<UInt8>) -> [UInt8]? {
    switch (payload[0], payload[1], payload[2]) {
    case (0x38, 0x30, 0x30) where (0x32...0x35).contains(payload[3]): hexadecimal(payload)
    // "gA", then a letter that is 2 to 5 and the next two bits.
    case (0x67, 0x41, 0x49...0x58): base64(payload)
    default: nil
    }
  }

  private static func hexadecimal(_ payload: Span<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: payload.count - 1, by: 2) {
      guard let high = digit(payload[index]), let low = digit(payload[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }

  private static func base64(_ payload: Span<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for index in payload.indices {
      let value: UInt8
      switch payload[index] {
      case 0x41...0x5a: value = payload[index] - 0x41
      case 0x61...0x7a: value = payload[index] - 0x47
      case 0x30...0x39: value = payload[index] + 4
      case 0x2b, 0x2d: value = 62
      case 0x2f, 0x5f: value = 63
      case 0x0a, 0x0d: continue
      case 0x3d: return bytes
      default: return nil
      }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }
}
