/// Something that a reader noticed and accepted, and that a strict reader would not.
public struct Finding: Sendable, Hashable {
  /// What was noticed, as a stable word such as `trailing-bytes` or `duplicate-member`.
  public let code: String
  /// One sentence for people.
  public let message: String
  /// The archive member it is about.
  public let member: String?
  /// The offset in bytes in the member or file.
  public let offset: Int?

  /// Creates a finding.
  public init(_ code: String, _ message: String, member: String? = nil, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.member = member
    self.offset = offset
  }
}
