internal import ByteIO
internal import TensorIO

/// What values are, as texts that differ where the values do.
enum ValueText {
  /// How two values differ that are not both the same kind of container.
  static func difference(
    _ one: ValueGraph.ID, _ left: ValueGraph, _ other: ValueGraph.ID, _ right: ValueGraph
  ) -> (left: String, right: String)? {
    let texts = (scalar(left[one]), scalar(right[other]))
    if let before = texts.0, let after = texts.1 {
      return ByteKey(before) == ByteKey(after) ? nil : (before, after)
    }
    return (texts.0 ?? left.kindText(of: one), texts.1 ?? right.kindText(of: other))
  }

  /// A value that is no container, no tensor and no bytes; floats with their bits.
  static func scalar(_ node: ValueGraph.Node) -> String? {
    switch node {
    case .none: "None"
    case .bool(let value): value ? "True" : "False"
    case .int(let value): "int \(value)"
    case .bigInteger(let digits): "int \(digits)"
    case .float(let value): "float \(bits(value))"
    case .complex(let real, let imaginary): "complex \(bits(real)), \(bits(imaginary))"
    case .string(let text): "text '\(text)'"
    default: nil
    }
  }

  private static func bits(_ value: Double) -> String {
    "\(value) (0x\(String(value.bitPattern, radix: 16)))"
  }

  /// A dictionary's key: keys that are one in Python have one text.
  static func key(_ id: ValueGraph.ID, _ graph: ValueGraph) -> String {
    if let text = scalar(graph[id]) { return text }
    return "\(graph.kindText(of: id)) \(graph.keyText(id))"
  }

  /// The class where it says more than the value's kind does.
  static func type(_ traits: ValueGraph.Traits?) -> GlobalName? {
    guard let type = traits?.type?.modern, type != GlobalName("torch", "Tensor") else { return nil }
    return type
  }

  /// Whether two runs of bytes are equal: in place where one lies in memory, else by their digests.
  static func areEqual(_ one: any ByteSource, _ other: any ByteSource) throws(TensorIOError) -> Bool
  {
    guard one.byteCount == other.byteCount else { return false }
    let before = try ContentHash.sha256 { (sink) throws(TensorIOError) in try one.stream(sink) }
    let after = try ContentHash.sha256 { (sink) throws(TensorIOError) in try other.stream(sink) }
    return before == after
  }
}
