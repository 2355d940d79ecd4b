internal import ByteIO

/// Results as JUnit XML, which Jenkins, GitLab and others show: one suite, one test case a file.
///
/// There is no standard, so this keeps to what all readers take: at most one `error` or `failure`
/// a case (GitLab reads one), with all that is to be said about the file as its text.
public enum JUnitReport {
  /// What is listed of one file; the rest is counted.
  static let mostRemarks = 200

  /// The whole document.
  /// - Parameters:
  ///   - results: a test case each.
  ///   - seconds: how long all took.
  public static func text(of results: [ValidationResult], seconds: Double = 0) -> String {
    let failures = results.count { $0.outcome == .findings }
    let errors = results.count { $0.outcome == .failed }
    let counts =
      "tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"\(errors)\" "
      + "time=\"\(max(0, seconds))\""
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites name=\"tensorio validate\" \(counts)>\n"
    text += "  <testsuite name=\"tensorio validate\" \(counts) skipped=\"0\">\n"
    for result in results { text += testCase(result) }
    return text + "  </testsuite>\n</testsuites>\n"
  }

  private static func testCase(_ result: ValidationResult) -> String {
    let name = result.file.escapedForXML
    let start =
      "    <testcase name=\"\(name)\" classname=\"tensorio.validate\" file=\"\(name)\" time=\"0\""
    let remarks = result.remarks
    guard let first = remarks.first else { return start + "/>\n" }
    let tag = result.outcome == .failed ? "error" : "failure"
    let more = remarks.count > 1 ? " (and \(remarks.count - 1) more)" : ""
    var lines = remarks.prefix(mostRemarks).map { "\($0.rule.id): \($0.text)" }
    if remarks.count > mostRemarks { lines.append("and \(remarks.count - mostRemarks) more") }
    return start + ">\n"
      + "      <\(tag) type=\"\(first.rule.id)\" message=\"\((first.text + more).escapedForXML)\">"
      + lines.map(\.escapedForXML).joined(separator: "\n") + "</\(tag)>\n    </testcase>\n"
  }
}

extension String {
  /// This text for an element or an attribute of XML 1.0; what XML cannot hold, and what could fool
  /// a reader, is written as an escape (`\x1B`).
  var escapedForXML: String {
    var text = ""
    for scalar in escapedForDisplay.unicodeScalars {
      switch scalar {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      case "'": text += "&#39;"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
