public import TensorIO

/// What a file has to hold, and what it must not: the contents of a policy file.
///
/// `Specs/policy.schema.json` has the form of the file, and `Specs/validation.md` the meaning of each
/// key.
public struct ValidationPolicy: Sendable, Hashable {
  /// The length of an axis, as a rule has it.
  public enum Axis: Sendable, Hashable {
    /// Exactly so many elements.
    case exactly(Int)
    /// Any number of elements.
    case any
    /// Any number, the same wherever the name stands.
    case named(String)
    /// Any number of axes; at most once in a shape.
    case rest
  }

  /// What some tensors have to be.
  public struct Rule: Sendable, Hashable {
    /// Which tensors.
    public var names: NamePattern
    /// Whether there has to be one.
    public var isRequired = true
    /// The canonical names of the dtypes that are allowed; nil allows all.
    public var dtypes: [String]?
    /// The shape; nil allows all.
    public var shape: [Axis]?
    /// The least number that is allowed.
    public var minimum: Double?
    /// The greatest number that is allowed.
    public var maximum: Double?
    /// Whether all numbers have to be finite.
    public var requiresFinite = false

    /// Creates a rule that asks for tensors of these names.
    public init(_ names: NamePattern) { self.names = names }
  }

  /// The identifiers of the formats that are allowed; nil allows all.
  public var formats: [String]?
  /// The most bytes that the file may have.
  public var mostBytes: Int?
  /// The fewest tensors.
  public var fewestTensors: Int?
  /// The most tensors.
  public var mostTensors: Int?
  /// Whether all numbers have to be finite.
  public var requiresFinite = false
  /// Shell patterns of the Python names that are no findings.
  public var allowedGlobals: [String] = []
  /// Findings that are none.
  public var allowedFindings: [Finding.Code] = []
  /// Tensors that must not be there.
  public var forbidden: [NamePattern] = []
  /// What tensors have to be; each has to meet every rule that is about it.
  public var tensors: [Rule] = []
  /// Whether there may be tensors that no rule is about.
  public var allowsOthers = true

  /// Creates a policy that asks for nothing.
  public init() {}

  /// Creates the strictest policy that a file meets: its tensors, their dtypes and shapes, its format,
  /// and the Python names in it that have to be trusted.
  public init(derivedFrom archive: TensorArchive) {
    formats = archive.format.map { [$0] }
    allowsOthers = false
    var seen: Set<String> = []
    allowedGlobals = archive.globals.filter { $0.verdict == .inert }.map(\.name.description)
      .filter { seen.insert($0).inserted }.map(\.escapedForPatterns)
    tensors = archive.entries.map { entry in
      var rule = Rule(.name(entry.name))
      rule.dtypes = [entry.tensor.dtype.description]
      rule.shape = entry.tensor.shape.map { .exactly($0) }
      return rule
    }
  }
}
