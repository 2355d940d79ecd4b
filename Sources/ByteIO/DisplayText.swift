extension String {
  /// This text with every character that could move a terminal's cursor, hide text or reorder it
  /// written as an escape (`\n`, `\x1B`, `\u{202E}`).
  ///
  /// Names come from files, so nothing of theirs is printed without it.
  public var escapedForDisplay: String {
    if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return self }
    var text = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7f {
          let digits = String(scalar.value, radix: 16, uppercase: true)
          text += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
        } else if scalar.isUnsafeToDisplay {
          text += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  /// Whether printing this scalar could change how the text around it looks.
  fileprivate var isUnsafeToDisplay: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      true
    default: false
    }
  }
}
