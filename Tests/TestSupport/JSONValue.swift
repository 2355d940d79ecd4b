public import Foundation

/// Any JSON, to be compared: numbers bit by bit, text byte by byte.
public enum JSONValue: Decodable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let flag = try? container.decode(Bool.self) {
      self = .bool(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let items = try? container.decode([JSONValue].self) {
      self = .list(items)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Parses text.
  public init(parsing data: Data) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: data)
  }

  /// A count or an index.
  public static func int(_ value: Int) -> JSONValue { .number(Double(value)) }
  /// A list of counts.
  public static func ints(_ values: [Int]) -> JSONValue { .list(values.map { .int($0) }) }
  /// The keys of a path.
  public static func path(_ path: [String]) -> JSONValue { .list(path.map { .text($0) }) }

  /// The value of a key of an object.
  public subscript(key: String) -> JSONValue? {
    get {
      if case .object(let pairs) = self { return pairs[key] }
      return nil
    }
    set {
      guard case .object(var pairs) = self else { return }
      pairs[key] = newValue
      self = .object(pairs)
    }
  }

  /// The items of a list; none for anything else.
  public var items: [JSONValue] {
    if case .list(let items) = self { return items }
    return []
  }

  /// The text of a string.
  public var text: String? {
    if case .text(let text) = self { return text }
    return nil
  }

  /// The whole number of a number.
  public var integer: Int? {
    if case .number(let value) = self { return Int(exactly: value) }
    return nil
  }

  /// The strings of a list.
  public var texts: [String] { items.compactMap(\.text) }
}

extension JSONValue: Hashable {
  /// Hashes the kind alone where equality looks closer.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .number(let value): hasher.combine(value.bitPattern)
    case .text(let text): hasher.combine(text.utf8.count)
    case .list(let items): hasher.combine(items.count)
    case .object(let pairs): hasher.combine(pairs.count)
    }
  }

  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.number(let left), .number(let right)): left.bitPattern == right.bitPattern
    case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
    case (.list(let left), .list(let right)): left == right
    case (.object(let left), .object(let right)): left == right
    default: false
    }
  }
}

extension JSONValue: CustomStringConvertible {
  public var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
    case .text(let text): "\"\(text)\""
    case .list(let items): "[\(items.map(\.description).joined(separator: ", "))]"
    case .object(let pairs):
      "{"
        + pairs.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        + "}"
    }
  }

  /// Where two values differ, one line each: the place, what is there, what should be.
  public func differences(from expected: JSONValue, at place: String = "") -> [String] {
    switch (self, expected) {
    case (.object(let found), .object(let wanted)):
      return Set(found.keys).union(wanted.keys).sorted().flatMap { key -> [String] in
        guard let item = found[key] else { return ["\(place).\(key) is missing"] }
        guard let other = wanted[key] else { return ["\(place).\(key) is too much: \(item.short)"] }
        return item.differences(from: other, at: "\(place).\(key)")
      }
    case (.list(let found), .list(let wanted)) where found.count == wanted.count:
      return found.indices.flatMap { index in
        found[index].differences(from: wanted[index], at: "\(place)[\(index)]")
      }
    default:
      return self == expected ? [] : ["\(place) is \(short), not \(expected.short)"]
    }
  }

  private var short: String {
    let text = description
    return text.count > 160 ? "\(text.prefix(160))…" : text
  }
}
