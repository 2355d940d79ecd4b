internal import ByteIO
internal import TensorModel

/// An element type as a header's `descr` gives it: a dtype, its byte order, and the shape of a
/// subarray.
struct NPYElement {
  var dtype: DType
  var byteOrder: ByteOrder = .little
  var shape: [Int] = []
}

/// Reads the `descr` entry of a header: the forms that NumPy writes, and those it accepts that are more
/// than a curiosity.
///
/// | form | meaning |
/// |---|---|
/// | `'<f4'` | a typestring: byte order, kind, size |
/// | `'float32'`, `'i'`, `'?'` | NumPy's names and one-letter codes |
/// | `'(2,3)<f4'`, `'<f4,<i2'` | a subarray, a record with fields f0, f1 |
/// | `[('a', '<f4'), ('b', '<i2', (2, 3))]` | a record |
/// | `[(('Title', 'a'), '<f4'), ('', '|V3')]` | a titled field, padding |
/// | `('<f4', (2,))` | a subarray |
struct NPYDescriptionParser {
  let limits: DecodingLimits

  /// The element type of an array.
  func element(_ literal: PythonLiteral, depth: Int = 0) throws(TensorIOError) -> NPYElement {
    guard depth < limits.nestingDepth else {
      throw .limit(
        "the nesting of records", depth + 1, over: limits.nestingDepth, raise: "nestingDepth")
    }
    switch literal {
    case .string(let text): return try TypeString.parse(text)
    case .list(let fields): return NPYElement(dtype: try record(fields, depth: depth + 1))
    case .tuple(let parts) where parts.count == 2:
      return try subarray(element(parts[0], depth: depth + 1), parts[1])
    default: throw .malformed("descr is \(literal.kind), which names no dtype")
    }
  }

  private func record(_ literals: [PythonLiteral], depth: Int) throws(TensorIOError) -> DType {
    var fields: [StructuredType.Field] = []
    var offset = 0
    for literal in literals {
      guard let parts = literal.items, parts.count == 2 || parts.count == 3 else {
        throw .malformed("a field of descr is \(literal.kind), not (name, dtype[, shape])")
      }
      let (name, title) = try names(parts[0])
      var element = try element(parts[1], depth: depth)
      if parts.count == 3 { element = try subarray(element, parts[2]) }
      let size = try Shape.byteCount(of: element.dtype, shape: element.shape)
      if !(name.isEmpty && title == nil && element.isPadding) {
        fields.append(
          StructuredType.Field(
            name: name, title: title, dtype: element.dtype, byteOrder: element.byteOrder,
            shape: element.shape, offset: offset))
      }
      offset = try offset.added(to: size, "the size of the record")
    }
    do throws(TensorIOError) {
      return .structured(try StructuredType(fields: fields, byteCount: offset))
    } catch {
      throw .malformed(error.reason)
    }
  }

  private func names(
    _ literal: PythonLiteral
  ) throws(TensorIOError) -> (name: String, title: String?) {
    switch literal {
    case .string(let name): return (name, nil)
    case .tuple(let parts):
      if parts.count == 2, case .string(let title) = parts[0], case .string(let name) = parts[1] {
        return (name, title)
      }
    default: break
    }
    throw .malformed("a field's name is \(literal.kind), not a str or (title, name)")
  }

  private func subarray(
    _ element: NPYElement, _ literal: PythonLiteral
  ) throws(TensorIOError) -> NPYElement {
    // For text and bytes without a size, NumPy reads the number as the size: ('S', 5) is S5.
    if let sized = try element.dtype.sized(by: literal) {
      return NPYElement(dtype: sized, byteOrder: element.byteOrder)
    }
    var shape: [Int] = []
    for literal in literal.items ?? [literal] {
      guard case .int(let axis) = literal, axis >= 0 else {
        throw .malformed("the shape of a subarray has \(literal.kind), not a length")
      }
      shape.append(axis)
    }
    // An outer shape comes before an inner one.
    var element = element
    element.shape = shape + element.shape
    guard element.shape.count <= NPYHeader.maximumRank else {
      throw .malformed("a subarray has \(element.shape.count) axes")
    }
    return element
  }
}

extension DType {
  /// `S`, `U` or `V` without a size, with the size that a literal gives; nil for other dtypes.
  fileprivate func sized(by literal: PythonLiteral) throws(TensorIOError) -> DType? {
    switch self {
    case .bytes(count: 0), .string(count: 0), .void(count: 0): break
    default: return nil
    }
    guard case .int(let count) = literal, (0...(1 << 28)).contains(count) else {
      throw .malformed("the size of \(self) is \(literal.kind), which NumPy refuses too")
    }
    switch self {
    case .bytes: return .bytes(count: count)
    case .string: return .string(count: count)
    default: return .void(count: count)
    }
  }
}

extension NPYElement {
  /// With an empty name, what NumPy takes for padding: a `V` without fields, and subarrays, which are
  /// a kind of it.
  fileprivate var isPadding: Bool {
    if case .void = dtype { return true }
    return !shape.isEmpty
  }
}

extension PythonLiteral {
  /// The items of a tuple or list.
  fileprivate var items: [PythonLiteral]? {
    switch self {
    case .tuple(let items), .list(let items): items
    default: nil
    }
  }
}

/// Writes the `descr` entry as np.save does.
enum NPYDescriptionWriter {
  /// The literal for an element type.
  /// - Throws: `unsupported` for dtypes without bytes that NumPy could read.
  static func text(_ dtype: DType, _ order: ByteOrder) throws(TensorIOError) -> String {
    guard case .structured(let type) = dtype else {
      return PythonRepr.string(try TypeString.text(dtype, order))
    }
    var parts: [String] = []
    var end = 0
    for field in type.fields {
      if field.offset > end { parts.append(padding(field.offset - end)) }
      let name = PythonRepr.string(field.name)
      let title = field.title.map { "(\(PythonRepr.string($0)), \(name))" }
      var part = "(\(title ?? name), \(try text(field.dtype, field.byteOrder))"
      if !field.shape.isEmpty { part += ", \(PythonRepr.tuple(field.shape))" }
      parts.append(part + ")")
      end = field.offset + field.byteCount
    }
    if type.byteCount > end { parts.append(padding(type.byteCount - end)) }
    return "[" + parts.joined(separator: ", ") + "]"
  }

  private static func padding(_ count: Int) -> String { "('', '|V\(count)')" }
}
