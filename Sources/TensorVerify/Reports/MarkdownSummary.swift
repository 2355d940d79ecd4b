internal import ByteIO

/// Results as GitHub's Markdown, for `$GITHUB_STEP_SUMMARY`.
///
/// Names come from files, so nothing of theirs is markup: punctuation becomes character references,
/// which Markdown never takes for structure.
public enum MarkdownSummary {
  /// GitHub refuses summaries of more than 1 MiB.
  public static let mostBytes = 1 << 20
  /// Kept for the headings and for the lines that say what was left out.
  private static let reserve = 4096

  /// A line of counts, a table of the files, worst first, and one of what was found.
  public static func text(of results: [ValidationResult], mostBytes: Int = mostBytes) -> String {
    let counts = ValidationResult.Outcome.allCases.map { outcome in
      (outcome, results.count { $0.outcome == outcome })
    }
    var text = "## tensorio validate\n\n"
    text += "\(results.count) files: "
    text += counts.map { "\($0.1) \($0.0.word)" }.joined(separator: ", ") + "\n\n"
    let ordered = ValidationResult.Outcome.allCases.reversed().flatMap { outcome in
      results.filter { $0.outcome == outcome }
    }
    // Files get half of the room at most, so that what was found has some too.
    let room = max(0, mostBytes - reserve)
    text += table(
      ["File", "Status", "Format", "Tensors", "Bytes", "Findings"], of: "files",
      rows: ordered.lazy.map(row), room: room / 2)
    let remarks = ordered.lazy.flatMap { result in result.remarks.lazy.map { row($0, of: result) } }
    if remarks.isEmpty { return text }
    return text + "\n"
      + table(
        ["File", "Level", "Code", "Place", "Message"], of: "findings", rows: remarks,
        room: room - text.utf8.count)
  }

  private static func table(
    _ titles: [String], of what: String, rows: some Sequence<[String]>, room: Int
  ) -> String {
    var text = line(titles) + line(titles.map { _ in "---" })
    var leftOut = 0
    for row in rows {
      let row = line(row)
      // Once one is left out, all later ones are: a table with holes would mislead.
      if leftOut > 0 || text.utf8.count + row.utf8.count > room {
        leftOut += 1
      } else {
        text += row
      }
    }
    if leftOut > 0 { text += "\n\(leftOut) more \(what) are left out.\n" }
    return text
  }

  private static func line(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |\n"
  }

  private static func row(_ result: ValidationResult) -> [String] {
    let mark =
      switch result.outcome {
      case .clean: "✅ clean"
      case .findings: "⚠️ findings"
      case .failed: "❌ failed"
      }
    return [
      code(result.file), mark, result.format.map(code) ?? "", "\(result.tensorCount)",
      "\(result.byteCount)", "\(result.errors.count + result.findings.count)",
    ]
  }

  private static func row(_ remark: Remark, of result: ValidationResult) -> [String] {
    let place = [
      remark.member.map { "member " + code($0) }, remark.tensor.map { "tensor " + code($0) },
      remark.offset.map { "byte \($0)" },
    ]
    return [
      code(result.file), remark.rule.level.rawValue, code(remark.rule.id),
      place.compactMap { $0 }.joined(separator: ", "), remark.message.escapedForMarkdown,
    ]
  }

  /// A name; GitHub looks for no @user, #1 or commit in code.
  private static func code(_ name: String) -> String {
    name.isEmpty ? "" : "<code>\(name.escapedForMarkdown)</code>"
  }
}

extension String {
  /// This text as Markdown and HTML that show it and nothing else.
  var escapedForMarkdown: String {
    var text = ""
    for scalar in escapedForDisplay.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", " ": text.unicodeScalars.append(scalar)
      // GitHub looks for mail addresses after it has resolved references.
      case "@": text += "<!-- -->&#64;"
      case "\u{80}"...: text.unicodeScalars.append(scalar)
      default: text += "&#\(scalar.value);"
      }
    }
    return text
  }
}
