internal import ByteIO
internal import TensorModel

/// NumPy's text for a dtype: `<f4`, `|S5`, `<M8[25s]`, and the names that `np.dtype` takes.
enum TypeString {
  // MARK: Reading

  /// The element type that a text names.
  static func parse(_ text: String) throws(TensorIOError) -> NPYElement {
    let trimmed = text.drop { $0 == " " }
    if trimmed.hasPrefix("(") || text.contains(",") { return try parseCommaString(text) }
    return try parseSingle(text, whole: text)
  }

  static func invalid(_ text: String) -> TensorIOError {
    let bare = text.drop { "<>=|".contains($0) }
    guard bare.hasPrefix("T") || bare == "f1" || DType(name: String(bare)) != nil else {
      return .malformed("descr '\(text.escapedForDisplay)' names no NumPy dtype")
    }
    return .unsupported(
      "descr '\(text.escapedForDisplay)' names a dtype of an extension, which NumPy itself cannot "
        + "load; save the array as raw bytes (V1, V2) or as another dtype")
  }

  private static func parseSingle(
    _ text: String, whole: String
  ) throws(TensorIOError) -> NPYElement {
    var rest = Substring(text)
    var order = ByteOrder.little
    switch rest.first {
    case "<", "=", "|": rest.removeFirst()
    case ">":
      order = .big
      rest.removeFirst()
    default:
      if let dtype = names[text] { return NPYElement(dtype: dtype) }
    }
    if let dtype = codes[String(rest)] { return normalized(dtype, order) }
    guard let kind = rest.first else { throw invalid(whole) }
    rest.removeFirst()
    if kind == "M" || kind == "m" || rest.hasPrefix("atetime64") || rest.hasPrefix("imedelta64") {
      return normalized(try timeType(kind, rest, whole: whole), order)
    }
    guard rest.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let size = Int(rest) else {
      throw invalid(whole)
    }
    if let dtype = sized["\(kind)\(size)"] { return normalized(dtype, order) }
    switch kind {
    case "S", "a": return NPYElement(dtype: .bytes(count: try checked(size, unit: 1, whole)))
    case "U":
      return normalized(.string(count: try checked(size, unit: 4, whole)), order)
    case "V": return NPYElement(dtype: .void(count: try checked(size, unit: 1, whole)))
    // Old files say O4 on 32-bit machines; the elements are in a pickle either way.
    case "O" where size == 4 || size == 8: return NPYElement(dtype: .object)
    default: throw invalid(whole)
    }
  }

  /// NumPy keeps item sizes in a C int.
  private static func checked(
    _ count: Int, unit: Int, _ whole: String
  ) throws(TensorIOError) -> Int {
    guard count <= Int(Int32.max) / unit else { throw invalid(whole) }
    return count
  }

  private static func normalized(_ dtype: DType, _ order: ByteOrder) -> NPYElement {
    NPYElement(dtype: dtype, byteOrder: dtype.swapUnit > 1 ? order : .little)
  }

  /// `<f4,<i2`, `(2,3)<f4`, `2<f4`: records and subarrays in one text.
  private static func parseCommaString(_ text: String) throws(TensorIOError) -> NPYElement {
    var elements: [NPYElement] = []
    var rest = Substring(text)
    var sawComma = false
    while true {
      rest = rest.drop { $0 == " " }
      if rest.isEmpty, sawComma { break }
      let shape = try leadingShape(&rest, whole: text)
      let end = rest.firstIndex(of: ",") ?? rest.endIndex
      var single = rest[..<end]
      while single.last == " " { single.removeLast() }
      var element = try parseSingle(String(single), whole: text)
      element.shape = shape
      elements.append(element)
      if end == rest.endIndex { break }
      sawComma = true
      rest = rest[rest.index(after: end)...]
    }
    if !sawComma, elements.count == 1 { return elements[0] }
    var fields: [StructuredType.Field] = []
    var offset = 0
    for (index, element) in elements.enumerated() {
      fields.append(
        StructuredType.Field(
          name: "f\(index)", dtype: element.dtype, byteOrder: element.byteOrder,
          shape: element.shape, offset: offset))
      let size = try Shape.byteCount(of: element.dtype, shape: element.shape)
      offset = try offset.added(to: size, "the size of the record")
    }
    return NPYElement(
      dtype: .structured(try StructuredType(fields: fields, byteCount: offset)))
  }

  private static func leadingShape(
    _ rest: inout Substring, whole: String
  ) throws(TensorIOError) -> [Int] {
    if let digits = rest.prefix(while: { $0.isASCII && $0.isNumber }) as Substring?, !digits.isEmpty
    {
      guard let repeats = Int(digits) else { throw invalid(whole) }
      rest = rest.dropFirst(digits.count)
      return [repeats]
    }
    guard rest.hasPrefix("(") else { return [] }
    guard let close = rest.firstIndex(of: ")") else { throw invalid(whole) }
    var shape: [Int] = []
    for part in rest[rest.index(after: rest.startIndex)..<close].split(separator: ",") {
      let digits = part.filter { $0 != " " }
      guard let axis = Int(digits), axis >= 0 else { throw invalid(whole) }
      shape.append(axis)
    }
    rest = rest[rest.index(after: close)...]
    return shape
  }

  // MARK: Writing

  /// NumPy's text: with `<` or `>` where byte order has a meaning, else with `|`.
  ///
  /// bfloat16, the 8-bit floats and complex32 are written as raw bytes (`<V2`, `<V1`, `<V4`), as
  /// ml_dtypes does, and so are torch's other dtypes of whole bytes: NumPy has no name for them.
  static func text(_ dtype: DType, _ order: ByteOrder) throws(TensorIOError) -> String {
    let mark = dtype.swapUnit == 1 ? "|" : order == .little ? "<" : ">"
    switch dtype {
    case .bytes(let count): return "|S\(count)"
    case .string(let count): return "\(mark)U\(count)"
    case .void(let count): return "|V\(count)"
    case .datetime(let unit): return "\(mark)M8\(unit.suffix)"
    case .timedelta(let unit): return "\(mark)m8\(unit.suffix)"
    case .object: return "|O"
    case _ where rawSize(dtype) != nil: return "<V\(dtype.bitWidth / 8)"
    default:
      guard let spelling = sized.first(where: { $0.value == dtype }) else {
        throw .unsupported(
          "NumPy has no dtype for \(dtype); leave the tensor out (--exclude)")
      }
      return mark + spelling.key
    }
  }

  /// The size of a dtype that NumPy can only hold as raw bytes.
  static func rawSize(_ dtype: DType) -> Int? {
    switch dtype {
    case .bfloat16, .complex32, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ,
      .float8E8M0FNU, .float4E2M1FNx2, .bcomplex32, .bits8, .bits16, .bits1x8, .bits2x4, .bits4x2:
      dtype.bitWidth / 8
    default: nil
    }
  }

  // MARK: Tables

  /// Kind and size in bytes.
  private static let sized: [String: DType] = [
    "b1": .bool, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64, "u1": .uint8,
    "u2": .uint16, "u4": .uint32, "u8": .uint64, "f2": .float16, "f4": .float32, "f8": .float64,
    "f16": .longDouble, "c8": .complex64, "c16": .complex128, "c32": .complexLongDouble,
  ]

  /// One-letter codes, with the sizes they have on 64-bit Linux.
  private static let codes: [String: DType] = [
    "?": .bool, "b": .int8, "h": .int16, "i": .int32, "l": .int64, "q": .int64, "p": .int64,
    "n": .int64, "B": .uint8, "H": .uint16, "I": .uint32, "L": .uint64, "Q": .uint64,
    "P": .uint64, "N": .uint64, "e": .float16, "f": .float32, "d": .float64, "g": .longDouble,
    "F": .complex64, "D": .complex128, "G": .complexLongDouble, "S": .bytes(count: 0),
    "U": .string(count: 0), "V": .void(count: 0), "O": .object, "c": .bytes(count: 1),
    "a": .bytes(count: 0),
  ]

  /// Names without a byte order.
  private static let names: [String: DType] = [
    "bool": .bool, "bool_": .bool, "int8": .int8, "int16": .int16, "int32": .int32,
    "int64": .int64, "uint8": .uint8, "uint16": .uint16, "uint32": .uint32, "uint64": .uint64,
    "float16": .float16, "float32": .float32, "float64": .float64, "float128": .longDouble,
    "complex64": .complex64, "complex128": .complex128, "complex256": .complexLongDouble,
    "byte": .int8, "short": .int16, "intc": .int32, "int": .int64, "int_": .int64,
    "intp": .int64, "long": .int64, "longlong": .int64, "ubyte": .uint8, "ushort": .uint16,
    "uintc": .uint32, "uint": .uint64, "uintp": .uint64, "ulong": .uint64,
    "ulonglong": .uint64, "half": .float16, "single": .float32, "double": .float64,
    "float": .float64, "longdouble": .longDouble, "csingle": .complex64, "cdouble": .complex128,
    "complex": .complex128, "clongdouble": .complexLongDouble, "object": .object,
    "object_": .object, "str": .string(count: 0), "str_": .string(count: 0),
    "unicode": .string(count: 0),
    "bytes": .bytes(count: 0), "bytes_": .bytes(count: 0), "void": .void(count: 0),
    "datetime64": .datetime(TimeUnit(.generic)), "timedelta64": .timedelta(TimeUnit(.generic)),
  ]
}
