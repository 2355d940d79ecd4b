/// How the tensors of an archive become other dtypes.
public struct ConversionOptions: Sendable {
  /// What becomes of numbers that a dtype cannot hold.
  public var policy = CastPolicy.checked
  /// Whether reports are made, which costs about as much as converting.
  public var isMeasuring = false
  /// Whether tensors that share a storage go on sharing it, as PyTorch's files need it; otherwise
  /// each is converted alone, as others do.
  public var keepsAliases = true
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

/// Converted elements that know the names of their tensors.
final class NamedConversion: ByteSource {
  private let bytes: ConvertedBytes
  private let tensors: [(name: String, tensor: Tensor)]
  private let target: DType
  private let options: ConversionOptions

  /// - Parameter tensors: whose elements are among those of `original`.
  init(
    _ original: Tensor, to target: DType, of tensors: [(name: String, tensor: Tensor)],
    _ options: ConversionOptions
  ) throws(TensorIOError) {
    bytes = try locating(.init(tensor: tensors.first?.name)) { () throws(TensorIOError) in
      try ConvertedBytes(
        original, to: target, policy: options.policy, isMeasuring: options.isMeasuring,
        options.limits)
    }
    self.tensors = tensors
    self.target = target
    self.options = options
  }

  var byteCount: Int { bytes.byteCount }
  /// The shape of the elements.
  var shape: [Int] { bytes.shape }
  var isResident: Bool { false }
  var report: ConversionReport { bytes.report }
  func requireUnchanged() throws(TensorIOError) { try bytes.requireUnchanged() }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    do throws(TensorIOError) {
      unsafe try bytes.load(into: buffer)
    } catch {
      throw named(error)
    }
  }

  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    var isOurs = true
    do throws(TensorIOError) {
      try bytes.stream { (chunk) throws(TensorIOError) in
        isOurs = false
        try body(chunk)
        isOurs = true
      }
    } catch {
      throw isOurs ? named(error) : error
    }
  }

  /// The error as one about a tensor: a storage that several lie on is asked for the one with the
  /// number that is refused.
  private func named(_ error: TensorIOError) -> TensorIOError {
    guard error.code == .lossy else {
      return error.located(in: .init(tensor: tensors.first?.name))
    }
    for (name, tensor) in tensors {
      do throws(TensorIOError) {
        try ConvertedBytes(
          tensor, to: target, policy: options.policy, isMeasuring: false, options.limits
        ).stream { _ in }
      } catch {
        return error.located(in: .init(tensor: name))
      }
    }
    return TensorIOError(
      .lossy,
      "in the part of the storage that no tensor uses (--views compact leaves it out): "
        + error.reason, at: .init(tensor: tensors.first?.name))
  }
}
