// What the printers read from a scalar. A scalar of an unexpected kind gives a neutral answer, so
// that a wrong reader makes odd text and no trap.

extension Scalar {
  /// Whether the element is true or not zero.
  var truth: Bool {
    switch self {
    case .bool(let value): value
    case .int(let value): value != 0
    case .uint(let value): value != 0
    default: false
    }
  }

  /// The decimal text of an integer.
  var integerText: String {
    switch self {
    case .int(let value): String(value)
    case .uint(let value): String(value)
    case .bool(let value): value ? "1" : "0"
    default: "?"
    }
  }

  /// The count of a datetime or timedelta; nil for NaT.
  var timeCount: Int64? {
    switch self {
    case .datetime(let count), .timedelta(let count): count
    case .int(let count): count == .min ? nil : count
    default: nil
    }
  }

  /// The float, or the real and the imaginary part.
  func parts(_ format: FloatFormat) -> (BinaryFloat, BinaryFloat) {
    switch self {
    case .float(let value): (BinaryFloat(value, as: format), BinaryFloat(0))
    case .complex(let real, let imaginary):
      (BinaryFloat(real, as: format), BinaryFloat(imaginary, as: format))
    case .longDouble(let value): (BinaryFloat(value), BinaryFloat(0))
    case .complexLongDouble(let real, let imaginary): (BinaryFloat(real), BinaryFloat(imaginary))
    case .int(let value): (BinaryFloat(Double(value)), BinaryFloat(0))
    case .uint(let value): (BinaryFloat(Double(value)), BinaryFloat(0))
    default: (BinaryFloat(.nan), BinaryFloat(0))
    }
  }

  /// The field of a record; an empty record when there is none.
  func field(_ index: Int) -> Scalar {
    guard case .record(let fields) = self, fields.indices.contains(index) else {
      return .record([])
    }
    return fields[index]
  }

  /// The two 4-bit floats of a pair, as a code of 8 bits; nil when the scalar is no pair.
  var float4Code: UInt8? {
    switch self {
    case .uint(let code): UInt8(exactly: code)
    case .int(let code): UInt8(exactly: code)
    case .void(let bytes), .bytes(let bytes): bytes.first ?? 0
    case .complex(let low, let high): Self.float4Code(low) | Self.float4Code(high) << 4
    case .array(let pair):
      if case .float(let low)? = pair.first, case .float(let high)? = pair.last {
        Self.float4Code(low) | Self.float4Code(high) << 4
      } else {
        nil
      }
    default: nil
    }
  }

  private static func float4Code(_ value: Double) -> UInt8 {
    let magnitudes = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    let code = UInt8(magnitudes.firstIndex(of: value.magnitude) ?? 0)
    return value.sign == .minus ? code | 8 : code
  }
}

/// Text without the spaces at its end.
func trimmingTrailingSpaces(_ text: String) -> String {
  var utf8 = Substring(text).utf8
  while utf8.last == UInt8(ascii: " ") { utf8.removeLast() }
  return String(Substring(utf8))
}
