extension DType {
  /// The size of one element in bits: a whole number of bytes but for `quint4x2`, `quint2x4`
  /// and the 6-bit floats.
  public var bitWidth: Int {
    switch self {
    case .quint2x4: 2
    case .quint4x2: 4
    case .float6E2M3FN, .float6E3M2FN: 6
    case .bool, .int8, .uint8, .qint8, .quint8, .float4E2M1FNx2: 8
    case .bits8, .bits1x8, .bits2x4, .bits4x2: 8
    case .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU: 8
    case .int16, .uint16, .float16, .bfloat16, .bits16: 16
    case .int32, .uint32, .float32, .complex32, .bcomplex32, .qint32: 32
    case .int64, .uint64, .float64, .complex64, .datetime, .timedelta, .object: 64
    case .longDouble, .complex128: 128
    case .complexLongDouble: 256
    case .bytes(let count), .void(let count): Self.bits(count, 8)
    case .string(let count): Self.bits(count, 32)
    case .structured(let type): Self.bits(type.byteCount, 8)
    }
  }

  /// A product that stays at the largest Int, which ``Shape`` then refuses.
  private static func bits(_ count: Int, _ factor: Int) -> Int {
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }

  /// The unit in which bytes are swapped between byte orders, in bytes: half an element for complex
  /// numbers, a code point for text, 1 where order has no meaning.
  ///
  /// Structured types answer 1: each field has its own order.
  public var swapUnit: Int {
    switch self {
    case .int16, .uint16, .float16, .bfloat16, .complex32, .bcomplex32, .bits16: 2
    case .int32, .uint32, .float32, .qint32, .complex64, .string: 4
    case .int64, .uint64, .float64, .complex128, .datetime, .timedelta: 8
    case .longDouble, .complexLongDouble: 16
    default: 1
    }
  }

  /// Whether elements are real floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .float32, .float64, .bfloat16, .longDouble, .float8E4M3FN, .float8E5M2,
      .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU, .float4E2M1FNx2:
      true
    default: false
    }
  }

  /// Whether elements are complex numbers.
  public var isComplex: Bool {
    switch self {
    case .complex32, .bcomplex32, .complex64, .complex128, .complexLongDouble: true
    default: false
    }
  }

  /// Whether elements are integers; bool is none.
  public var isInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }

  /// Whether elements are the integers of a quantized tensor.
  public var isQuantized: Bool {
    switch self {
    case .qint8, .quint8, .qint32, .quint4x2, .quint2x4: true
    default: false
    }
  }

  /// Whether elements are bits that mean nothing to torch.
  public var isOpaqueBits: Bool {
    switch self {
    case .bits8, .bits16, .bits1x8, .bits2x4, .bits4x2: true
    default: false
    }
  }

  /// Whether an element is Python objects or a record that holds some.
  public var containsObjects: Bool {
    switch self {
    case .object: true
    case .structured(let type): type.fields.contains { $0.dtype.containsObjects }
    default: false
    }
  }

  /// The dtypes without parameters, each under its canonical name.
  public static let simple: [DType] = [
    .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
    .float64, .bfloat16, .longDouble, .complex32, .bcomplex32, .complex64, .complex128,
    .complexLongDouble,
    .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU, .float4E2M1FNx2,
    .float6E2M3FN,
    .float6E3M2FN, .qint8, .quint8, .qint32, .quint4x2, .quint2x4, .bits8, .bits16, .bits1x8,
    .bits2x4, .bits4x2,
    .object,
  ]

  /// The dtype without parameters that has this canonical name (`float32`, `bfloat16`).
  public init?(name: String) {
    guard let dtype = Self.simple.first(where: { $0.description == name }) else { return nil }
    self = dtype
  }
}

extension DType {
  /// The name of the dtype in the module `torch` (`float32`, `bits2x4`); nil where torch has none.
  public var torchName: String? {
    switch self {
    case .longDouble, .complexLongDouble, .bytes, .string, .void, .datetime, .timedelta,
      .structured, .object, .float6E2M3FN, .float6E3M2FN:
      nil
    default: description
    }
  }

  /// The dtype that has this name in the module `torch`; aliases (`half`) are no names.
  ///
  /// The integers of less than 8 bits (`int1`, `uint7`), which torch cannot save, are not known.
  public init?(torchName: String) {
    self.init(name: torchName)
    if self.torchName == nil { return nil }
  }
}

extension DType: CustomStringConvertible {
  /// The canonical name, as NumPy or torch prints it: `float32`, `float8_e4m3fn`,
  /// `datetime64[ns]`, `S5`, `[x: float32]` for records.
  public var description: String {
    switch self {
    case .bool: "bool"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .float16: "float16"
    case .float32: "float32"
    case .float64: "float64"
    case .bfloat16: "bfloat16"
    case .longDouble: "longdouble"
    case .complex32: "complex32"
    case .bcomplex32: "bcomplex32"
    case .complex64: "complex64"
    case .complex128: "complex128"
    case .complexLongDouble: "clongdouble"
    case .float8E4M3FN: "float8_e4m3fn"
    case .float8E5M2: "float8_e5m2"
    case .float8E4M3FNUZ: "float8_e4m3fnuz"
    case .float8E5M2FNUZ: "float8_e5m2fnuz"
    case .float8E8M0FNU: "float8_e8m0fnu"
    case .float4E2M1FNx2: "float4_e2m1fn_x2"
    case .float6E2M3FN: "float6_e2m3fn"
    case .float6E3M2FN: "float6_e3m2fn"
    case .qint8: "qint8"
    case .quint8: "quint8"
    case .qint32: "qint32"
    case .quint4x2: "quint4x2"
    case .quint2x4: "quint2x4"
    case .bits8: "bits8"
    case .bits16: "bits16"
    case .bits1x8: "bits1x8"
    case .bits2x4: "bits2x4"
    case .bits4x2: "bits4x2"
    case .bytes(let count): "S\(count)"
    case .string(let count): "U\(count)"
    case .void(let count): "V\(count)"
    case .datetime(let unit): "datetime64\(unit.suffix)"
    case .timedelta(let unit): "timedelta64\(unit.suffix)"
    case .structured(let type): "\(type)"
    case .object: "object"
    }
  }
}

extension StructuredType: CustomStringConvertible {
  /// The fields as a list: `[x: float32, y: int16[2, 3]]`.
  public var description: String {
    let parts = fields.map { field in
      "\(field.name): \(field.dtype)" + (field.shape.isEmpty ? "" : "\(field.shape)")
    }
    return "[" + parts.joined(separator: ", ") + "]"
  }
}
