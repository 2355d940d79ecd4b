/// Writes text as Python's `repr` does, which is how np.save writes headers.
enum PythonRepr {
  /// A string literal: single quotes unless only double ones save escapes; what does not print is
  /// escaped.
  static func string(_ text: String) -> String {
    let scalars = text.unicodeScalars
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    var literal = String.UnicodeScalarView([quote])
    for scalar in scalars {
      switch scalar {
      case "\\", quote:
        literal.append("\\")
        literal.append(scalar)
      case "\n": literal.append(contentsOf: "\\n".unicodeScalars)
      case "\r": literal.append(contentsOf: "\\r".unicodeScalars)
      case "\t": literal.append(contentsOf: "\\t".unicodeScalars)
      default:
        if scalar.isPrintableInPython {
          literal.append(scalar)
        } else {
          literal.append(contentsOf: escape(scalar).unicodeScalars)
        }
      }
    }
    literal.append(quote)
    return String(literal)
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16)
    let (letter, width) =
      scalar.value <= 0xff ? ("x", 2) : scalar.value <= 0xffff ? ("u", 4) : ("U", 8)
    return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
  }

  /// A tuple of integers: `()`, `(5,)`, `(2, 3)`.
  static func tuple(_ numbers: [Int]) -> String {
    numbers.count == 1
      ? "(\(numbers[0]),)" : "(" + numbers.map(String.init).joined(separator: ", ") + ")"
  }
}

extension Unicode.Scalar {
  /// Python's `str.isprintable` for one character.
  fileprivate var isPrintableInPython: Bool {
    if isASCII { return value >= 0x20 && value < 0x7f }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }
}
