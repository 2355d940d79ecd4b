/// The one error every layer of the library throws: what went wrong, why, and where in which file.
///
/// Equality and hashing look at ``code`` alone, so a test or a caller can ask for the kind of
/// failure without knowing its words.
public struct TensorIOError: Error, Sendable {
  /// The kind of failure, by whose fault it is.
  public enum Code: String, Sendable, CaseIterable {
    /// The file breaks its own format.
    case malformed
    /// The file is legal, and this library does not read or write that part of its format.
    case unsupported
    /// The file asks for more than ``DecodingLimits`` allows.
    case limit
    /// The caller asked for something that does not exist or does not fit.
    case invalidArgument
    /// The target cannot hold what the source says, and losses were refused.
    case lossy
    /// A device is missing or failed.
    case device
    /// The operating system refused a call.
    case io
  }

  /// The place in the input that the error is about; every part is optional.
  public struct Place: Sendable, Hashable {
    /// The path of the file as the caller gave it.
    public var file: String?
    /// The name of the archive member.
    public var member: String?
    /// The name of the tensor.
    public var tensor: String?
    /// The offset in bytes from the start of the member, or of the file where there is no member.
    public var offset: Int?

    /// Creates a place from the parts that are known.
    public init(
      file: String? = nil, member: String? = nil, tensor: String? = nil, offset: Int? = nil
    ) {
      self.file = file
      self.member = member
      self.tensor = tensor
      self.offset = offset
    }
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence: what was found, what was expected, and what to do where something can be done.
  public let reason: String
  /// Where it happened.
  public var place: Place

  /// Creates an error.
  public init(_ code: Code, _ reason: String, at place: Place = Place()) {
    self.code = code
    self.reason = reason
    self.place = place
  }

  /// The same error with the parts of `outer` filled in where this one left them open.
  public func located(in outer: Place) -> TensorIOError {
    var error = self
    error.place.file = place.file ?? outer.file
    error.place.member = place.member ?? outer.member
    error.place.tensor = place.tensor ?? outer.tensor
    error.place.offset = place.offset ?? outer.offset
    return error
  }
}

extension TensorIOError {
  /// A file that breaks its format, at a byte offset where that is known.
  package static func malformed(_ reason: String, offset: Int? = nil) -> TensorIOError {
    TensorIOError(.malformed, reason, at: Place(offset: offset))
  }

  /// A legal construct that this library does not read or write.
  package static func unsupported(_ reason: String, offset: Int? = nil) -> TensorIOError {
    TensorIOError(.unsupported, reason, at: Place(offset: offset))
  }

  /// A value past one of the caller's limits; says how to raise it.
  package static func limit(
    _ what: String, _ value: Int, over maximum: Int, raise option: String, offset: Int? = nil
  ) -> TensorIOError {
    TensorIOError(
      .limit,
      "\(what) is \(value), more than the limit of \(maximum); "
        + "raise DecodingLimits.\(option) (--limit \(option)=N) if you trust the file",
      at: Place(offset: offset))
  }

  /// A request that the caller has to change.
  package static func invalidArgument(_ reason: String) -> TensorIOError {
    TensorIOError(.invalidArgument, reason)
  }
}

extension TensorIOError: Hashable {
  /// Whether two errors have the same ``code``.
  public static func == (left: TensorIOError, right: TensorIOError) -> Bool {
    left.code == right.code
  }

  /// Hashes the ``code`` alone.
  public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension TensorIOError: CustomStringConvertible {
  /// `file: member 'x.npy': tensor 'x': byte 10: reason`, with the parts that are known.
  public var description: String {
    var parts: [String] = []
    if let file = place.file { parts.append(file.escapedForDisplay) }
    if let member = place.member { parts.append("member '\(member.escapedForDisplay)'") }
    if let tensor = place.tensor, !tensor.isEmpty {
      parts.append("tensor '\(tensor.escapedForDisplay)'")
    }
    if let offset = place.offset { parts.append("byte \(offset)") }
    parts.append(reason)
    return parts.joined(separator: ": ")
  }
}

/// Runs `body` and fills `place` into an error that leaves those parts open.
package func locating<R>(
  _ place: TensorIOError.Place, _ body: () throws(TensorIOError) -> R
) throws(TensorIOError) -> R {
  do throws(TensorIOError) {
    return try body()
  } catch {
    throw error.located(in: place)
  }
}
