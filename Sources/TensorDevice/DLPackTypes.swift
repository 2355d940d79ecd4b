internal import CDLPack
internal import TensorModel

extension DType {
  /// The element type in DLPack's terms, or nil where it has none.
  var dlpack: tio_dl_dtype? {
    func type(_ code: Int, _ lanes: UInt16 = 1, bits: Int? = nil) -> tio_dl_dtype {
      tio_dl_dtype(code: UInt8(code), bits: UInt8(bits ?? bitWidth), lanes: lanes)
    }
    return switch self {
    case .bool: type(Int(tio_dl_bool))
    case .int8, .int16, .int32, .int64: type(Int(tio_dl_int))
    case .uint8, .uint16, .uint32, .uint64: type(Int(tio_dl_uint))
    case .float16, .float32, .float64: type(Int(tio_dl_float))
    case .bfloat16: type(Int(tio_dl_bfloat))
    case .complex32, .complex64, .complex128: type(Int(tio_dl_complex))
    case .float8E4M3FN: type(Int(tio_dl_float8_e4m3fn))
    case .float8E4M3FNUZ: type(Int(tio_dl_float8_e4m3fnuz))
    case .float8E5M2: type(Int(tio_dl_float8_e5m2))
    case .float8E5M2FNUZ: type(Int(tio_dl_float8_e5m2fnuz))
    case .float8E8M0FNU: type(Int(tio_dl_float8_e8m0fnu))
    // A pair is one element of two lanes.
    case .float4E2M1FNx2: type(Int(tio_dl_float4_e2m1fn), 2, bits: 4)
    default: nil
    }
  }

  /// The dtypes that DLPack has.
  private static let inDLPack = simple.filter { $0.dlpack != nil }

  /// The dtype that DLPack's terms stand for, or nil for what this library has not.
  init?(_ type: tio_dl_dtype) {
    let found = Self.inDLPack.first { dtype in
      guard let known = dtype.dlpack else { return false }
      return known.code == type.code && known.bits == type.bits && known.lanes == type.lanes
    }
    guard let found else { return nil }
    self = found
  }
}
