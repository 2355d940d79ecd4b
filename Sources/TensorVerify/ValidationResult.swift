public import ByteIO

/// What validation says about one file.
public struct ValidationResult: Sendable {
  /// How a file came out; the raw values are exit statuses.
  public enum Outcome: Int, Sendable, Comparable, CaseIterable {
    /// Nothing was found.
    case clean = 0
    /// The file was read to its end, and something was found.
    case findings = 1
    /// The file could not be read to its end.
    case failed = 2

    public static func < (left: Outcome, right: Outcome) -> Bool { left.rawValue < right.rawValue }
  }

  /// The path as it was given.
  public let file: String
  /// The identifier of the format; nil where it could not be told.
  public var format: String?
  /// The size of the file in bytes; nil where it could not be opened.
  public var fileBytes: Int?
  /// The number of tensors.
  public var tensorCount = 0
  /// The bytes of the tensors' elements.
  public var byteCount = 0
  /// What was found, in the order of finding.
  public var findings: [Finding] = []
  /// Why the file could not be read to its end; nearly always none or one.
  public var errors: [TensorIOError] = []

  /// Creates the result of a file about which nothing is known yet.
  public init(file: String) { self.file = file }

  /// How the file came out.
  public var outcome: Outcome {
    errors.isEmpty ? (findings.isEmpty ? .clean : .findings) : .failed
  }
}

extension ValidationResult {
  /// What of the files in a folder is not as a manifest says.
  /// - Throws: `io` when a file cannot be opened.
  public init(
    of folder: String, against manifest: Manifest, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    self.init(file: folder)
    findings = try manifest.check(folder, limits: limits)
  }
}
