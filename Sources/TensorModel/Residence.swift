public import ByteIO

/// Bytes in the memory of a device: the host gets at them by copying alone.
public protocol DeviceByteSource: ByteSource {
  /// The device that has the bytes.
  var device: Device { get }

  /// A part of the bytes, in the same memory.
  func part(_ range: Range<Int>) -> any DeviceByteSource
}

extension TensorStorage {
  /// Where the bytes are, whatever a tensor's tag says: the host, a device, or nowhere (`meta`).
  public var residence: Device {
    if let source = source as? any DeviceByteSource { return source.device }
    return hasBytes ? .cpu : .meta
  }

  /// Hands out some of the bytes; of a device's memory only these are downloaded.
  package func withBytes<R>(
    in range: Range<Int>, _ body: (Span<UInt8>) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    guard let source = source as? any DeviceByteSource else {
      return try withBytes { (bytes) throws(TensorIOError) in try body(bytes.extracting(range)) }
    }
    let part = try source.part(range).bytes()
    return try body(part.span)
  }
}

extension Tensor {
  /// The tensor over no more of its storage than lies between its first and its last element,
  /// strides kept; itself when that is all of it.
  ///
  /// Packed elements keep the whole storage. Bytes in place are compared with their checksum first,
  /// once for the storage.
  package func narrowed() throws(TensorIOError) -> Tensor {
    guard dtype.bitWidth % 8 == 0 else { return self }
    let size = dtype.bitWidth / 8
    let elements = Outline(self).hull ?? 0..<0
    let reach = elements.lowerBound * size..<elements.upperBound * size
    guard reach != 0..<storage.byteCount else { return self }
    let source: any ByteSource
    if let onDevice = storage.source as? any DeviceByteSource {
      source = onDevice.part(reach)
    } else {
      try storage.verifyInPlace()
      source = SourceSlice.of(storage.source, reach)
    }
    return try Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: shape, strides: strides,
      offset: firstIndex - elements.lowerBound,
      storage: TensorStorage(source), device: device, requiresGrad: requiresGrad,
      quantization: quantization, isConjugated: isConjugated, isNegated: isNegated)
  }

  /// The tensor with its bytes in the host's memory and tagged so.
  ///
  /// Where only the tag says otherwise, nothing moves. From a device comes no more than the elements
  /// reach, strides kept.
  /// - Throws: `device` when the download fails, `limit` when it passes `limits.decodedBytes`,
  ///   `unsupported` for a meta tensor, which has nothing to move.
  package func onHost(
    limits: DecodingLimits = .unlimited
  ) throws(TensorIOError) -> Tensor {
    try requireElements()
    var tensor = self
    if storage.residence != .cpu {
      let part = try narrowed()
      try requireMemory(for: part.storage.byteCount, limits)
      tensor = part.moved(to: TensorStorage(try part.storage.source.loaded()))
    }
    return tensor.device == .cpu
      ? tensor : tensor.tagged(device: .cpu, requiresGrad: requiresGrad)
  }
}
