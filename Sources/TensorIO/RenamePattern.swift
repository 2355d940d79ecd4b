/// A rule that gives names a new form: where a regular expression matches a name first, a template
/// takes the place of what it matched, as in `sed -E 's/REGEX/TEMPLATE/'`.
///
/// The expression is POSIX's extended one with GNU's `\w`, `\b` and the like, and looks at bytes.
/// There are no references back inside it: matching them may take for ever.
public struct RenamePattern: Sendable, Hashable {
  /// The expression.
  public let regex: String
  /// What takes the place of the match; `\1` to `\9` stand for groups, `\0` for all that matched,
  /// `\\` for a backslash.
  public let template: String
  let parts: [TemplatePart]
  let compiled: CompiledRegex

  /// Whether two rules have the same texts.
  public static func == (left: RenamePattern, right: RenamePattern) -> Bool {
    (left.regex, left.template) == (right.regex, right.template)
  }

  /// Hashes the texts.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(regex)
    hasher.combine(template)
  }

  enum TemplatePart: Sendable {
    case bytes([UInt8])
    case group(Int)
  }

  /// Creates a rule.
  /// - Throws: `invalidArgument` for an expression that is none, and a template that is none or asks
  ///   for a group that the expression does not have.
  public init(regex: String, template: String) throws(TensorIOError) {
    self.regex = regex
    self.template = template
    compiled = try CompiledRegex(regex)
    parts = try Self.parts(of: template, groups: compiled.groupCount)
  }

  /// `REGEX=TEMPLATE`; the first `=` without a backslash before it divides them.
  package init(_ text: String) throws(TensorIOError) {
    var regex: [UInt8] = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
      if byte == UInt8(ascii: "=") {
        try self.init(
          regex: String(decoding: regex, as: UTF8.self),
          template: String(decoding: bytes, as: UTF8.self))
        return
      }
      if byte == UInt8(ascii: "\\"), let escaped = bytes.popFirst() {
        // What is escaped stays so, but for the sign that would have divided.
        if escaped != UInt8(ascii: "=") { regex.append(byte) }
        regex.append(escaped)
      } else {
        regex.append(byte)
      }
    }
    throw .invalidArgument("'\(text.escapedForDisplay)' is no REGEX=TEMPLATE")
  }

  private static func parts(
    of template: String, groups: Int
  ) throws(TensorIOError) -> [TemplatePart] {
    var parts: [TemplatePart] = []
    var plain: [UInt8] = []
    var bytes = Array(template.utf8)[...]
    while let byte = bytes.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        plain.append(byte)
        continue
      }
      switch bytes.popFirst() {
      case UInt8(ascii: "\\"): plain.append(byte)
      case .some(let digit) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit):
        let group = Int(digit - UInt8(ascii: "0"))
        guard group <= groups else {
          throw .invalidArgument(
            "the template '\(template.escapedForDisplay)' names group \(group); the expression has "
              + "\(groups)")
        }
        parts += [.bytes(plain), .group(group)]
        plain = []
      default:
        throw .invalidArgument(
          "the template '\(template.escapedForDisplay)' has a backslash before neither a digit nor "
            + "a backslash")
      }
    }
    return parts + [.bytes(plain)]
  }
}

/// Rules that are ready to be applied to many names.
struct Renamer {
  private let patterns: [RenamePattern]
  private(set) var isUsed: [Bool]

  init(_ patterns: [RenamePattern]) {
    self.patterns = patterns
    isUsed = patterns.map { _ in false }
  }

  /// The name after all rules, one after the other; nil where none matched.
  /// - Throws: `invalidArgument` for a name that is too long to be matched, or would no longer be
  ///   UTF-8.
  mutating func apply(to name: String) throws(TensorIOError) -> String? {
    if patterns.isEmpty { return nil }
    var bytes = Array(name.utf8)
    var hasMatched = false
    for (index, pattern) in patterns.enumerated() {
      guard let groups = try pattern.compiled.firstMatch(in: bytes), let whole = groups[0] else {
        continue
      }
      (hasMatched, isUsed[index]) = (true, true)
      var new = Array(bytes[..<whole.lowerBound])
      for part in pattern.parts {
        switch part {
        case .bytes(let text): new += text
        case .group(let number): if let range = groups[number] { new += bytes[range] }
        }
      }
      bytes = new + bytes[whole.upperBound...]
    }
    guard hasMatched else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .invalidArgument(
        "a regular expression cuts a character of '\(name.escapedForDisplay)'; it looks at bytes")
    }
    return text
  }
}
