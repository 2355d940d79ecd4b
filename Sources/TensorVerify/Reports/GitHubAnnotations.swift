internal import ByteIO

/// Results as workflow commands of GitHub Actions, which become annotations of the files.
public enum GitHubAnnotations {
  /// GitHub keeps ten of each level a step and drops the others without a word.
  static let mostOfALevel = 10

  /// One line an annotation, and a last one that says how many there is no room for.
  public static func lines(of results: [ValidationResult]) -> [String] {
    var counts: [ValidationRule.Level: Int] = [:]
    var lines: [String] = []
    for result in results {
      for remark in result.remarks {
        let level = remark.rule.level
        counts[level, default: 0] += 1
        if counts[level, default: 0] <= mostOfALevel {
          lines.append(command(remark, of: result.file))
        }
      }
    }
    let parts = ValidationRule.Level.allCases.compactMap { level -> String? in
      let more = counts[level, default: 0] - mostOfALevel
      return more > 0 ? "\(more) of level \(level.rawValue)" : nil
    }
    if !parts.isEmpty {
      lines.append(
        "tensorio: not annotated, as GitHub shows \(mostOfALevel) of a level: "
          + parts.joined(separator: ", "))
    }
    return lines
  }

  private static func command(_ remark: Remark, of file: String) -> String {
    let name: String
    switch remark.rule.level {
    case .error: name = "error"
    case .warning: name = "warning"
    case .note: name = "notice"
    }
    return "::\(name) file=\(property(file)),title=\(property("tensorio: " + remark.rule.id))::"
      + data("\(remark.text). \(remark.rule.mend)")
  }

  /// A message; GitHub undoes these escapes.
  private static func data(_ text: String) -> String {
    escaped(text, ["%": "%25", "\r": "%0D", "\n": "%0A"])
  }

  /// The value of a property, which also ends at `:` and `,`.
  private static func property(_ text: String) -> String {
    escaped(text, ["%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"])
  }

  private static func escaped(_ text: String, _ escapes: [Unicode.Scalar: String]) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if let escape = escapes[scalar] {
        result += escape
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
