internal import TensorIO

/// What numbers of a dtype fail, told from their little-endian bytes.
struct NumberTest: Sendable {
  /// The bytes of a number; half of an element where that is complex.
  let width: Int
  /// How many numbers an element has.
  let numbersPerElement: Int
  /// The index of the first number that fails, and how many do.
  let failures: @Sendable (Span<UInt8>) -> (first: Int, count: Int)?

  private init<Bits: FixedWidthInteger & Sendable>(
    _ type: Bits.Type, perElement: Int = 1, fails: @escaping @Sendable (Bits) -> Bool
  ) {
    width = MemoryLayout<Bits>.size
    numbersPerElement = perElement
    failures = { bytes in Self.failures(in: bytes, fails) }
  }

  @inline(__always)
  private static func failures<Bits: FixedWidthInteger>(
    in bytes: Span<UInt8>, _ fails: (Bits) -> Bool
  ) -> (first: Int, count: Int)? {
    let size = MemoryLayout<Bits>.size
    let items = bytes.count / size
    return unsafe bytes.withUnsafeBytes { bytes in
      // SAFETY: `index` counts whole numbers in the bytes; every pattern is an integer.
      func number(_ index: Int) -> Bits {
        unsafe Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Bits.self))
      }
      // Counting all is a loop that the compiler vectorises; nearly always there are none.
      var count = 0
      for index in 0..<items { count &+= fails(number(index)) ? 1 : 0 }
      guard count > 0, let first = (0..<items).first(where: { fails(number($0)) }) else {
        return nil
      }
      return (first, count)
    }
  }

  // MARK: Finite

  /// Finds NaN, infinities and NaT; nil for dtypes that have none.
  static func notFinite(_ dtype: DType) -> NumberTest? {
    switch dtype {
    case .float8E5M2: bits(0x7c as UInt8)
    case .float8E4M3FN: bits(0x7f as UInt8)
    case .float8E4M3FNUZ, .float8E5M2FNUZ: bits(0xff as UInt8, are: 0x80)
    case .float8E8M0FNU: bits(0xff as UInt8)
    case .float16: bits(0x7c00 as UInt16)
    case .bfloat16: bits(0x7f80 as UInt16)
    case .float32: bits(0x7f80_0000 as UInt32)
    case .float64: bits(0x7ff0_0000_0000_0000 as UInt64)
    case .complex32: bits(0x7c00 as UInt16, perElement: 2)
    case .bcomplex32: bits(0x7f80 as UInt16, perElement: 2)
    case .complex64: bits(0x7f80_0000 as UInt32, perElement: 2)
    case .complex128: bits(0x7ff0_0000_0000_0000 as UInt64, perElement: 2)
    case .longDouble: extended(perElement: 1)
    case .complexLongDouble: extended(perElement: 2)
    case .datetime, .timedelta: bits(UInt64.max, are: 1 << 63)
    default: nil
    }
  }

  /// Numbers in which the bits of a mask have one pattern, by default all set.
  private static func bits<Bits: FixedWidthInteger & Sendable>(
    _ mask: Bits, are pattern: Bits? = nil, perElement: Int = 1
  ) -> NumberTest {
    let pattern = pattern ?? mask
    return NumberTest(Bits.self, perElement: perElement) { $0 & mask == pattern }
  }

  /// Long doubles: sign and exponent lie in the fifth of eight 16-bit words.
  private static func extended(perElement: Int) -> NumberTest {
    NumberTest(UInt128.self, perElement: perElement) { number in
      UInt16(truncatingIfNeeded: number >> 64) & 0x7fff == 0x7fff
    }
  }

  // MARK: Ranges

  /// Finds real numbers outside of a range, NaN too; nil for dtypes that are none.
  static func outside(_ minimum: Double, _ maximum: Double, of dtype: DType) -> NumberTest? {
    switch dtype {
    case .bool: integers(UInt8.self, minimum, maximum) { $0 == 0 ? 0 : 1 }
    case .int8: integers(Int8.self, minimum, maximum)
    case .int16: integers(Int16.self, minimum, maximum)
    case .int32: integers(Int32.self, minimum, maximum)
    case .int64: integers(Int64.self, minimum, maximum)
    case .uint8: integers(UInt8.self, minimum, maximum)
    case .uint16: integers(UInt16.self, minimum, maximum)
    case .uint32: integers(UInt32.self, minimum, maximum)
    case .uint64: integers(UInt64.self, minimum, maximum)
    case .float16: floats(UInt16.self, minimum, maximum) { Double(Float16(bitPattern: $0)) }
    case .bfloat16:
      floats(UInt16.self, minimum, maximum) { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .float32: floats(UInt32.self, minimum, maximum) { Double(Float(bitPattern: $0)) }
    case .float64: floats(UInt64.self, minimum, maximum) { Double(bitPattern: $0) }
    default: nil
    }
  }

  /// Integers are compared as integers: doubles have no room for those past 2^53.
  private static func integers<T: FixedWidthInteger & Sendable>(
    _ type: T.Type, _ minimum: Double, _ maximum: Double,
    _ value: @escaping @Sendable (T) -> T = { $0 }
  ) -> NumberTest {
    let least = T(exactly: minimum.rounded(.up)) ?? (minimum > 0 ? nil : T.min)
    let most = T(exactly: maximum.rounded(.down)) ?? (maximum < 0 ? nil : T.max)
    guard let least, let most else { return NumberTest(type) { _ in true } }
    return NumberTest(type) { value($0) < least || value($0) > most }
  }

  private static func floats<Bits: FixedWidthInteger & Sendable>(
    _ type: Bits.Type, _ minimum: Double, _ maximum: Double,
    _ value: @escaping @Sendable (Bits) -> Double
  ) -> NumberTest {
    NumberTest(type) { !(value($0) >= minimum && value($0) <= maximum) }
  }
}
