/// What is known about a Python class or function that a file names.
public enum GlobalVerdict: String, Sendable, CaseIterable {
  /// One that this library understands: storages, tensors, containers, NumPy's arrays.
  case known
  /// One that is only kept by its name.
  case inert
  /// One that would run code, read files or open connections when Python loads the file.
  case dangerous
}

/// A Python class or function that a file names.
public struct GlobalUse: Sendable {
  /// What is named.
  public let name: GlobalName
  /// What is known about it.
  public let verdict: GlobalVerdict
  /// The archive member with the pickle, if the file is an archive.
  public let member: String?
  /// The offset of the first opcode that names it, in the member or file.
  public let offset: Int

  /// Creates a use.
  public init(_ name: GlobalName, _ verdict: GlobalVerdict, member: String? = nil, offset: Int) {
    self.name = name
    self.verdict = verdict
    self.member = member
    self.offset = offset
  }
}
