internal import TensorIO

/// Draws the values of a file as an indented tree.
struct Tree {
  private let values: ValueGraph
  private let limits: DecodingLimits

  init(_ archive: TensorArchive, limits: DecodingLimits) {
    values = archive.values
    self.limits = limits
  }

  /// The lines, one a value, containers before their contents.
  func forEachLine(_ body: (String) throws -> Void) throws {
    try values.forEachValue(limits: limits) { path, id in
      let indent = String(repeating: "  ", count: path.count)
      let key = path.last.map { "\($0.escapedForDisplay): " } ?? ""
      try body(indent + key + text(of: id))
    }
  }

  private func text(of id: ValueGraph.ID) -> String {
    let type = values.typeName(of: id).map { "\($0)".escapedForDisplay }
    switch values[id] {
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .int(let value): return "\(value)"
    case .bigInteger(let digits): return digits
    case .float(let value): return "\(value)"
    case .complex(let real, let imaginary): return "\(real) + \(imaginary)j"
    case .string(let text):
      return "'\(text.prefix(200).description.escapedForDisplay)'" + (text.count > 200 ? "…" : "")
    case .bytes(let source): return "\(type ?? "bytes"), \(source.byteCount.byteText)"
    case .list(let items): return "\(type ?? "list") of \(items.count)"
    case .tuple(let items): return "\(type ?? "tuple") of \(items.count)"
    case .set(let items): return "\(type ?? "set") of \(items.count)"
    case .dictionary(let pairs): return "\(type ?? "dict") of \(pairs.count)"
    case .tensor(let tensor): return self.text(of: tensor, type)
    case .object(let object):
      if case .global = object.origin { return "the class or function \(type ?? "?")" }
      return "object of \(type ?? "an unknown class")"
    }
  }

  private func text(of tensor: Tensor, _ type: String?) -> String {
    var parts = ["\(type ?? "tensor") \(tensor.dtype) \(tensor.shapeText)"]
    if tensor.device != .cpu { parts.append("\(tensor.device)".escapedForDisplay) }
    if tensor.requiresGrad { parts.append("requires_grad") }
    return parts.joined(separator: ", ")
  }
}
