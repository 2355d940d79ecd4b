public import TensorIO

/// What is asked of files beyond their being sound.
public struct ValidationOptions: Sendable {
  /// How files are read.
  public var reading = ReadingOptions()
  /// Whether every number has to be finite: no NaN, no infinity, no NaT.
  public var requiresFinite = false
  /// Between which numbers the elements of tensors have to lie.
  public var ranges: [ValueRange] = []
  /// What the file has to hold.
  public var policy: ValidationPolicy?
  /// What the file was when it was written: one manifest is of one file.
  public var manifest: Manifest?
  /// Findings that are none here.
  public var allowedFindings: Set<Finding.Code> = []
  /// Python names that are no findings, as shell patterns: `mypackage.*`.
  public var allowedGlobals: [String] = []

  /// Creates the documented defaults.
  public init() {}
}

/// Numbers between which the elements of some tensors have to lie; NaN lies nowhere.
public struct ValueRange: Sendable, Hashable {
  /// Which tensors.
  public let names: NamePattern
  /// The least number that is allowed.
  public let minimum: Double
  /// The greatest number that is allowed.
  public let maximum: Double

  /// Creates a range.
  public init(_ names: NamePattern, _ minimum: Double, _ maximum: Double) {
    self.names = names
    self.minimum = minimum
    self.maximum = maximum
  }
}
