/// How tensors are written as text; a nil stands for the default of the style, NumPy's or torch's.
///
/// Values out of range are brought into it, so no options make a printer fail.
public struct PrintOptions: Sendable, Hashable {
  /// The digits after the point: at most so many in NumPy's style (8), exactly so many in torch's (4).
  public var precision: Int?
  /// Tensors of more elements than this are shown in part only.
  public var threshold: Int
  /// How many elements are shown at each end of an axis that is shown in part.
  public var edgeItems: Int
  /// The columns after which lines break: 75 in NumPy's style, 80 in torch's.
  public var lineWidth: Int?
  /// Whether floats have an exponent; nil lets their magnitudes decide.
  public var scientific: Bool?
  /// Whether small numbers alone do not call for an exponent (NumPy's style only).
  public var suppress: Bool

  /// Creates options; the defaults are those that NumPy and torch share.
  public init(
    precision: Int? = nil, threshold: Int = 1000, edgeItems: Int = 3, lineWidth: Int? = nil,
    scientific: Bool? = nil, suppress: Bool = false
  ) {
    self.precision = precision
    self.threshold = threshold
    self.edgeItems = edgeItems
    self.lineWidth = lineWidth
    self.scientific = scientific
    self.suppress = suppress
  }

  /// The precision within 0 to 1200: no binary64 has more digits than that after the point.
  func digits(default style: Int) -> Int { min(max(precision ?? style, 0), 1200) }

  /// The line width within bounds that leave room for arithmetic.
  func columns(default style: Int) -> Int { min(max(lineWidth ?? style, 0), 1 << 30) }

  /// The edge items within bounds that leave room for arithmetic.
  var edge: Int { min(max(edgeItems, 0), 1 << 30) }
}
