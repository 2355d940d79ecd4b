internal import JSONText
public import TensorIO

// The form of a policy file; `Specs/policy.schema.json` says the same.

extension ValidationPolicy {
  /// The version of the form that is written and read.
  public static let version = 1

  /// Reads a policy file.
  /// - Throws: `io` when it cannot be read; `malformed` naming the key that is wrong.
  public init(contentsOf path: String) throws(TensorIOError) {
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      let file = try InputFile(path: path)
      let limits = DecodingLimits()
      guard file.byteCount <= 64 << 20 else {
        throw .malformed("a policy has 64 MiB at most, not \(file.byteCount) bytes")
      }
      return try ValidationPolicy(
        JSON(parsing: try file.bytes(0..<file.byteCount), limits: limits))
    }
  }

  private init(_ json: JSON) throws(TensorIOError) {
    self.init()
    var reader = try ObjectReader(json, "the policy")
    guard try reader.int("version") == Self.version else {
      throw .malformed("'version' has to be \(Self.version), the form of policies that is known")
    }
    reader.skip("$schema")
    formats = try reader.texts("formats")
    mostBytes = try reader.int("max_file_bytes")
    fewestTensors = try reader.int("min_tensors")
    mostTensors = try reader.int("max_tensors")
    requiresFinite = try reader.bool("finite") ?? false
    allowedGlobals = try reader.texts("allowed_globals") ?? []
    for code in try reader.texts("allowed_findings") ?? [] {
      guard let code = Finding.Code(rawValue: code) else {
        throw .malformed("'allowed_findings' has no finding '\(code.escapedForDisplay)'")
      }
      allowedFindings.append(code)
    }
    for item in try reader.array("forbidden") ?? [] {
      var reader = try ObjectReader(item, "an entry of 'forbidden'")
      forbidden.append(try reader.names())
      try reader.finish()
    }
    for item in try reader.array("tensors") ?? [] { tensors.append(try Rule(item)) }
    allowsOthers = try reader.bool("allow_other_tensors") ?? true
    try reader.finish()
  }

  /// The text of a policy file.
  public var json: String {
    var pairs: [(key: String, value: JSON)] = [("version", .int(Self.version))]
    func add(_ key: String, _ value: JSON?) { if let value { pairs.append((key, value)) } }
    add("formats", formats.map { .array($0.map { .string($0) }) })
    add("max_file_bytes", mostBytes.map { .int($0) })
    add("min_tensors", fewestTensors.map { .int($0) })
    add("max_tensors", mostTensors.map { .int($0) })
    add("finite", .bool(requiresFinite))
    add("allowed_globals", .array(allowedGlobals.map { .string($0) }))
    add("allowed_findings", .array(allowedFindings.map { .string($0.rawValue) }))
    add("forbidden", .array(forbidden.map { .object([$0.json]) }))
    add("allow_other_tensors", .bool(allowsOthers))
    add("tensors", .array(tensors.map(\.json)))
    return JSON.object(pairs).indented
  }
}

extension ValidationPolicy.Rule {
  fileprivate init(_ json: JSON) throws(TensorIOError) {
    var reader = try ObjectReader(json, "an entry of 'tensors'")
    self.init(try reader.names())
    isRequired = try reader.bool("required") ?? true
    dtypes = try reader.texts("dtype")
    minimum = try reader.number("min")
    maximum = try reader.number("max")
    requiresFinite = try reader.bool("finite") ?? false
    if let axes = try reader.array("shape") {
      shape = try axes.map { (axis) throws(TensorIOError) in try .init(axis) }
      guard axes.count <= 64, shape?.filter({ $0 == .rest }).count ?? 0 <= 1 else {
        throw .malformed("a shape has 64 axes and one \"...\" at most")
      }
    }
    try reader.finish()
  }

  fileprivate var json: JSON {
    var pairs = [names.json]
    if !isRequired { pairs.append(("required", .bool(false))) }
    if let dtypes { pairs.append(("dtype", .array(dtypes.map { .string($0) }))) }
    if let shape { pairs.append(("shape", .array(shape.map(\.json)))) }
    if let minimum { pairs.append(("min", .double(minimum))) }
    if let maximum { pairs.append(("max", .double(maximum))) }
    if requiresFinite { pairs.append(("finite", .bool(true))) }
    return .object(pairs)
  }
}

extension ValidationPolicy.Axis {
  fileprivate init(_ json: JSON) throws(TensorIOError) {
    switch json {
    case .int(let length) where length >= 0: self = .exactly(length)
    case .null: self = .any
    case .string("..."): self = .rest
    case .string(let name): self = .named(name)
    default: throw .malformed("an axis is a length, null, a name or \"...\"")
    }
  }

  fileprivate var json: JSON {
    switch self {
    case .exactly(let length): .int(length)
    case .any: .null
    case .named(let name): .string(name)
    case .rest: .string("...")
    }
  }
}

extension NamePattern {
  fileprivate var json: (key: String, value: JSON) {
    switch self {
    case .name(let name): ("name", .string(name))
    case .glob(let pattern): ("pattern", .string(pattern))
    }
  }
}

/// Takes the keys of an object one by one, and refuses those that nobody asked for.
private struct ObjectReader {
  private let what: String
  private var left: [(key: String, value: JSON)]

  init(_ json: JSON, _ what: String) throws(TensorIOError) {
    guard case .object(let pairs) = json else { throw .malformed("\(what) is no object") }
    self.what = what
    left = pairs
  }

  private mutating func take(_ key: String) throws(TensorIOError) -> JSON? {
    let values = left.filter { $0.key.utf8.elementsEqual(key.utf8) }.map(\.value)
    guard values.count <= 1 else { throw .malformed("\(what) has the key '\(key)' twice") }
    left.removeAll { $0.key.utf8.elementsEqual(key.utf8) }
    return values.first
  }

  private func failure(_ key: String, _ wanted: String) -> TensorIOError {
    .malformed("'\(key)' of \(what) is no \(wanted)")
  }

  mutating func skip(_ key: String) { left.removeAll { $0.key == key } }

  mutating func int(_ key: String) throws(TensorIOError) -> Int? {
    guard let value = try take(key) else { return nil }
    guard case .int(let number) = value, number >= 0 else {
      throw failure(key, "number of 0 or more")
    }
    return number
  }

  mutating func number(_ key: String) throws(TensorIOError) -> Double? {
    switch try take(key) {
    case nil: return nil
    case .int(let number): return Double(number)
    case .double(let number) where number.isFinite: return number
    default: throw failure(key, "finite number")
    }
  }

  mutating func bool(_ key: String) throws(TensorIOError) -> Bool? {
    guard let value = try take(key) else { return nil }
    guard case .bool(let flag) = value else { throw failure(key, "true or false") }
    return flag
  }

  mutating func array(_ key: String) throws(TensorIOError) -> [JSON]? {
    guard let value = try take(key) else { return nil }
    guard case .array(let items) = value else { throw failure(key, "list") }
    return items
  }

  mutating func texts(_ key: String) throws(TensorIOError) -> [String]? {
    guard let items = try array(key) else { return nil }
    return try items.map { (item) throws(TensorIOError) in
      guard case .string(let text) = item else { throw failure(key, "list of texts") }
      return text
    }
  }

  /// `name` or `pattern`.
  mutating func names() throws(TensorIOError) -> NamePattern {
    switch (try take("name"), try take("pattern")) {
    case (.string(let name)?, nil): return .name(name)
    case (nil, .string(let pattern)?): return .glob(pattern)
    default: throw .malformed("\(what) has to have either 'name' or 'pattern', a text")
    }
  }

  func finish() throws(TensorIOError) {
    guard let unknown = left.first else { return }
    throw .malformed("\(what) has a key '\(unknown.key.escapedForDisplay)', which means nothing")
  }
}
