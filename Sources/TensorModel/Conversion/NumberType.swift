internal import CTensorKernels

/// The types of single real numbers that elements are made of.
enum NumberType: Sendable, Hashable, CaseIterable {
  case bool
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float16, bfloat16, float32, float64
  case float8E4M3FN, float8E5M2, float8E4M3FNUZ, float8E5M2FNUZ, float8E8M0FNU
  /// In the lower half of a byte.
  case float4E2M1
  /// The x87 format in 16 bytes.
  case longDouble

  /// The size in bytes.
  var byteCount: Int {
    switch self {
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    case .longDouble: 16
    default: 1
    }
  }

  /// The name for the kernels; nil for the type that has none.
  var kernel: tio_number? {
    switch self {
    case .bool: TIO_BOOL
    case .int8: TIO_I8
    case .int16: TIO_I16
    case .int32: TIO_I32
    case .int64: TIO_I64
    case .uint8: TIO_U8
    case .uint16: TIO_U16
    case .uint32: TIO_U32
    case .uint64: TIO_U64
    case .float16: TIO_F16
    case .bfloat16: TIO_BF16
    case .float32: TIO_F32
    case .float64: TIO_F64
    case .float8E4M3FN: TIO_F8_E4M3FN
    case .float8E5M2: TIO_F8_E5M2
    case .float8E4M3FNUZ: TIO_F8_E4M3FNUZ
    case .float8E5M2FNUZ: TIO_F8_E5M2FNUZ
    case .float8E8M0FNU: TIO_F8_E8M0FNU
    case .float4E2M1: TIO_F4_E2M1
    case .longDouble: nil
    }
  }

  /// Whether it is a type of integers; bool is none.
  var isInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }

  /// Whether it is a type of floats.
  var isFloat: Bool { !isInteger && self != .bool }

  /// Whether numbers that are too large have an infinity to become.
  var hasInfinity: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64, .float8E5M2, .longDouble: true
    default: false
    }
  }
}

/// How an element is made of numbers.
enum NumberLayout: Sendable {
  case single
  /// Real part and imaginary part.
  case complex
  /// Two numbers in a byte, the lower half first.
  case pair
}

extension DType {
  /// The numbers of which elements are made, and how; nil for dtypes without.
  var numbers: (type: NumberType, layout: NumberLayout)? {
    switch self {
    case .bool: (.bool, .single)
    case .int8: (.int8, .single)
    case .int16: (.int16, .single)
    case .int32: (.int32, .single)
    case .int64: (.int64, .single)
    case .uint8: (.uint8, .single)
    case .uint16: (.uint16, .single)
    case .uint32: (.uint32, .single)
    case .uint64: (.uint64, .single)
    case .float16: (.float16, .single)
    case .bfloat16: (.bfloat16, .single)
    case .float32: (.float32, .single)
    case .float64: (.float64, .single)
    case .float8E4M3FN: (.float8E4M3FN, .single)
    case .float8E5M2: (.float8E5M2, .single)
    case .float8E4M3FNUZ: (.float8E4M3FNUZ, .single)
    case .float8E5M2FNUZ: (.float8E5M2FNUZ, .single)
    case .float8E8M0FNU: (.float8E8M0FNU, .single)
    case .float4E2M1FNx2: (.float4E2M1, .pair)
    case .complex32: (.float16, .complex)
    case .bcomplex32: (.bfloat16, .complex)
    case .complex64: (.float32, .complex)
    case .complex128: (.float64, .complex)
    #if arch(x86_64)
      case .longDouble: (.longDouble, .single)
      case .complexLongDouble: (.longDouble, .complex)
    #endif
    default: nil
    }
  }
}
