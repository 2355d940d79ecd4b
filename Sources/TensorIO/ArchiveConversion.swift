/// How the tensors of an archive become other dtypes.
public struct ConversionOptions: Sendable {
  /// What becomes of numbers that a dtype cannot hold.
  public var policy = CastPolicy.checked
  /// Whether reports are made, which costs about as much as converting.
  public var isMeasuring = false
  /// Whether tensors that share a storage go on sharing it, as PyTorch's files need it; otherwise
  /// each is converted alone, as others do.
  public var keepsAliases = true
  /// Whether values keep the classes that Python gave them, which some dtypes do not go with.
  public var keepsClasses = true
  /// What of a storage that aliases share is converted, in the same words as what is written of it.
  public var views = ViewPolicy.automatic
  /// What may be decoded or expanded of the tensors.
  public var limits = DecodingLimits()

  /// Creates the documented defaults.
  public init() {}
}

/// An archive of which the elements are converted when somebody asks for them: writing it takes a few
/// MiB, whatever its size.
public struct ArchiveConversion: Sendable {
  /// A tensor, or all those on one storage, that became another dtype.
  public struct Part: Sendable {
    /// The names of the tensors, in the order of the file.
    public let names: [String]
    /// What the elements were.
    public let source: DType
    /// What they are.
    public let target: DType
    /// How the numbers changed when they were last converted; all 0 before, and where
    /// ``ConversionOptions/isMeasuring`` is off.
    public let report: ConversionReport
  }

  /// The archive with the tensors as they become.
  public let archive: TensorArchive
  /// What conversion does not keep: sharing, parts of storages, scales of quantized tensors, and
  /// dtypes where classes of PyTorch do not go with them.
  public let losses: [Loss]
  let converted: [ConvertedPart]

  /// What is converted, in the order of the file.
  public var parts: [Part] {
    converted.map {
      Part(
        names: $0.names, source: $0.source, target: $0.target,
        report: $0.bytes?.report ?? ConversionReport())
    }
  }

  /// How all numbers changed when they were last converted.
  public var report: ConversionReport { parts.reduce(into: .init()) { $0 += $1.report } }
}

/// What is converted at a time.
struct ConvertedPart: Sendable {
  let names: [String]
  let source: DType
  let target: DType
  /// The elements; nil for meta tensors.
  let bytes: NamedConversion?
}

extension TensorArchive {
  /// The archive with tensors as the dtypes that rules say, converted when somebody asks for them.
  ///
  /// Nesting, classes, tags and aliases stay. Integers and bool never require grad. What the policy
  /// refuses is found while elements are read or written, and named with its tensor.
  /// - Throws: `invalidArgument` for a rule that is about nothing, rules that want one tensor in two
  ///   ways, and for an odd last axis that pairs of 4-bit floats cannot make; `unsupported` for
  ///   quantized tensors whose parameters are not known.
  public func converting(
    _ rules: ConversionRules, options: ConversionOptions = ConversionOptions()
  ) throws(TensorIOError) -> ArchiveConversion {
    try converting(try ArchiveEdit().applied(to: self, rules).targets, options: options)
  }

  /// The archive with the tensors at some nodes as other dtypes.
  /// - Throws: as ``converting(_:options:)``.
  package func converting(
    _ targets: ConversionTargets, options: ConversionOptions
  ) throws(TensorIOError) -> ArchiveConversion {
    var plan = ConversionPlan(self, targets, options)
    let values = try plan.convert()
    return ArchiveConversion(
      archive: try replacing(values), losses: plan.losses, converted: plan.parts)
  }
}
