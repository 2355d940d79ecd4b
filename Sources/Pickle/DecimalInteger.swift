/// Integers past 64 bits, between the two's complement of binary pickles and decimal text.
///
/// Both ways take time with the square of the length, which ``mostDigits`` keeps small.
package enum DecimalInteger {
  /// The most digits that are read: those that Python itself converts by default.
  package static let mostDigits = 4300
  /// The most bytes of an integer with that many digits.
  static let mostBytes = 1786

  /// The decimal text of little-endian two's complement.
  static func text(twosComplement bytes: ArraySlice<UInt8>) -> String {
    let isNegative = (bytes.last ?? 0) >= 0x80
    var limbs: [UInt32] = []
    var carry: UInt32 = isNegative ? 1 : 0
    var magnitude: [UInt8] = []
    for byte in bytes {
      let value = UInt32(isNegative ? ~byte : byte) + carry
      magnitude.append(UInt8(truncatingIfNeeded: value))
      carry = value >> 8
    }
    if carry > 0 { magnitude.append(1) }
    // Base 10^9, least significant first.
    for byte in magnitude.reversed() {
      var rest = UInt64(byte)
      for index in limbs.indices {
        let value = UInt64(limbs[index]) << 8 + rest
        limbs[index] = UInt32(value % 1_000_000_000)
        rest = value / 1_000_000_000
      }
      if rest > 0 { limbs.append(UInt32(rest)) }
    }
    guard let first = limbs.last else { return "0" }
    var digits = String(first)
    for limb in limbs.dropLast().reversed() {
      let part = String(limb)
      digits += String(repeating: "0", count: 9 - part.count) + part
    }
    return (isNegative ? "-" : "") + digits
  }

  /// The shortest little-endian two's complement of decimal text, or nil for other text.
  static func twosComplement(_ text: String) -> [UInt8]? {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative ? text.dropFirst() : text[...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    var bytes: [UInt8] = []
    for digit in digits.utf8 {
      var carry = UInt32(digit - 0x30)
      for index in bytes.indices {
        let value = UInt32(bytes[index]) * 10 + carry
        bytes[index] = UInt8(truncatingIfNeeded: value)
        carry = value >> 8
      }
      if carry > 0 { bytes.append(UInt8(carry)) }
    }
    if isNegative {
      var carry: UInt32 = 1
      for index in bytes.indices {
        let value = UInt32(~bytes[index]) + carry
        bytes[index] = UInt8(truncatingIfNeeded: value)
        carry = value >> 8
      }
    }
    // One more byte where the sign bit would say the opposite.
    let signBit = (bytes.last ?? 0) >= 0x80
    if signBit != isNegative, !bytes.isEmpty { bytes.append(isNegative ? 0xff : 0) }
    while bytes.count > 1, let last = bytes.last,
      (last == 0 && bytes[bytes.count - 2] < 0x80)
        || (last == 0xff && bytes[bytes.count - 2] >= 0x80)
    {
      bytes.removeLast()
    }
    return bytes
  }
}
