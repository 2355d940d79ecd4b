/// What becomes of numbers that another dtype cannot hold.
///
/// Rounding is no question of policy: floats round to nearest, ties to even, and become integers by
/// truncation.
public enum CastPolicy: String, Sendable, CaseIterable {
  /// Every number stays what it is, or nothing is converted.
  case exact
  /// Whatever C defines, and so NumPy and PyTorch; the rest is refused: numbers outside of an
  /// integer's range, NaN as an integer, numbers too large for a float without infinities, and
  /// dropping an imaginary part that is not 0. Numbers too large for a float with infinities become
  /// infinite.
  case checked
  /// The nearest number, finite where the source is; NaN becomes the integer 0, and imaginary parts
  /// are dropped.
  case saturating
  /// Integers modulo 2^bits, of floats their whole part (infinities and NaN become 0); floats as
  /// PyTorch makes them: too large for a dtype without infinities, they become NaN, but the largest
  /// number as `float8_e4m3fn` and `float4_e2m1fn_x2`; imaginary parts are dropped.
  case wrapping
}

/// How numbers and what conversion made of them differ.
///
/// The parts of a complex number count one by one.
public struct ConversionReport: Sendable, Hashable {
  /// The numbers that were compared.
  public var count = 0
  /// Those that have another value.
  ///
  /// NaN is the same as NaN, 0 the same as -0.
  public var changed = 0
  /// Those that became infinite or NaN, or as an integer another one than their whole part.
  public var overflowed = 0
  /// Numbers that became NaN, and NaNs that became numbers.
  public var nanChanges = 0
  /// The largest difference, of numbers that did not overflow.
  public var maxAbsoluteError = 0.0
  /// The largest difference as a part of the number.
  public var maxRelativeError = 0.0
  /// The largest difference in steps of the target dtype at the result: at most 0.5 where it was
  /// rounded once, to nearest.
  public var maxULPError = 0.0

  /// A report about nothing.
  public init() {}

  /// Whether every number is what it was.
  public var isExact: Bool { changed == 0 }

  /// Adds what another report says.
  public static func += (left: inout ConversionReport, right: ConversionReport) {
    left.count += right.count
    left.changed += right.changed
    left.overflowed += right.overflowed
    left.nanChanges += right.nanChanges
    left.maxAbsoluteError = max(left.maxAbsoluteError, right.maxAbsoluteError)
    left.maxRelativeError = max(left.maxRelativeError, right.maxRelativeError)
    left.maxULPError = max(left.maxULPError, right.maxULPError)
  }
}
