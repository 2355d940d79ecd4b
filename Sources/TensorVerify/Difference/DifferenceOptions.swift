public import TensorIO

/// What of two archives is compared, and what counts as the same.
public struct DifferenceOptions: Sendable {
  /// Which tolerance holds for the numbers of a tensor.
  public enum Tolerances: Sendable, Hashable {
    /// None: what is not equal is a difference.
    case exact
    /// One for all tensors.
    case uniform(Tolerance)
    /// The defaults of `torch.testing.assert_close`, by dtype.
    case standard(equalNaN: Bool)
  }

  /// The tolerance; what is close is no difference when there is one.
  public var tolerances = Tolerances.exact
  /// Whether the same numbers in another dtype are equal, and not only close.
  public var ignoresDType = false
  /// Whether device tags, wanted gradients, strides, byte orders and sharing of storages count.
  public var isLayoutStrict = false
  /// Whether values that are no tensors count: numbers, texts, bytes.
  public var comparesValues = true
  /// Shell patterns of names to compare, on either side; empty compares all.
  public var include: [String] = []
  /// Shell patterns of names to leave out, on either side; they win over `include`.
  public var exclude: [String] = []
  /// New names for what is on the left, by the old ones; where both end in `*`, for all names that
  /// begin so.
  public var renames: [(old: String, new: String)] = []
  /// What reading may cost.
  public var limits = DecodingLimits()

  /// Compares everything, exactly.
  public init() {}

  /// The tolerance for numbers of two dtypes.
  func tolerance(_ left: DType, _ right: DType) -> Tolerance {
    switch tolerances {
    case .exact: return Tolerance()
    case .uniform(let tolerance): return tolerance
    case .standard(let equalNaN):
      var tolerance = Tolerance.standard(left, right)
      tolerance.equalNaN = equalNaN
      return tolerance
    }
  }
}
