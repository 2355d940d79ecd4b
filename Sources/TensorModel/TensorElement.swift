public import ByteIO

/// A Swift type that a tensor's elements can be read as, bit for bit.
///
/// `Bool`, the fixed-width integers, `Float16`, `Float`, `Double`, ``BFloat16``, the 8-bit floats,
/// ``LongDouble`` and ``Complex``. No conversion happens: the type must be the tensor's own.
public protocol TensorElement: BitwiseCopyable, Sendable {
  /// The dtype whose elements these are.
  static var dtype: DType { get }
  /// Whether every bit pattern is a value of this type. False for `Bool` alone, whose byte in a file
  /// may be neither 0 nor 1; any byte but 0 then reads as true, as in C.
  static var acceptsEveryBitPattern: Bool { get }
}

extension TensorElement {
  public static var acceptsEveryBitPattern: Bool { true }
}

extension Bool: TensorElement {
  public static var dtype: DType { .bool }
  public static var acceptsEveryBitPattern: Bool { false }
}
extension Int8: TensorElement { public static var dtype: DType { .int8 } }
extension Int16: TensorElement { public static var dtype: DType { .int16 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Int: TensorElement { public static var dtype: DType { .int64 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension UInt16: TensorElement { public static var dtype: DType { .uint16 } }
extension UInt32: TensorElement { public static var dtype: DType { .uint32 } }
extension UInt64: TensorElement { public static var dtype: DType { .uint64 } }
extension Float16: TensorElement { public static var dtype: DType { .float16 } }
extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension BFloat16: TensorElement { public static var dtype: DType { .bfloat16 } }
extension LongDouble: TensorElement { public static var dtype: DType { .longDouble } }
extension Float8E4M3FN: TensorElement { public static var dtype: DType { .float8E4M3FN } }
extension Float8E5M2: TensorElement { public static var dtype: DType { .float8E5M2 } }
extension Float8E4M3FNUZ: TensorElement { public static var dtype: DType { .float8E4M3FNUZ } }
extension Float8E5M2FNUZ: TensorElement { public static var dtype: DType { .float8E5M2FNUZ } }
extension Float8E8M0FNU: TensorElement { public static var dtype: DType { .float8E8M0FNU } }
extension Float4E2M1FNx2: TensorElement { public static var dtype: DType { .float4E2M1FNx2 } }

/// A part of a complex number.
public protocol ComplexPart: TensorElement, Hashable {
  /// The dtype of a complex number of two such parts.
  static var complexDType: DType { get }
}
extension Float16: ComplexPart { public static var complexDType: DType { .complex32 } }
extension BFloat16: ComplexPart { public static var complexDType: DType { .bcomplex32 } }
extension Float: ComplexPart { public static var complexDType: DType { .complex64 } }
extension Double: ComplexPart { public static var complexDType: DType { .complex128 } }
extension LongDouble: ComplexPart { public static var complexDType: DType { .complexLongDouble } }
extension Complex: TensorElement where Part: ComplexPart {
  public static var dtype: DType { Part.complexDType }
}

extension Tensor {
  private func requireType<Element: TensorElement>(
    _ type: Element.Type
  ) throws(TensorIOError) {
    guard dtype == Element.dtype else {
      throw .invalidArgument(
        "the elements are \(dtype), not \(Element.dtype); convert them first with "
          + "converted(to: .\(Element.dtype))")
    }
  }

  /// All elements in row-major order, whatever the strides and byte order.
  /// - Throws: `invalidArgument` when `type` is not the tensor's own; `limit` for more than
  ///   `limits.decodedBytes`; what reading throws.
  public func array<Element: TensorElement>(
    of type: Element.Type = Element.self, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> [Element] {
    try requireType(type)
    try requireElements()
    try requireMemory(for: byteCount, limits)
    let count = self.count
    var failure: TensorIOError?
    let array = unsafe [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(TensorIOError) {
        // SAFETY: the copy fills `count` elements; every bit pattern is one, or is made one.
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        let filled = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount])
        unsafe try copyElements(into: filled, limits: limits)
        if !Element.acceptsEveryBitPattern {
          for index in filled.indices { unsafe filled[index] = filled[index] == 0 ? 0 : 1 }
        }
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return array
  }

  /// Hands out the elements in row-major order: in place where the tensor is contiguous, aligned
  /// and little-endian, otherwise a copy.
  ///
  /// Elements in place in a mapped file are not checked against a checksum.
  /// - Throws: `invalidArgument` when `type` is not the tensor's own.
  public func withElements<Element: TensorElement, R>(
    of type: Element.Type = Element.self, _ body: (Span<Element>) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    try requireType(type)
    if storage.residence != .cpu, hasElements {
      return try onHost().withElements(of: type, body)
    }
    if isContiguous, ElementRewrite(self).isIdentity, Element.acceptsEveryBitPattern {
      let inPlace: R? = unsafe try storage.withUnsafeBytes { (region) throws(TensorIOError) in
        let start = firstIndex * MemoryLayout<Element>.stride
        // SAFETY: the outline lies inside the storage; alignment is checked here.
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: region[start..<start + byteCount])
        guard Int(bitPattern: bytes.baseAddress) % MemoryLayout<Element>.alignment == 0 else {
          return R?.none
        }
        return try body(unsafe Span<Element>(_unsafeBytes: bytes))
      }
      if let inPlace { return inPlace }
    }
    let copy = try array(of: type)
    return try body(copy.span)
  }

  /// Hands out the bytes of the elements in row-major order and stored byte order: in place where
  /// the tensor is contiguous and neither conjugated nor negated, otherwise a copy.
  public func withBytes<R>(
    _ body: (Span<UInt8>) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    if storage.residence != .cpu, hasElements { return try onHost().withBytes(body) }
    let isInPlace = isContiguous && ElementRewrite(self, as: .stored).isIdentity
    guard isInPlace, dtype.bitWidth % 8 == 0 || offset == 0 else {
      var bytes: [UInt8] = []
      try streamElements(as: .stored) { (chunk) throws(TensorIOError) in
        bytes.append(contentsOf: chunk.array)
      }
      return try body(bytes.span)
    }
    let start = firstIndex * dtype.bitWidth / 8
    return try storage.withBytes { (bytes) throws(TensorIOError) in
      try body(bytes.extracting(start..<start + byteCount))
    }
  }
}
