internal import ByteIO
internal import JSONText

/// An object of a manifest that is being read, with its place in words: `tensors[3].before`.
///
/// Every key is taken once, and none is left.
struct ManifestFields {
  private let place: String
  private var values: [ByteKey: JSON] = [:]

  init(_ json: JSON, at place: String) throws(TensorIOError) {
    guard case .object(let pairs) = json else {
      throw .malformed("\(place.isEmpty ? "the manifest" : place) is no object")
    }
    self.place = place
    for pair in pairs {
      guard values.updateValue(pair.value, forKey: ByteKey(pair.key)) == nil else {
        throw failure("has the key '\(pair.key.escapedForDisplay)' twice")
      }
    }
  }

  func failure(_ what: String) -> TensorIOError {
    .malformed("\(place.isEmpty ? "the manifest" : place) \(what)")
  }

  private func path(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

  private mutating func take(_ key: String) throws(TensorIOError) -> JSON {
    guard let value = values.removeValue(forKey: ByteKey(key)) else {
      throw failure("has no '\(key)'")
    }
    return value
  }

  /// Refuses keys that nobody asked for.
  func finish() throws(TensorIOError) {
    if let key = values.keys.map(\.text).min() {
      throw failure("has the unknown key '\(key.escapedForDisplay)'")
    }
  }

  mutating func text(_ key: String) throws(TensorIOError) -> String {
    guard case .string(let text) = try take(key) else {
      throw failure("has a '\(key)' that is no text")
    }
    return text
  }

  /// A list of texts; nil where the key is missing.
  mutating func textsIfAny(_ key: String) throws(TensorIOError) -> [String]? {
    guard let value = values.removeValue(forKey: ByteKey(key)) else { return nil }
    guard case .array(let items) = value else { throw failure("has a '\(key)' that is no list") }
    var texts: [String] = []
    for item in items {
      guard case .string(let text) = item else {
        throw failure("has a '\(key)' with an item that is no text")
      }
      texts.append(text)
    }
    return texts
  }

  /// A number of things.
  mutating func count(_ key: String) throws(TensorIOError) -> Int {
    guard let count = try take(key).int, count >= 0 else {
      throw failure("has a '\(key)' that is no whole number of 0 and up")
    }
    return count
  }

  /// A number; those that JSON has no word for are texts.
  mutating func number(_ key: String) throws(TensorIOError) -> Double {
    switch try take(key) {
    case .double(let value): return value
    case .int(let value): return Double(value)
    case .string("inf"): return .infinity
    case .string("nan"): return .nan
    default: throw failure("has a '\(key)' that is no number")
    }
  }

  /// A SHA-256 in hexadecimal; nil for null, where that is allowed.
  mutating func hash(_ key: String, orNull: Bool = false) throws(TensorIOError) -> String? {
    let value = try take(key)
    if orNull, case .null = value { return nil }
    guard case .string(let text) = value, text.utf8.count == 64,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { throw failure("has a '\(key)' that is no SHA-256 of 64 hexadecimal digits") }
    return text
  }

  mutating func hash(_ key: String) throws(TensorIOError) -> String {
    let hash: String? = try hash(key, orNull: false)
    guard let hash else { throw failure("has no '\(key)'") }
    return hash
  }

  mutating func shape(_ key: String) throws(TensorIOError) -> [Int] {
    guard case .array(let items) = try take(key), items.count <= 64 else {
      throw failure("has a '\(key)' that is no list of at most 64 lengths")
    }
    var shape: [Int] = []
    for item in items {
      guard let length = item.int, length >= 0 else {
        throw failure("has a '\(key)' with a length that is no whole number of 0 and up")
      }
      shape.append(length)
    }
    return shape
  }

  /// An object under a key; nil for null, where that is allowed.
  mutating func object(_ key: String) throws(TensorIOError) -> ManifestFields {
    try ManifestFields(try take(key), at: path(key))
  }

  mutating func objectOrNull(_ key: String) throws(TensorIOError) -> ManifestFields? {
    let value = try take(key)
    if case .null = value { return nil }
    return try ManifestFields(value, at: path(key))
  }

  /// The objects of a list, each read by `body` to its last key.
  mutating func list<Item>(
    _ key: String, _ body: (inout ManifestFields) throws(TensorIOError) -> Item
  ) throws(TensorIOError) -> [Item] {
    guard case .array(let items) = try take(key) else {
      throw failure("has a '\(key)' that is no list")
    }
    var list: [Item] = []
    for (index, item) in items.enumerated() {
      var fields = try ManifestFields(item, at: "\(path(key))[\(index)]")
      list.append(try body(&fields))
      try fields.finish()
    }
    return list
  }
}
