import TensorIO

/// The values without items.
extension TreeDescription {
  private static func value(_ kind: String, _ value: JSONValue) -> JSONValue {
    .object(["kind": .text(kind), "value": value])
  }

  /// A float for JSON: itself, or `nan`, `inf`, `-inf`.
  private static func real(_ value: Double) -> JSONValue {
    if value.isFinite { return .number(value) }
    return .text(value.isNaN ? "nan" : value < 0 ? "-inf" : "inf")
  }

  /// A value without items, or nil for others.
  func leaf(_ id: ValueGraph.ID) throws -> JSONValue? {
    if let scalar = try numpyScalar(id) { return scalar }
    switch graph[id] {
    case .none: return Self.value("none", .null)
    case .bool(let value): return Self.value("bool", .bool(value))
    case .int(let value):
      let isExact = value.magnitude <= 1 << 53
      return Self.value("int", isExact ? .number(Double(value)) : .text("\(value)"))
    case .bigInteger(let digits): return Self.value("int", .text(digits))
    case .float(let value):
      var entry = Self.value("float", Self.real(value))
      if !value.isFinite {
        entry["bits"] = .text(Self.hexadecimal(value.bitPattern.bigEndianBytes))
      }
      return entry
    case .complex(let real, let imaginary):
      return Self.value("complex", .list([Self.real(real), Self.real(imaginary)]))
    case .string(let text): return Self.value("str", .text(text))
    case .bytes(let source):
      var entry = Self.value("bytes", .text(Self.hexadecimal(try source.bytes())))
      if graph.traits(of: id)?.type != nil { entry["class"] = .text("bytearray") }
      return entry
    case .object(let object): return try leaf(object)
    default: return nil
    }
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private func leaf(_ object: ValueGraph.InertObject) throws -> JSONValue? {
    if case .global(let name) = object.origin { return Self.global(name) }
    guard case .call(let callee, _) = object.origin, let name = graph.typeName(of: callee)?.modern,
      object.elements.isEmpty, object.items.isEmpty
    else { return nil }
    let arguments = arguments(of: object)
    switch name.description {
    case "torch.device": return Self.value("device", .text(device(arguments)))
    case "torch.serialization._get_layout":
      guard let layout = arguments.first, case .string(let text) = graph[layout] else { return nil }
      return Self.value("layout", .text(String(text.dropFirst("torch.".count))))
    case "builtins.slice", "builtins.range":
      return Self.value(
        name.name, .list(try arguments.map { try render($0)["value"] ?? .null }))
    case "numpy.dtype":
      return descr(object).map { Self.value("numpy.dtype", $0) }
    default: return nil
    }
  }

  private func device(_ arguments: [ValueGraph.ID]) -> String {
    arguments.map { keyText($0) }.joined(separator: ":")
  }

  /// The layout that a file names, in either spelling; of a call, that of its first argument.
  static func layout(_ id: ValueGraph.ID, _ graph: ValueGraph) -> JSONValue {
    guard case .object(let object) = graph[id] else { return .null }
    if case .global(let name) = object.origin { return .text(name.name) }
    guard case .call(_, let tuple) = object.origin, case .tuple(let items) = graph[tuple],
      let first = items.first
    else { return .null }
    guard case .string(let text) = graph[first] else { return layout(first, graph) }
    return .text(String(text.dropFirst("torch.".count)))
  }

  private static let builtins: Set<String> = [
    "set", "frozenset", "bytearray", "bytes", "complex", "slice", "range", "object", "Ellipsis",
    "int", "float", "str", "bool", "dict", "list", "tuple", "type",
  ]

  /// A class as Python names it: those built in without their module.
  static func className(of name: GlobalName) -> String {
    let modern = name.modern
    return modern.module == "builtins" && builtins.contains(modern.name)
      ? modern.name : name.description
  }

  private static func global(_ name: GlobalName) -> JSONValue {
    if name.module == "torch" {
      if DType(torchName: name.name) != nil { return value("dtype", .text(name.name)) }
      if Quantization.Scheme(rawValue: name.name) != nil {
        return value("qscheme", .text(name.name))
      }
    }
    return value("global", .text(className(of: name)))
  }

  // MARK: NumPy

  private func numpyScalar(_ id: ValueGraph.ID) throws -> JSONValue? {
    if let type = graph.traits(of: id)?.type, type.module == "numpy",
      let dtype = DType(name: type.name), !graph.isTensor(id)
    {
      return try Self.numpy(dtype, bytes(of: graph[id], as: dtype))
    }
    guard case .object(let object) = graph[id], case .call(let callee, _) = object.origin,
      let name = graph.typeName(of: callee), name.name == "scalar",
      name.module.hasPrefix("numpy."), name.module.hasSuffix(".multiarray")
    else { return nil }
    let arguments = arguments(of: object)
    guard arguments.count == 2, case .object(let dtype) = graph[arguments[0]],
      let descr = descr(dtype), case .bytes(let source) = graph[arguments[1]]
    else { return nil }
    return .object([
      "kind": .text("numpy"), "dtype": .text(Self.dtypeName(descr)),
      "bytes": .text(Self.hexadecimal(try source.bytes())),
    ])
  }

  private static func numpy(_ dtype: DType, _ bytes: [UInt8]) throws -> JSONValue {
    .object([
      "kind": .text("numpy"), "dtype": .text(name(of: dtype)),
      "bytes": .text(hexadecimal(bytes)),
    ])
  }

  /// The bytes of a number in a dtype.
  private func bytes(of node: ValueGraph.Node, as dtype: DType) throws -> [UInt8] {
    let size = dtype.bitWidth / 8
    let tensor: Tensor
    switch node {
    case .bool(let value): return [value ? 1 : 0]
    case .int(let value): return Array(value.bigEndianBytes.reversed().prefix(size))
    case .bigInteger(let digits):
      return Array((UInt64(digits) ?? 0).bigEndianBytes.reversed().prefix(size))
    case .float(let value): tensor = try Tensor([value], shape: [])
    case .complex(let real, let imaginary):
      tensor = try Tensor([Complex<Double>(real, imaginary)], shape: [])
    default: return []
    }
    var bytes: [UInt8] = []
    try tensor.converted(to: dtype).streamElements { chunk in
      for index in chunk.indices { bytes.append(chunk[index]) }
    }
    return bytes
  }

  /// NumPy's descr of a pickled dtype: `dtype(code, …)` with the state
  /// `(version, order, subdtype, names, fields, …)`.
  private func descr(_ object: ValueGraph.InertObject) -> JSONValue? {
    guard let first = arguments(of: object).first, case .string(let code) = graph[first],
      let last = object.states.last, case .tuple(let state) = graph[last], state.count >= 5,
      case .string(let order) = graph[state[1]]
    else { return nil }
    if case .tuple(let names) = graph[state[3]], case .dictionary(let fields) = graph[state[4]] {
      return .list(
        names.map { name in
          let text = keyText(name)
          guard let field = fields.first(where: { keyText($0.key) == text }),
            case .tuple(let place) = graph[field.value],
            case .object(let dtype) = graph[place[0]], let descr = descr(dtype)
          else { return .null }
          return .list([.text(text), descr])
        })
    }
    if code == "O8" { return .text("|O") }
    guard ["M8", "m8"].contains(code), state.count > 8,
      case .tuple(let metadata) = graph[state[8]], metadata.count == 2,
      case .tuple(let unit) = graph[metadata[1]], unit.count == 4
    else { return .text(order + code) }
    let count = keyText(unit[1]) == "1" ? "" : keyText(unit[1])
    var name = keyText(unit[0])
    if name.hasPrefix("b'") { name = String(name.dropFirst(2).dropLast()) }
    return .text("\(order)\(code)[\(count)\(name)]")
  }

  /// The golden files' name of a scalar's descr.
  private static func dtypeName(_ descr: JSONValue) -> String {
    guard let text = descr.text else { return "structured" }
    let code = String(text.dropFirst())
    let numbers: [String: DType] = [
      "b1": .bool, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64, "u1": .uint8,
      "u2": .uint16, "u4": .uint32, "u8": .uint64, "f2": .float16, "f4": .float32, "f8": .float64,
      "f16": .longDouble, "c8": .complex64, "c16": .complex128, "c32": .complexLongDouble,
    ]
    if let dtype = numbers[code] { return dtype.description }
    if code.hasPrefix("M8") { return "datetime64" + code.dropFirst(2) }
    if code.hasPrefix("m8") { return "timedelta64" + code.dropFirst(2) }
    return code
  }

  /// A record with objects in it, of which the file has a tuple.
  func record(
    _ id: ValueGraph.ID, _ type: StructuredType, _ above: [ValueGraph.ID]
  ) throws -> JSONValue {
    guard case .tuple(let items) = graph[id], items.count == type.fields.count else {
      return try render(id, above: above)
    }
    return .object([
      "kind": .text("record"), "names": .list(type.fields.map { .text($0.name) }),
      "items": .list(
        try zip(items, type.fields).map { item, field in
          try self.field(item, field, above)
        }),
    ])
  }

  private func field(
    _ id: ValueGraph.ID, _ field: StructuredType.Field, _ above: [ValueGraph.ID]
  ) throws -> JSONValue {
    if !field.shape.isEmpty {
      var entry: [String: JSONValue] = [
        "kind": .text("tensor"), "dtype": .text(Self.name(of: field.dtype)),
        "shape": .ints(field.shape), "sha256": .null,
      ]
      entry.merge(try objects(flattened(id, field.shape.count), field.dtype, above: above)) { $1 }
      return .object(entry)
    }
    if case .structured(let inner) = field.dtype { return try record(id, inner, above) }
    if field.dtype.containsObjects { return try render(id, above: above) }
    return try Self.numpy(field.dtype, bytes(of: graph[id], as: field.dtype))
  }

  private func flattened(_ id: ValueGraph.ID, _ depth: Int) -> [ValueGraph.ID] {
    guard depth > 0 else { return [id] }
    switch graph[id] {
    case .list(let items), .tuple(let items): return items.flatMap { flattened($0, depth - 1) }
    case .tensor: return graph.traits(of: id)?.elements ?? []
    default: return [id]
    }
  }
}

extension FixedWidthInteger {
  /// The bytes, the highest first.
  fileprivate var bigEndianBytes: [UInt8] {
    stride(from: Self.bitWidth - 8, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: self >> Self($0))
    }
  }
}
