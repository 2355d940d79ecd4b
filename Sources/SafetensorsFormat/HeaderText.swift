/// The JSON of a header, byte for byte as the official writer has it.
struct HeaderText {
  private var bytes = [UInt8](repeating: 0, count: 8) + [UInt8(ascii: "{")]

  /// Adds the texts about the whole, which come first.
  mutating func add(_ metadata: [(key: String, value: String)]) {
    key(SafetensorsHeader.metadataKey)
    for (index, pair) in metadata.enumerated() {
      literal(index == 0 ? "{" : ",")
      quoted(pair.key)
      literal(":")
      quoted(pair.value)
    }
    literal("}")
  }

  /// Adds a tensor.
  mutating func add(_ name: String, _ code: String, _ shape: [Int], _ place: Range<Int>) {
    key(name)
    literal("{\"dtype\":\"\(code)\",\"shape\":[")
    literal(shape.map(String.init).joined(separator: ","))
    literal("],\"data_offsets\":[\(place.lowerBound),\(place.upperBound)]}")
  }

  /// The header with its length before it and spaces after it.
  func padded(to alignment: Int) -> [UInt8] {
    var bytes = self.bytes + [UInt8(ascii: "}")]
    let rest = bytes.count % alignment
    if rest > 0 { bytes += [UInt8](repeating: 0x20, count: alignment - rest) }
    let count = UInt64(bytes.count - 8)
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
    return bytes
  }

  private mutating func key(_ name: String) {
    if bytes.last != UInt8(ascii: "{") { literal(",") }
    quoted(name)
    literal(":")
  }

  private mutating func literal(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func quoted(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x08: literal("\\b")
      case 0x09: literal("\\t")
      case 0x0a: literal("\\n")
      case 0x0c: literal("\\f")
      case 0x0d: literal("\\r")
      case 0..<0x20: literal("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
