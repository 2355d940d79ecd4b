internal import Glibc

/// A regular expression of the system's C library.
///
/// It makes a table of states while it matches, so that without references back no name takes more
/// than the square of its length; names past ``mostBytes`` are refused.
@safe
final class CompiledRegex: @unchecked Sendable {
  /// The longest name: the worst expressions take 50 ms for one.
  static let mostBytes = 4096
  private static let mostGroups = 256

  // SAFETY: made in `init`, freed in `deinit`, never changed between; matching with one expression on
  // several threads is allowed.
  private let regex: UnsafeMutablePointer<regex_t>
  /// How many groups the expression has.
  var groupCount: Int { unsafe Int(regex.pointee.re_nsub) }

  /// - Throws: `invalidArgument` in the words of the library.
  init(_ text: String) throws(TensorIOError) {
    func refusal(_ reason: String) -> TensorIOError {
      .invalidArgument("the expression '\(text.escapedForDisplay)': \(reason)")
    }
    guard !text.utf8.contains(0) else { throw refusal("a NUL cannot be in one") }
    guard !Self.refersBack(text) else {
      throw refusal("\\1 to \\9 have no meaning in it, only in the template")
    }
    // The library parses groups in groups by calling itself.
    guard text.utf8.count(where: { $0 == UInt8(ascii: "(") }) <= Self.mostGroups else {
      throw refusal("more than \(Self.mostGroups) groups")
    }
    let made = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
    unsafe made.initialize(to: regex_t())
    let code = unsafe regcomp(made, text, REG_EXTENDED)
    guard code == 0 else {
      let words = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        _ = unsafe regerror(code, made, buffer.baseAddress, buffer.count)
        return unsafe buffer.baseAddress.map { unsafe String(cString: $0) } ?? ""
      }
      unsafe made.deallocate()
      throw refusal(words)
    }
    unsafe regex = made
  }

  deinit {
    unsafe regfree(regex)
    unsafe regex.deallocate()
  }

  private static func refersBack(_ text: String) -> Bool {
    var isEscaped = false
    for byte in text.utf8 {
      if isEscaped, (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(byte) { return true }
      isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
    }
    return false
  }

  /// Where the expression matches first, and its groups; nil where it does not.
  /// - Returns: ten ranges, the first of all that matched; nil of groups that took no part.
  func firstMatch(in name: [UInt8]) throws(TensorIOError) -> [Range<Int>?]? {
    guard name.count <= Self.mostBytes else {
      throw .invalidArgument(
        "a name of \(name.count) bytes is too long for --rename-regex, which takes "
          + "\(Self.mostBytes)")
    }
    var groups = [regmatch_t](repeating: regmatch_t(rm_so: -1, rm_eo: -1), count: 10)
    // A name may hold NULs, so its length is said.
    groups[0] = regmatch_t(rm_so: 0, rm_eo: regoff_t(name.count))
    // AddressSanitizer wants a NUL all the same.
    let text = name.map { CChar(bitPattern: $0) } + [0]
    let code = unsafe regexec(regex, text, groups.count, &groups, REG_STARTEND)
    if code == _REG_NOMATCH.rawValue { return nil }
    guard code == 0 else {
      throw TensorIOError(.limit, "a regular expression needs more memory than there is")
    }
    return groups.map { group in
      group.rm_so < 0 ? nil : Int(group.rm_so)..<Int(group.rm_eo)
    }
  }
}
