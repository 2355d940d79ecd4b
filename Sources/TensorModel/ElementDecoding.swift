public import ByteIO

/// Reads single little-endian elements as Swift values.
struct ElementDecoder {
  let dtype: DType

  /// The element whose bytes these are.
  func scalar(_ bytes: Span<UInt8>) -> Scalar {
    switch dtype {
    case .bool: .bool(bytes[0] != 0)
    case .int8, .qint8: .int(Int64(Int8(bitPattern: bytes[0])))
    case .int16: .int(Int64(Int16(truncatingIfNeeded: bits(bytes, 0, 2))))
    case .int32, .qint32: .int(Int64(Int32(truncatingIfNeeded: bits(bytes, 0, 4))))
    case .int64: .int(Int64(bitPattern: bits(bytes, 0, 8)))
    case .uint8, .quint8, .quint4x2, .quint2x4, .bits8, .bits1x8, .bits2x4, .bits4x2:
      .uint(bits(bytes, 0, 1))
    case .uint16, .bits16: .uint(bits(bytes, 0, 2))
    case .uint32: .uint(bits(bytes, 0, 4))
    case .uint64: .uint(bits(bytes, 0, 8))
    case .complex32, .bcomplex32, .complex64, .complex128:
      .complex(float(bytes, at: 0), float(bytes, at: bytes.count / 2))
    case .longDouble: .longDouble(longDouble(bytes, 0))
    case .complexLongDouble: .complexLongDouble(longDouble(bytes, 0), longDouble(bytes, 16))
    case .bytes: .bytes(trimmed(bytes))
    case .string: .string(text(bytes))
    case .void, .object: .void(bytes.array)
    case .datetime: .datetime(count(bytes))
    case .timedelta: .timedelta(count(bytes))
    case .structured(let type): .record(type.fields.map { field($0, bytes) })
    case .float4E2M1FNx2:
      .array(
        [Float4E2M1FNx2(bitPattern: bytes[0]).floats].flatMap { pair in
          [.float(Double(pair.0)), .float(Double(pair.1))]
        })
    default: .float(float(bytes, at: 0))
    }
  }

  private func bits(_ bytes: Span<UInt8>, _ offset: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in (offset..<offset + count).reversed() { value = value << 8 | UInt64(bytes[index]) }
    return value
  }

  /// A float of up to 64 bits, or a part of a complex number.
  private func float(_ bytes: Span<UInt8>, at offset: Int) -> Double {
    switch dtype {
    case .float16, .complex32:
      Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits(bytes, offset, 2))))
    case .bfloat16, .bcomplex32:
      Double(BFloat16(bitPattern: UInt16(truncatingIfNeeded: bits(bytes, offset, 2))).float)
    case .float32, .complex64:
      Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits(bytes, offset, 4))))
    case .float8E4M3FN: Double(Float8E4M3FN(bitPattern: bytes[0]).float)
    case .float8E5M2: Double(Float8E5M2(bitPattern: bytes[0]).float)
    case .float8E4M3FNUZ: Double(Float8E4M3FNUZ(bitPattern: bytes[0]).float)
    case .float8E5M2FNUZ: Double(Float8E5M2FNUZ(bitPattern: bytes[0]).float)
    case .float8E8M0FNU: Double(Float8E8M0FNU(bitPattern: bytes[0]).float)
    default: Double(bitPattern: bits(bytes, offset, 8))
    }
  }

  private func longDouble(_ bytes: Span<UInt8>, _ offset: Int) -> LongDouble {
    LongDouble(
      significandBitPattern: bits(bytes, offset, 8),
      signExponentAndPadding: bits(bytes, offset + 8, 8))
  }

  /// A datetime or timedelta; the least integer is NaT.
  private func count(_ bytes: Span<UInt8>) -> Int64? {
    let count = Int64(bitPattern: bits(bytes, 0, 8))
    return count == .min ? nil : count
  }

  private func trimmed(_ bytes: Span<UInt8>) -> [UInt8] {
    var array = bytes.array
    while array.last == 0 { array.removeLast() }
    return array
  }

  /// Code points to the last that is not NUL; one that is no Unicode scalar shows as U+FFFD.
  private func text(_ bytes: Span<UInt8>) -> String {
    var points = (0..<bytes.count / 4).map { UInt32(bits(bytes, 4 * $0, 4)) }
    while points.last == 0 { points.removeLast() }
    var text = String.UnicodeScalarView()
    for point in points { text.append(Unicode.Scalar(point) ?? "\u{FFFD}") }
    return String(text)
  }

  private func field(_ field: StructuredType.Field, _ record: Span<UInt8>) -> Scalar {
    let decoder = ElementDecoder(dtype: field.dtype)
    let size = field.dtype.bitWidth / 8
    let count = field.shape.reduce(1, *)
    let items = (0..<count).map { index in
      let start = field.offset + index * size
      return decoder.scalar(record.extracting(start..<start + size))
    }
    return field.shape.isEmpty ? items[0] : .array(items)
  }
}

extension Tensor: PrintableElements {
  package var deviceName: String { device.description }

  /// The element at an index with one number an axis; of a quantized tensor, the integer.
  /// - Throws: `invalidArgument` when the index is outside the shape; `unsupported` for a meta tensor;
  ///   what decoding a compressed member throws.
  public func element(at index: [Int]) throws(TensorIOError) -> Scalar {
    guard index.count == rank, zip(index, shape).allSatisfy({ 0 <= $0 && $0 < $1 }) else {
      throw .invalidArgument("the index \(index) is outside the shape \(shape)")
    }
    let position = zip(index, strides).reduce(offset) { $0 + $1.0 * $1.1 }
    let bits = dtype.bitWidth
    let start = position * bits / 8
    return try storage.withBytes(in: start..<start + max(bits / 8, bits % 8 == 0 ? 0 : 1)) {
      (stored) throws(TensorIOError) in
      if bits % 8 != 0 {
        return .uint(UInt64(stored[0] >> UInt8(position * bits % 8)) & (1 << UInt64(bits) - 1))
      }
      let rewrite = ElementRewrite(self)
      let decoder = ElementDecoder(dtype: dtype)
      if rewrite.isIdentity { return decoder.scalar(stored) }
      var copy = stored.array
      unsafe copy.withUnsafeMutableBytes { unsafe rewrite.apply(to: $0) }
      return decoder.scalar(copy.span)
    }
  }

  package func scalar(at index: [Int]) -> Scalar { (try? element(at: index)) ?? .void([]) }
}
