internal import ByteIO
public import TensorIO

/// What became of an archive that was written in a format and read back.
public struct RoundTripResult: Sendable {
  /// How it came out.
  public enum Outcome: String, Sendable, CaseIterable {
    /// Nothing differs.
    case faithful
    /// What differs was declared, and what was declared differs.
    case declared
    /// Something differs that was not declared, or was declared and did not happen.
    case failed
    /// The format cannot hold the archive, and said so.
    case refused
    /// Writing or reading back failed.
    case error
  }

  /// The identifier of the format.
  public let format: String
  /// All that differs.
  public internal(set) var differences: [ObservedDifference] = []
  /// The losses that were declared and happened.
  public internal(set) var observed: [Loss] = []
  /// What differs that no loss declares.
  public internal(set) var undeclared: [ObservedDifference] = []
  /// The losses that were declared and did not happen.
  public internal(set) var unobserved: [Loss] = []
  /// Why the archive could not be written, or what was written not be read.
  public internal(set) var error: TensorIOError?
  /// The size of what was written.
  public internal(set) var byteCount: Int?

  init(format: String) { self.format = format }

  /// Whether nothing differs but what was declared, and all that was.
  public var isFaithful: Bool { outcome == .faithful || outcome == .declared }

  /// How it came out.
  public var outcome: Outcome {
    if let error {
      return byteCount == nil && Self.refusals.contains(error.code) ? .refused : .error
    }
    if !undeclared.isEmpty || !unobserved.isEmpty { return .failed }
    return differences.isEmpty ? .faithful : .declared
  }

  /// How formats say that they cannot hold something.
  private static let refusals: Set<TensorIOError.Code> = [
    .unsupported, .invalidArgument, .lossy, .limit,
  ]

  /// Holds what differs against what was declared.
  ///
  /// A loss stands for the differences of its name on the axes that its kind may declare.
  mutating func judge(_ differences: [ObservedDifference], _ losses: [Loss]) {
    struct Key: Hashable {
      let kind: Loss.Kind
      let name: ByteKey
    }
    self.differences = differences
    let declared = Set(losses.map { Key(kind: $0.kind, name: ByteKey($0.name)) })
    var happened: Set<Key> = []
    for difference in differences {
      let keys = difference.axis.declarable.map { Key(kind: $0, name: ByteKey(difference.name)) }
        .filter { difference.isDeclarable && declared.contains($0) }
      if keys.isEmpty { undeclared.append(difference) }
      happened.formUnion(keys)
    }
    for loss in losses {
      if happened.contains(Key(kind: loss.kind, name: ByteKey(loss.name))) {
        observed.append(loss)
      } else {
        unobserved.append(loss)
      }
    }
  }
}
