/// The binary format that a float is stored in, as far as its decimal text depends on it.
struct FloatFormat: Sendable {
  /// The significant bits, the implied one included.
  let precision: Int
  /// The power of two of the last bit of the smallest numbers.
  let minimumExponent: Int
  /// NumPy turns to exponents in arrays from this number on.
  let arrayCutoff: Double
  /// NumPy turns to exponents in single numbers from this number on.
  let scalarCutoff: Double
  /// 0.0001 as the format holds it.
  let tenThousandth: Double

  static let half = FloatFormat(
    precision: 11, minimumExponent: -24, arrayCutoff: 1e3, scalarCutoff: 1e3,
    tenThousandth: 0x1.a38p-14)
  static let single = FloatFormat(
    precision: 24, minimumExponent: -149, arrayCutoff: 1e6, scalarCutoff: 1e6,
    tenThousandth: Double(0.0001 as Float))
  static let double = FloatFormat(
    precision: 53, minimumExponent: -1074, arrayCutoff: 1e8, scalarCutoff: 1e16,
    tenThousandth: 0.0001)
  static let extended = FloatFormat(
    precision: 64, minimumExponent: -16445, arrayCutoff: 1e8, scalarCutoff: 1e16,
    tenThousandth: 0.0001)

  /// The format of a dtype's numbers, or of their parts; nil for dtypes that NumPy formats otherwise.
  init?(_ dtype: DType) {
    switch dtype {
    case .float16, .complex32: self = .half
    case .float32, .complex64: self = .single
    case .float64, .complex128: self = .double
    case .longDouble, .complexLongDouble: self = .extended
    default: return nil
    }
  }

  private init(
    precision: Int, minimumExponent: Int, arrayCutoff: Double, scalarCutoff: Double,
    tenThousandth: Double
  ) {
    self.precision = precision
    self.minimumExponent = minimumExponent
    self.arrayCutoff = arrayCutoff
    self.scalarCutoff = scalarCutoff
    self.tenThousandth = tenThousandth
  }
}

/// A float taken apart: `significand` times 2 to the power `exponent`, both exact.
struct BinaryFloat: Sendable {
  /// What kind of number it is.
  enum Kind: Sendable { case finite, infinite, notANumber }

  var kind: Kind
  var isNegative: Bool
  var significand: UInt64
  var exponent: Int
  /// Whether the next number towards 0 is nearer than the next one away from it.
  var lowerNeighborIsNearer: Bool

  var isFinite: Bool { kind == .finite }
  var isZero: Bool { kind == .finite && significand == 0 }

  /// Takes apart a number that was stored in `format`.
  init(_ value: Double, as format: FloatFormat = .double) {
    kind = value.isNaN ? .notANumber : value.isInfinite ? .infinite : .finite
    isNegative = value.sign == .minus
    (significand, exponent, lowerNeighborIsNearer) = (0, 0, false)
    guard value.isFinite, value != 0 else { return }
    let hidden: UInt64 = value.exponentBitPattern == 0 ? 0 : 1 << 52
    var bits = value.significandBitPattern | hidden
    var power = Int(max(value.exponentBitPattern, 1)) - 1075
    // Drop the zero bits that the narrower format does not store.
    let last = max(Int(value.exponent) - format.precision + 1, format.minimumExponent)
    let surplus = min(last - power, bits.trailingZeroBitCount)
    if surplus > 0 {
      bits >>= UInt64(surplus)
      power += surplus
    }
    significand = bits
    exponent = power
    lowerNeighborIsNearer =
      power > format.minimumExponent && bits == 1 << UInt64(min(format.precision, 53) - 1)
  }

  /// Takes apart an x87 number; patterns that the x87 itself refuses are taken for NaN.
  init(_ value: LongDouble) {
    let field = Int(value.signExponentAndPadding & 0x7fff)
    isNegative = value.signExponentAndPadding & 0x8000 != 0
    significand = value.significandBitPattern
    exponent = max(field, 1) - 16383 - 63
    lowerNeighborIsNearer = field > 1 && significand == 1 << 63
    let hasIntegerBit = significand >> 63 == 1
    if field == 0x7fff {
      kind = hasIntegerBit && significand << 1 == 0 ? .infinite : .notANumber
    } else {
      kind = field == 0 || hasIntegerBit ? .finite : .notANumber
    }
  }

  /// -1, 0 or 1 as the magnitude is less than, equal to or greater than that of another finite number.
  func compareMagnitude(to other: BinaryFloat) -> Int {
    if significand == 0 || other.significand == 0 {
      return (significand == 0 ? 0 : 1) - (other.significand == 0 ? 0 : 1)
    }
    let (mine, theirs) = (significand.leadingZeroBitCount, other.significand.leadingZeroBitCount)
    let (top, otherTop) = (exponent - mine, other.exponent - theirs)
    if top != otherTop { return top < otherTop ? -1 : 1 }
    let (bits, otherBits) = (significand << UInt64(mine), other.significand << UInt64(theirs))
    return bits == otherBits ? 0 : bits < otherBits ? -1 : 1
  }

  /// Whether the quotient of the magnitudes, rounded to the precision of `format`, exceeds 1000.
  func exceedsThousandfold(_ other: BinaryFloat, in format: FloatFormat) -> Bool {
    // 1000 is an even multiple of its last place 2^(10 - p), so halfway to the next number rounds
    // down: the test is self > other * (1000 + 2^(9 - p)).
    let scale = format.precision - 9
    let low = min(exponent, other.exponent)
    // Exponents far apart decide on their own, and need no long numbers.
    if exponent - other.exponent > 128 { return significand != 0 }
    if other.exponent - exponent > 128 { return false }
    let left = BigMagnitude(significand, shiftedLeft: exponent - low + scale)
    let thousand = BigMagnitude(1000, shiftedLeft: scale) + BigMagnitude(1)
    var right = thousand
    right.multiply(by: other.significand)
    right.shiftLeft(by: other.exponent - low)
    return left.compare(to: right) > 0
  }
}
