internal import TensorModel

/// The element types of safetensors, under the codes in the header.
///
/// In the order in which the official writer sorts tensors: by what they need to be aligned, the
/// largest first.
enum SafetensorsDType: String, CaseIterable {
  case uint64 = "U64"
  case int64 = "I64"
  case float64 = "F64"
  case complex64 = "C64"
  case float32 = "F32"
  case uint32 = "U32"
  case int32 = "I32"
  case bfloat16 = "BF16"
  case float16 = "F16"
  case uint16 = "U16"
  case int16 = "I16"
  case float8E5M2FNUZ = "F8_E5M2FNUZ"
  case float8E4M3FNUZ = "F8_E4M3FNUZ"
  case float8E8M0 = "F8_E8M0"
  case float8E4M3 = "F8_E4M3"
  case float8E5M2 = "F8_E5M2"
  case int8 = "I8"
  case uint8 = "U8"
  case float6E3M2 = "F6_E3M2"
  case float6E2M3 = "F6_E2M3"
  case float4 = "F4"
  case bool = "BOOL"

  /// The dtype of the elements; of 4-bit floats a pair is one.
  var dtype: DType {
    switch self {
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    case .complex64: .complex64
    case .float32: .float32
    case .uint32: .uint32
    case .int32: .int32
    case .bfloat16: .bfloat16
    case .float16: .float16
    case .uint16: .uint16
    case .int16: .int16
    case .float8E5M2FNUZ: .float8E5M2FNUZ
    case .float8E4M3FNUZ: .float8E4M3FNUZ
    case .float8E8M0: .float8E8M0FNU
    case .float8E4M3: .float8E4M3FN
    case .float8E5M2: .float8E5M2
    case .int8: .int8
    case .uint8: .uint8
    case .float6E3M2: .float6E3M2FN
    case .float6E2M3: .float6E2M3FN
    case .float4: .float4E2M1FNx2
    case .bool: .bool
    }
  }

  /// The size of what the header counts: a single 4-bit float.
  var bitWidth: Int { self == .float4 ? 4 : dtype.bitWidth }

  private static let codes = Dictionary(uniqueKeysWithValues: allCases.map { ($0.dtype, $0) })
  /// Each by its code.
  static let named = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })
  /// The place of each in the order of the writer.
  static let ranks = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })

  /// The code of a dtype; nil where safetensors has none.
  init?(_ dtype: DType) {
    guard let code = Self.codes[dtype] else { return nil }
    self = code
  }
}
