/// How far apart two numbers may be that count as close.
///
/// `a` is close to `b` where both are equal, where `|a - b| <= absolute + relative * |b|` for a finite
/// `b`, as in NumPy and torch, or where both are finite and at most ``ulps`` apart.
public struct Tolerance: Sendable, Hashable {
  /// How far apart, as a share of the right number.
  public var relative: Double
  /// How far apart, in any case.
  public var absolute: Double
  /// How far apart in units in the last place; of two float types, in those of the coarser.
  public var ulps: Double
  /// Whether NaNs with other bits are close to each other; those with the same bits always are.
  public var equalNaN: Bool

  /// Creates a tolerance; none of the numbers is negative.
  public init(
    relative: Double = 0, absolute: Double = 0, ulps: Double = 0, equalNaN: Bool = false
  ) {
    self.relative = relative
    self.absolute = absolute
    self.ulps = ulps
    self.equalNaN = equalNaN
  }

  /// The default tolerance of `torch.testing.assert_close` for two dtypes: the wider of theirs.
  public static func standard(_ left: DType, _ right: DType) -> Tolerance {
    let (one, other) = (standard(left), standard(right))
    return Tolerance(
      relative: max(one.relative, other.relative), absolute: max(one.absolute, other.absolute))
  }

  private static func standard(_ dtype: DType) -> Tolerance {
    switch dtype {
    case .float16, .complex32: Tolerance(relative: 1e-3, absolute: 1e-5)
    case .bfloat16, .bcomplex32: Tolerance(relative: 1.6e-2, absolute: 1e-5)
    case .float32, .complex64, .quint8, .quint2x4, .quint4x2, .qint8, .qint32:
      Tolerance(relative: 1.3e-6, absolute: 1e-5)
    case .float64, .complex128: Tolerance(relative: 1e-7, absolute: 1e-7)
    default: Tolerance()
    }
  }
}
