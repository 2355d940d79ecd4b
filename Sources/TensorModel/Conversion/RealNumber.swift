internal import ByteIO

/// A real number of any type, exactly.
enum RealNumber: Sendable {
  case int(Int64)
  case uint(UInt64)
  case float(Double)
  #if arch(x86_64)
    case extended(Float80)
  #endif

  /// The number in little-endian bytes of a type.
  init(_ type: NumberType, _ bytes: Span<UInt8>) {
    switch type {
    case .bool: self = .int(bytes[0] == 0 ? 0 : 1)
    case .int8: self = .int(Int64(Int8(truncatingIfNeeded: Self.bits(bytes))))
    case .int16: self = .int(Int64(Int16(truncatingIfNeeded: Self.bits(bytes))))
    case .int32: self = .int(Int64(Int32(truncatingIfNeeded: Self.bits(bytes))))
    case .int64: self = .int(Int64(bitPattern: Self.bits(bytes)))
    case .uint8, .uint16, .uint32, .uint64: self = .uint(Self.bits(bytes))
    case .float16:
      self = .float(Double(Float16(bitPattern: UInt16(truncatingIfNeeded: Self.bits(bytes)))))
    case .bfloat16:
      let number = BFloat16(bitPattern: UInt16(truncatingIfNeeded: Self.bits(bytes)))
      self = .float(Double(number.float))
    case .float32:
      self = .float(Double(Float(bitPattern: UInt32(truncatingIfNeeded: Self.bits(bytes)))))
    case .float64: self = .float(Double(bitPattern: Self.bits(bytes)))
    case .longDouble:
      let number = LongDouble(
        significandBitPattern: Self.bits(bytes.extracting(0..<8)),
        signExponentAndPadding: Self.bits(bytes.extracting(8..<16)))
      #if arch(x86_64)
        self = .extended(number.float80)
      #else
        self = .float(.nan)
      #endif
    case .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU,
      .float4E2M1:
      self = .float(Double(MiniFloatCodes.value(type, bytes[0])))
    }
  }

  private static func bits(_ bytes: Span<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    for index in bytes.indices.reversed() { value = value << 8 | UInt64(bytes[index]) }
    return value
  }

  /// Calls `body` with the number as a float that holds it exactly.
  private func asFloat<R>(_ body: (any BinaryFloatingPoint) -> R) -> R {
    switch self {
    #if arch(x86_64)
      case .int(let value): body(Float80(value))
      case .uint(let value): body(Float80(value))
      case .extended(let value): body(value)
    #else
      case .int(let value): body(Double(value))
      case .uint(let value): body(Double(value))
    #endif
    case .float(let value): body(value)
    }
  }

  /// The number rounded once, to nearest, ties to even.
  func rounded<T: BinaryFloatingPoint>(to type: T.Type) -> T {
    switch self {
    case .int(let value): T(value)
    case .uint(let value): T(value)
    case .float(let value): T(value)
    #if arch(x86_64)
      case .extended(let value): T(value)
    #endif
    }
  }

  /// The whole part, where the type holds it.
  func truncated<T: FixedWidthInteger>() -> T? {
    switch self {
    case .int(let value): T(exactly: value)
    case .uint(let value): T(exactly: value)
    case .float(let value): T(exactly: value.rounded(.towardZero))
    #if arch(x86_64)
      case .extended(let value): T(exactly: value.rounded(.towardZero))
    #endif
    }
  }

  /// The whole part modulo 2^64; 0 for what has none.
  var wrapped: UInt64 {
    switch self {
    case .int(let value): UInt64(bitPattern: value)
    case .uint(let value): value
    case .float(let value): Self.wrapped(value)
    #if arch(x86_64)
      case .extended(let value): Self.wrapped(value)
    #endif
    }
  }

  private static func wrapped<T: BinaryFloatingPoint>(_ value: T) -> UInt64 {
    guard value.isFinite else { return 0 }
    let two64 = T(sign: .plus, exponent: 64, significand: 1)
    // The remainder is exact, and has the sign of the number.
    let rest = value.rounded(.towardZero).truncatingRemainder(dividingBy: two64)
    let magnitude = UInt64(rest.magnitude)
    return rest < 0 ? 0 &- magnitude : magnitude
  }

  var isNaN: Bool { asFloat { $0.isNaN } }
  var isInfinite: Bool { asFloat { $0.isInfinite } }
  var isNegative: Bool { asFloat { $0.sign == .minus && !$0.isZero } }
  var isZero: Bool { asFloat { $0.isZero } }

  /// Whether it is an integer.
  var isWhole: Bool {
    func isWhole<T: BinaryFloatingPoint>(_ value: T) -> Bool { value.rounded(.towardZero) == value }
    return asFloat { isWhole($0) }
  }

  /// Whether a float has the same value; NaN is the same as NaN.
  func equals<T: BinaryFloatingPoint>(_ other: T) -> Bool {
    switch self {
    case .int(let value): Int64(exactly: other) == value
    case .uint(let value): UInt64(exactly: other) == value
    case .float(let value): value.isNaN ? other.isNaN : value == Double(other)
    #if arch(x86_64)
      case .extended(let value): value.isNaN ? other.isNaN : value == Float80(other)
    #endif
    }
  }
}

extension RealNumber: CustomStringConvertible {
  var description: String {
    switch self {
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)"
    case .float(let value): "\(value)"
    #if arch(x86_64)
      case .extended(let value): "\(value)"
    #endif
    }
  }
}
