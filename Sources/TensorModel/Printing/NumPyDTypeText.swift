/// Dtypes as NumPy writes them.
enum NumPyDTypeText {
  /// Whether the text of an array shows its dtype without naming it.
  static func isImplied(_ dtype: DType, _ order: ByteOrder) -> Bool {
    switch dtype {
    case .bool: true
    case .int64, .float64, .complex128: order == .little
    default: false
    }
  }

  /// The dtype after `dtype=` in the text of an array.
  static func short(_ dtype: DType, _ order: ByteOrder) -> String {
    switch dtype {
    case .string(let count) where order == .big: return "'>U\(count)'"
    case _ where order == .big && dtype.swapUnit > 1:
      return element(.init(name: "", dtype: dtype, byteOrder: order, offset: 0))
    case .bytes(let count): return "'|S\(count)'"
    case .string(let count): return "'<U\(count)'"
    case .void(let count): return "'|V\(count)'"
    case .structured(let type): return record(type)
    default:
      let name = name(dtype)
      let isWord = name.utf8.allSatisfy { byte in
        Unicode.Scalar(byte).properties.isAlphabetic || (0x30...0x39).contains(byte)
      }
      return isWord ? name : "'\(name)'"
    }
  }

  /// NumPy's name of a dtype without parameters, or that of ml_dtypes.
  private static func name(_ dtype: DType) -> String {
    switch dtype {
    case .longDouble: "float128"
    case .complexLongDouble: "complex256"
    case .float4E2M1FNx2: "float4_e2m1fn"
    default: dtype.description
    }
  }

  /// A record: a list of fields, or a dict when there is room between or after them.
  private static func record(_ type: StructuredType) -> String {
    var end = 0
    let isPacked = type.fields.allSatisfy { field in
      let follows = field.offset == end
      end = field.offset &+ field.byteCount
      return follows
    }
    return isPacked && end == type.byteCount ? list(type) : dict(type)
  }

  private static func list(_ type: StructuredType) -> String {
    let items = type.fields.map { field in
      let name = PythonText.literal(field.name)
      let key = field.title.map { "(\(PythonText.literal($0)), \(name))" } ?? name
      let shape = field.shape.isEmpty ? "" : ", " + PythonText.tuple(field.shape)
      return "(\(key), \(element(field))\(shape))"
    }
    return "[" + items.joined(separator: ", ") + "]"
  }

  private static func dict(_ type: StructuredType) -> String {
    let names = type.fields.map { PythonText.literal($0.name) }
    let formats = type.fields.map { field in
      field.shape.isEmpty
        ? element(field) : "(\(element(field)), \(PythonText.tuple(field.shape)))"
    }
    let offsets = type.fields.map { String($0.offset) }
    var items = [("names", names), ("formats", formats), ("offsets", offsets)]
    if type.fields.contains(where: { $0.title != nil }) {
      items.append(("titles", type.fields.map { $0.title.map(PythonText.literal) ?? "None" }))
    }
    let lists = items.map { "'\($0)': [" + $1.joined(separator: ", ") + "]" }
    return "{" + (lists + ["'itemsize': \(type.byteCount)"]).joined(separator: ", ") + "}"
  }

  /// The type of one element of a field, in the letters that NumPy's constructor reads.
  private static func element(_ field: StructuredType.Field) -> String {
    let order = field.byteOrder == .big ? ">" : "<"
    switch field.dtype {
    case .bool: return "'?'"
    case .object: return "'O'"
    case .bytes(let count): return count == 0 ? "'S'" : "'S\(count)'"
    case .string(let count): return "'\(order)U\(count == 0 ? "" : String(count))'"
    case .void(let count): return count == 0 ? "'V'" : "'V\(count)'"
    case .datetime(let unit): return "'\(order)M8\(unit.suffix)'"
    case .timedelta(let unit): return "'\(order)m8\(unit.suffix)'"
    case .structured(let type): return record(type)
    default: break
    }
    guard let letter = letter(field.dtype) else { return name(field.dtype) }
    let bytes = field.dtype.bitWidth / 8
    return "'\(bytes == 1 ? "" : order)\(letter)\(bytes)'"
  }

  /// NumPy's letter for a kind of number; nil for the dtypes that NumPy itself does not have.
  private static func letter(_ dtype: DType) -> String? {
    switch dtype {
    case .int8, .int16, .int32, .int64: "i"
    case .uint8, .uint16, .uint32, .uint64: "u"
    case .float16, .float32, .float64, .longDouble: "f"
    case .complex64, .complex128, .complexLongDouble: "c"
    default: nil
    }
  }
}
