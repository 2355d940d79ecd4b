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

  /// The finding that a name from the file is empty, or holds characters that could move, hide or
  /// reorder text; nil for other names.
  package static func oddName(_ name: String, of what: String, member: String?) -> Finding? {
    guard name.isEmpty || name.escapedForDisplay != name else { return nil }
    let shown = name.isEmpty ? "empty" : "'\(name.escapedForDisplay)'"
    return Finding("odd-name", "the name of \(what) is \(shown)", member: member)
  }

  /// Creates a finding.
  public init(_ code: String, _ message: String, member: String? = nil, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.member = member
    self.offset = offset
  }
}
