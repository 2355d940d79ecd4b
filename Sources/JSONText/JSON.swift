internal import ByteIO

/// A JSON value; objects keep the order of their keys.
package enum JSON: Sendable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSON])
  case object([(key: String, value: JSON)])

  /// The value on one line.
  package var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): "\(value)"
    // JSON has no NaN and no infinity; the sign of a NaN means nothing.
    case .double(let value):
      value.isFinite ? "\(value)" : value.isNaN ? "\"nan\"" : "\"\(value)\""
    case .string(let value): Self.quoted(value)
    case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
    case .object(let pairs):
      "{" + pairs.map { Self.quoted($0.key) + ":" + $0.value.text }.joined(separator: ",") + "}"
    }
  }

  /// The value over several lines, for people: each item of the outer two levels on its own.
  package var indented: String { indented(levels: 2, by: "") + "\n" }

  private func indented(levels: Int, by indent: String) -> String {
    let inner = indent + "  "
    func block(_ open: String, _ items: [String], _ close: String) -> String {
      "\(open)\n" + items.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)\(close)"
    }
    switch self {
    case .array(let items) where levels > 0 && !items.isEmpty:
      return block("[", items.map { $0.indented(levels: levels - 1, by: inner) }, "]")
    case .object(let pairs) where levels > 0 && !pairs.isEmpty:
      return block(
        "{",
        pairs.map { Self.quoted($0.key) + ": " + $0.value.indented(levels: levels - 1, by: inner) },
        "}")
    default: return text
    }
  }

  /// An optional text.
  package static func optional(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }

  /// An integer; past 2^53 as a string, because most readers keep doubles.
  package static func exact(_ value: some BinaryInteger) -> JSON {
    value.magnitude <= 1 << 53 ? .int(Int(value)) : .string("\(value)")
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      default:
        // Escaped beyond what JSON asks for: a report on a terminal must not be able to hide text.
        if String(scalar).escapedForDisplay.utf8.first == UInt8(ascii: "\\") {
          for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
          }
        } else {
          quoted.unicodeScalars.append(scalar)
        }
      }
    }
    return quoted + "\""
  }
}
