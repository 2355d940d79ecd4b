/// Something that a reader noticed and accepted, and that a strict reader would not.
public struct Finding: Sendable, Hashable {
  /// What kind of thing was noticed.
  public let code: Code
  /// One sentence for people.
  public let message: String
  /// The archive member it is about.
  public let member: String?
  /// The tensor it is about.
  public let tensor: String?
  /// The offset in bytes in the member or file.
  public let offset: Int?

  /// The finding that a name from the file is empty, or holds characters that could move, hide or
  /// reorder text; nil for other names.
  package static func oddName(_ name: String, of what: String, member: String?) -> Finding? {
    guard name.isEmpty || name.escapedForDisplay != name else { return nil }
    let shown = name.isEmpty ? "empty" : "'\(name.escapedForDisplay)'"
    return Finding(.oddName, "the name of \(what) is \(shown)", member: member)
  }

  /// Creates a finding.
  public init(
    _ code: Code, _ message: String, member: String? = nil, tensor: String? = nil,
    offset: Int? = nil
  ) {
    self.code = code
    self.message = message
    self.member = member
    self.tensor = tensor
    self.offset = offset
  }
}

extension Finding {
  /// The kinds of findings; the raw values are the words in messages and JSON, and stay what they are.
  ///
  /// `Specs/validation.md` says what each means and what to do about it.
  public enum Code: String, Sendable, CaseIterable {
    // What readers notice.
    case brokenTies = "broken-ties"
    case oddHeader = "odd-header"
    case backwardHooks = "backward-hooks"
    case dangerousBytes = "dangerous-bytes"
    case dangerousGlobal = "dangerous-global"
    case duplicateKey = "duplicate-key"
    case duplicateMember = "duplicate-member"
    case lateProtocol = "late-protocol"
    case leftoverStack = "leftover-stack"
    case manifestMismatch = "manifest-mismatch"
    case nestedPickle = "nested-pickle"
    case noChecksums = "no-checksums"
    case notAnArray = "not-an-array"
    case oddName = "odd-name"
    case pickledWeight = "pickled-weight"
    case python2Header = "python2-header"
    case secondPickle = "second-pickle"
    case severalArrays = "several-arrays"
    case shapeMismatch = "shape-mismatch"
    case strayMember = "stray-member"
    case trailingBytes = "trailing-bytes"
    case wrongExtension = "wrong-extension"
    case zipHeaderMismatch = "zip-header-mismatch"
    case zipUnaccountedBytes = "zip-unaccounted-bytes"
    case oddStorageKey = "odd-storage-key"
    case sparseMemo = "sparse-memo"
    case collidingKeys = "colliding-keys"
    case unlistedTensor = "unlisted-tensor"
    case wrongTotalSize = "wrong-total-size"

    // What validation looks for.
    case cyclicValue = "cyclic-value"
    case containsCode = "contains-code"
    case expandedTensor = "expanded-tensor"
    case lookalikeNames = "lookalike-names"
    case noTensors = "no-tensors"
    case persistentID = "persistent-id"
    case pythonObjects = "python-objects"
    case unknownGlobal = "unknown-global"

    // What somebody asked of the contents.
    case forbiddenTensor = "forbidden-tensor"
    case missingTensor = "missing-tensor"
    case notFinite = "not-finite"
    case outOfRange = "out-of-range"
    case tooLarge = "too-large"
    case uncheckedValues = "unchecked-values"
    case unexpectedTensor = "unexpected-tensor"
    case wrongCount = "wrong-count"
    case wrongDType = "wrong-dtype"
    case wrongFormat = "wrong-format"
    case wrongShape = "wrong-shape"
  }
}
