internal import TensorIO

/// What is said of a tensor alone.
extension TreeDescription {
  func hash(of tensor: Tensor) throws -> JSONValue {
    guard tensor.hasElements, !tensor.dtype.containsObjects else { return .null }
    return .text(try tensor.goldenHash())
  }

  static func className(of tensor: Tensor, _ type: GlobalName?) -> String {
    guard let type else { return "torch.Tensor" }
    let isStorage = type.name.hasSuffix("Storage") && type.module.hasPrefix("torch")
    guard isStorage else { return type.description }
    return tensor.dtype == .uint8 ? "torch.storage.UntypedStorage" : "torch.storage.TypedStorage"
  }

  static func name(of dtype: DType) -> String {
    if case .structured = dtype { return "structured" }
    return dtype.description
  }

  func arrayFacts(
    _ tensor: Tensor, _ traits: ValueGraph.Traits?
  ) throws -> [String: JSONValue] {
    let size = tensor.dtype.bitWidth / 8
    var facts: [String: JSONValue] = [
      "byteorder_loaded": .text(Self.byteOrder(tensor.dtype, tensor.byteOrder)),
      "itemsize": .int(size),
    ]
    if size == 0 { facts["strides"] = .null }
    if case .structured(let type) = tensor.dtype { facts["fields"] = Self.fields(type) }
    if tensor.dtype.containsObjects {
      facts.merge(try objects(traits?.elements ?? [], tensor.dtype)) { $1 }
    }
    return facts
  }

  static func byteOrder(_ dtype: DType, _ order: ByteOrder) -> String {
    switch dtype {
    case .structured: "struct"
    case .string: order == .big ? ">" : "<"
    default: dtype.swapUnit == 1 ? "|" : order == .big ? ">" : "<"
    }
  }

  static func fields(_ type: StructuredType) -> JSONValue {
    .list(
      type.fields.map { field in
        var entry: [String: JSONValue] = [
          "name": .text(field.name), "title": field.title.map { .text($0) } ?? .null,
          "dtype": .text(name(of: field.dtype)), "shape": .ints(field.shape),
          "byteorder": .text(byteOrder(field.dtype, field.byteOrder)),
          "itemsize": .int(field.dtype.bitWidth / 8), "offset": .int(field.offset),
        ]
        if case .structured(let inner) = field.dtype { entry["fields"] = fields(inner) }
        return .object(entry)
      })
  }

  static func describe(_ quantization: Quantization) throws -> JSONValue {
    var entry: [String: JSONValue] = ["scheme": .text(quantization.scheme.rawValue)]
    switch quantization {
    case .perTensor(_, let scale, let zeroPoint):
      entry["scale"] = .number(scale)
      entry["zero_point"] = .int(Int(zeroPoint))
    case .perChannel(_, let scales, let zeroPoints, let axis):
      entry["axis"] = .int(axis)
      for (name, tensor) in [("scales", scales), ("zero_points", zeroPoints)] {
        entry[name] = .list(
          try (0..<tensor.count).map { index in
            switch try tensor.element(at: [index]) {
            case .float(let value): .number(value)
            case .int(let value): .int(Int(value))
            default: .null
            }
          })
        entry["\(name)_dtype"] = .text(tensor.dtype.description)
      }
    }
    return .object(entry)
  }
}
