// The element types that Swift does not have: bfloat16, the 8-bit floats, complex numbers, and the
// x87 long double as bytes. Each is stored exactly as files store it.

/// The upper 16 bits of an IEEE binary32.
public struct BFloat16: Sendable, Hashable, BitwiseCopyable {
  /// The stored bits.
  public var bitPattern: UInt16

  /// Creates a number from its bits.
  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// The nearest bfloat16, ties to even.
  ///
  /// Every NaN stays a NaN with its sign and upper payload.
  public init(_ value: Float) {
    let bits = value.bitPattern
    if value.isNaN {
      bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
    } else {
      let roundUp = 0x7fff + ((bits >> 16) & 1)
      bitPattern = UInt16(truncatingIfNeeded: (bits &+ roundUp) >> 16)
    }
  }

  /// The same number as a Float; exact.
  public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }
}

/// How an 8-bit float is laid out and what its special values are.
package struct MiniFloatLayout: Sendable {
  /// What the bit patterns past the finite numbers mean.
  package enum Specials: Sendable {
    /// Infinities and NaNs as in IEEE 754.
    case ieee
    /// No infinities; all ones is NaN (`fn`).
    case allOnesNaN
    /// No infinities, no negative zero; its pattern is NaN (`fnuz`).
    case negativeZeroNaN
  }

  package let mantissaBits: Int
  package let bias: Int
  package let specials: Specials

  package static let e4m3fn = MiniFloatLayout(mantissaBits: 3, bias: 7, specials: .allOnesNaN)
  package static let e5m2 = MiniFloatLayout(mantissaBits: 2, bias: 15, specials: .ieee)
  package static let e4m3fnuz = MiniFloatLayout(
    mantissaBits: 3, bias: 8, specials: .negativeZeroNaN)
  package static let e5m2fnuz = MiniFloatLayout(
    mantissaBits: 2, bias: 16, specials: .negativeZeroNaN)

  /// The value of a bit pattern; exact.
  package func decode(_ bits: UInt8) -> Float {
    let magnitude = Int(bits & 0x7f)
    let sign: FloatingPointSign = bits & 0x80 == 0 ? .plus : .minus
    switch specials {
    case .allOnesNaN where magnitude == 0x7f: return sign == .plus ? .nan : -.nan
    case .negativeZeroNaN where bits == 0x80: return -.nan
    case .ieee where magnitude >> mantissaBits == 0x7f >> mantissaBits:
      if magnitude & ((1 << mantissaBits) - 1) != 0 { return sign == .plus ? .nan : -.nan }
      return sign == .plus ? .infinity : -.infinity
    default: break
    }
    let exponent = magnitude >> mantissaBits
    let fraction = Float(magnitude & ((1 << mantissaBits) - 1)) / Float(1 << mantissaBits)
    let value =
      exponent == 0
      ? Float(sign: .plus, exponent: 1 - bias, significand: fraction)
      : Float(sign: .plus, exponent: exponent - bias, significand: 1 + fraction)
    return sign == .plus ? value : -value
  }
}

/// An 8-bit float with 4 exponent and 3 fraction bits, no infinities.
public struct Float8E4M3FN: Sendable, Hashable, BitwiseCopyable {
  /// The stored bits.
  public var bitPattern: UInt8
  /// Creates a number from its bits.
  public init(bitPattern: UInt8) { self.bitPattern = bitPattern }
  /// The same number as a Float; exact.
  public var float: Float { MiniFloatLayout.e4m3fn.decode(bitPattern) }
}

/// An 8-bit float with 5 exponent and 2 fraction bits, IEEE-like.
public struct Float8E5M2: Sendable, Hashable, BitwiseCopyable {
  /// The stored bits.
  public var bitPattern: UInt8
  /// Creates a number from its bits.
  public init(bitPattern: UInt8) { self.bitPattern = bitPattern }
  /// The same number as a Float; exact.
  public var float: Float { MiniFloatLayout.e5m2.decode(bitPattern) }
}

/// ``Float8E4M3FN`` with another bias and NaN in the place of negative zero.
public struct Float8E4M3FNUZ: Sendable, Hashable, BitwiseCopyable {
  /// The stored bits.
  public var bitPattern: UInt8
  /// Creates a number from its bits.
  public init(bitPattern: UInt8) { self.bitPattern = bitPattern }
  /// The same number as a Float; exact.
  public var float: Float { MiniFloatLayout.e4m3fnuz.decode(bitPattern) }
}

/// ``Float8E5M2`` with another bias, no infinities, and NaN in the place of negative zero.
public struct Float8E5M2FNUZ: Sendable, Hashable, BitwiseCopyable {
  /// The stored bits.
  public var bitPattern: UInt8
  /// Creates a number from its bits.
  public init(bitPattern: UInt8) { self.bitPattern = bitPattern }
  /// The same number as a Float; exact.
  public var float: Float { MiniFloatLayout.e5m2fnuz.decode(bitPattern) }
}

/// A power of two: 8 exponent bits with bias 127, no sign; 255 is NaN.
public struct Float8E8M0FNU: Sendable, Hashable, BitwiseCopyable {
  /// The stored bits.
  public var bitPattern: UInt8
  /// Creates a number from its bits.
  public init(bitPattern: UInt8) { self.bitPattern = bitPattern }
  /// The same number as a Float; exact.
  public var float: Float {
    bitPattern == 0xff
      ? .nan : Float(sign: .plus, exponent: Int(bitPattern) - 127, significand: 1)
  }
}

/// Two 4-bit floats in a byte; the lower half comes first.
public struct Float4E2M1FNx2: Sendable, Hashable, BitwiseCopyable {
  /// The stored bits.
  public var bitPattern: UInt8
  /// Creates a pair from its bits.
  public init(bitPattern: UInt8) { self.bitPattern = bitPattern }
  /// The two numbers as Floats; exact.
  public var floats: (Float, Float) { (Self.decode(bitPattern & 15), Self.decode(bitPattern >> 4)) }

  private static func decode(_ bits: UInt8) -> Float {
    let magnitudes: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    return bits & 8 == 0 ? magnitudes[Int(bits & 7)] : -magnitudes[Int(bits & 7)]
  }
}

/// A complex number: real part first, as C, NumPy and torch store it.
public struct Complex<Part: Sendable & Hashable & BitwiseCopyable>:
  Sendable, Hashable, BitwiseCopyable
{
  /// The real part.
  public var real: Part
  /// The imaginary part.
  public var imaginary: Part

  /// Creates a number from its parts.
  public init(_ real: Part, _ imaginary: Part) {
    self.real = real
    self.imaginary = imaginary
  }
}

/// An x87 extended-precision number in the 16 bytes that NumPy's `longdouble` takes on x86.
///
/// The upper six bytes are padding. Kept as integers so that files with long doubles open on every
/// CPU.
public struct LongDouble: Sendable, Hashable, BitwiseCopyable {
  /// The 64-bit significand, its integer bit included.
  public var significandBitPattern: UInt64
  /// Sign (bit 15) and exponent with bias 16383; the upper 48 bits are padding.
  public var signExponentAndPadding: UInt64

  /// Creates a number from its stored words.
  public init(significandBitPattern: UInt64, signExponentAndPadding: UInt64) {
    self.significandBitPattern = significandBitPattern
    self.signExponentAndPadding = signExponentAndPadding
  }

  #if arch(x86_64)
    /// The same number as Swift's Float80; exact.
    public var float80: Float80 {
      let signExponent = UInt16(truncatingIfNeeded: signExponentAndPadding)
      return Float80(
        sign: signExponent & 0x8000 == 0 ? .plus : .minus,
        exponentBitPattern: UInt(signExponent & 0x7fff),
        significandBitPattern: significandBitPattern & ~(1 << 63))
    }

    /// Stores a Float80; exact.
    public init(_ value: Float80) {
      let sign: UInt64 = value.sign == .minus ? 0x8000 : 0
      let exponent = UInt64(value.exponentBitPattern)
      significandBitPattern = value.significandBitPattern | (exponent == 0 ? 0 : 1 << 63)
      signExponentAndPadding = sign | exponent
    }
  #endif
}
