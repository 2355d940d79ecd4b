internal import JSONText
internal import TensorIO
internal import TensorVerify

extension Tensor {
  /// `C`, `F` or `strided`, with `big` for big-endian elements.
  var layoutText: String {
    let order = isContiguous ? "C" : isFortranContiguous ? "F" : "strided"
    return byteOrder == .big ? order + ",big" : order
  }

  /// `(2, 3)`, as NumPy writes shapes.
  var shapeText: String {
    shape.count == 1 ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
  }
}

extension TensorArchive {
  /// The archive as `ls --json` prints it.
  func json(file: String, hashes: [String?]?) throws(TensorIOError) -> JSON {
    let tensors = entries.enumerated().map { index, entry -> JSON in
      var fields = entry.json
      if let hashes { fields.append(("sha256", .optional(hashes[index]))) }
      return .object(fields)
    }
    var values: [JSON] = []
    for value in otherValues {
      let type = self.values.typeName(of: value.id)
      values.append(try value.json(type: type, hashed: hashes != nil))
    }
    return .object([
      ("file", .string(file)), ("format", .optional(format)), ("tensors", .array(tensors)),
      ("values", .array(values)), ("globals", .array(globals.map { $0.json })),
      ("metadata", .object(metadata.map { ($0.key, .string($0.value)) })),
      ("findings", .array(findings.map { JSON($0) })),
    ])
  }
}

extension GlobalUse {
  /// A class or function with its verdict and the place of its opcode.
  var json: JSON {
    .object([
      ("name", .string(name.description)), ("verdict", .string(verdict.rawValue)),
      ("member", .optional(member)), ("offset", .int(offset)),
    ])
  }
}

extension TensorArchive.Entry {
  /// The facts of a tensor.
  fileprivate var json: [(String, JSON)] {
    [
      ("name", .string(name)), ("path", .array(path.map { .string($0) })),
      ("dtype", .string(tensor.dtype.description)),
      ("shape", .array(tensor.shape.map { .int($0) })),
      ("strides", .array(tensor.strides.map { .int($0) })),
      ("byte_order", .string(tensor.byteOrder == .big ? "big" : "little")),
      ("device", .string(tensor.device.description)),
      ("requires_grad", .bool(tensor.requiresGrad)), ("byte_count", .int(tensor.byteCount)),
    ]
  }
}

extension ValueGraph.Leaf {
  /// Kind and value, as the contract in Specs/cli.md names them.
  fileprivate func json(type: GlobalName?, hashed: Bool) throws(TensorIOError) -> JSON {
    let (kind, value): (String, JSON) =
      switch node {
      case .none: ("none", .null)
      case .bool(let value): ("bool", .bool(value))
      case .int(let value): ("int", .exact(value))
      case .bigInteger(let digits): ("int", .string(digits))
      case .float(let value): ("float", .double(value))
      case .complex(let real, let imaginary):
        ("complex", .array([.double(real), .double(imaginary)]))
      case .string(let text): ("str", .string(text))
      case .bytes(let source): ("bytes", .string("\(source.byteCount) bytes"))
      case .object: ("object", .optional(type?.description))
      default: ("container", .null)
      }
    var fields: [(String, JSON)] = [
      ("path", .array(path.map { .string($0) })), ("kind", .string(kind)), ("value", value),
    ]
    if hashed, case .bytes(let source) = node {
      fields.append(
        (
          "sha256",
          .string(
            try ContentHash.sha256 { (sink) throws(TensorIOError) in
              try source.stream(sink)
            })
        ))
    }
    return .object(fields)
  }
}
