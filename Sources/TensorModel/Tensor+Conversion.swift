public import ByteIO

extension Tensor {
  /// The same numbers as another dtype, in memory of its own: NumPy's `astype`, torch's `.to(dtype)`.
  ///
  /// Floats round to nearest, ties to even, and overflow to infinity; floats become integers by
  /// truncation; anything but 0 (NaN too) becomes true. What C leaves undefined is refused, and so
  /// is dropping an imaginary part that is not 0.
  /// - Throws: `invalidArgument` for a number outside the target's range, with its index;
  ///   `unsupported` for pairs that are not numbers, and for targets of 8 bits and less but
  ///   integers and bool.
  public func converted(to target: DType) throws(TensorIOError) -> Tensor {
    if target == dtype, byteOrder == .little { return self }
    guard let encoder = ElementEncoder(dtype: target), dtype.isNumber else {
      throw .unsupported("converting \(dtype) to \(target)")
    }
    let decoder = ElementDecoder(dtype: dtype)
    let size = dtype.bitWidth / 8
    var bytes: [UInt8] = []
    var position = 0
    try streamElements { (chunk) throws(TensorIOError) in
      var start = 0
      while start < chunk.count {
        let scalar = decoder.scalar(chunk.extracting(start..<start + size))
        guard encoder.append(scalar, to: &bytes) else {
          throw .invalidArgument(
            "element \(position) is \(scalar.numberText), which \(target) cannot hold")
        }
        start += size
        position += 1
      }
    }
    return try Tensor(
      dtype: target, shape: shape, storage: TensorStorage(try HeapBytes(bytes.span)),
      device: device, requiresGrad: requiresGrad)
  }
}

extension DType {
  /// Whether elements are single numbers that convert to others.
  var isNumber: Bool {
    switch self {
    case .float4E2M1FNx2: false
    case .bool: true
    default: isInteger || isFloatingPoint || isComplex
    }
  }
}

/// Appends numbers as little-endian elements of a dtype.
struct ElementEncoder {
  let dtype: DType

  /// An encoder, or nil for dtypes that numbers are not converted to.
  init?(dtype: DType) {
    switch dtype {
    case .bool, .float16, .bfloat16, .float32, .float64: break
    case .complex32, .bcomplex32, .complex64, .complex128: break
    #if arch(x86_64)
      case .longDouble, .complexLongDouble: break
    #endif
    default: guard dtype.isInteger else { return nil }
    }
    self.dtype = dtype
  }

  /// Appends a number, or answers false when the dtype cannot hold it.
  func append(_ scalar: Scalar, to bytes: inout [UInt8]) -> Bool {
    switch dtype {
    case .bool:
      bytes.append(scalar.isZero ? 0 : 1)
    case .int8: return append(scalar, as: Int8.self, to: &bytes)
    case .int16: return append(scalar, as: Int16.self, to: &bytes)
    case .int32: return append(scalar, as: Int32.self, to: &bytes)
    case .int64: return append(scalar, as: Int64.self, to: &bytes)
    case .uint8: return append(scalar, as: UInt8.self, to: &bytes)
    case .uint16: return append(scalar, as: UInt16.self, to: &bytes)
    case .uint32: return append(scalar, as: UInt32.self, to: &bytes)
    case .uint64: return append(scalar, as: UInt64.self, to: &bytes)
    case .complex32, .bcomplex32, .complex64, .complex128, .complexLongDouble:
      let (real, imaginary) = scalar.parts
      append(float: real, to: &bytes)
      append(float: imaginary, to: &bytes)
    default:
      let (real, imaginary) = scalar.parts
      guard imaginary.isZero else { return false }
      append(float: real, to: &bytes)
    }
    return true
  }

  private func append<T: FixedWidthInteger>(
    _ scalar: Scalar, as type: T.Type, to bytes: inout [UInt8]
  ) -> Bool {
    let (real, imaginary) = scalar.parts
    let value: T? =
      switch real {
      case .int(let number): T(exactly: number)
      case .uint(let number): T(exactly: number)
      case .float(let number): T(exactly: number.rounded(.towardZero))
      case .longDouble(let number): number.truncated(to: type)
      default: nil
      }
    guard let value, imaginary.isZero else { return false }
    bytes.append(littleEndian: value)
    return true
  }

  /// Appends a real number as the dtype's float, or as the part of its complex number.
  private func append(float real: Scalar, to bytes: inout [UInt8]) {
    switch dtype {
    case .float16, .complex32: bytes.append(littleEndian: real.rounded(to: Float16.self).bitPattern)
    // torch narrows to binary32 first, and so do we.
    case .bfloat16, .bcomplex32:
      bytes.append(littleEndian: BFloat16(real.rounded(to: Float.self)).bitPattern)
    case .float32, .complex64: bytes.append(littleEndian: real.rounded(to: Float.self).bitPattern)
    case .float64, .complex128: bytes.append(littleEndian: real.rounded(to: Double.self).bitPattern)
    default:
      #if arch(x86_64)
        let value = LongDouble(real.rounded(to: Float80.self))
        bytes.append(littleEndian: value.significandBitPattern)
        bytes.append(littleEndian: value.signExponentAndPadding)
      #endif
    }
  }
}

extension LongDouble {
  fileprivate func truncated<T: FixedWidthInteger>(to type: T.Type) -> T? {
    #if arch(x86_64)
      T(exactly: float80.rounded(.towardZero))
    #else
      nil
    #endif
  }

  fileprivate var isZero: Bool {
    significandBitPattern == 0 && signExponentAndPadding & 0x7fff == 0
  }
}

extension Scalar {
  /// The real and imaginary parts of a number.
  fileprivate var parts: (real: Scalar, imaginary: Scalar) {
    switch self {
    case .complex(let real, let imaginary): (.float(real), .float(imaginary))
    case .complexLongDouble(let real, let imaginary): (.longDouble(real), .longDouble(imaginary))
    case .bool(let value): (.int(value ? 1 : 0), .int(0))
    default: (self, .int(0))
    }
  }

  /// Whether a number is 0; NaN is not.
  fileprivate var isZero: Bool {
    switch self {
    case .bool(let value): !value
    case .int(let value): value == 0
    case .uint(let value): value == 0
    case .float(let value): value == 0
    case .complex(let real, let imaginary): real == 0 && imaginary == 0
    case .longDouble(let value): value.isZero
    case .complexLongDouble(let real, let imaginary): real.isZero && imaginary.isZero
    default: false
    }
  }

  /// A real number rounded once to a float type.
  fileprivate func rounded<T: BinaryFloatingPoint>(to type: T.Type) -> T {
    switch self {
    case .int(let value): T(value)
    case .uint(let value): T(value)
    case .float(let value): T(value)
    #if arch(x86_64)
      case .longDouble(let value): T(value.float80)
    #endif
    default: .nan
    }
  }

  /// The number for an error message.
  fileprivate var numberText: String {
    switch self {
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)"
    case .float(let value): "\(value)"
    case .complex(let real, let imaginary): "\(real)+\(imaginary)j"
    default: "\(self)"
    }
  }
}
