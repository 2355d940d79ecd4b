public import ByteIO
internal import CTensorKernels

extension Tensor {
  /// How the bytes of streamed elements are ordered.
  public enum StreamedBytes: Sendable {
    /// As the storage has them.
    case stored
    /// Little-endian, each field of a record too.
    case littleEndian
  }

  /// Hands the elements to `body` in row-major order, in chunks of a few MiB at most, whatever the
  /// strides; conjugates and negatives where the tensor means those.
  ///
  /// This is the walk behind hashing, statistics and writing.
  ///
  /// Chunks hold whole elements, unless an element has more than 4 KiB. Contiguous tensors of files
  /// are read with checked copies. Strided views (and Fortran-order arrays, whose row-major order is
  /// one), and parts of archive members, are gathered from the mapped file: there a file cut short
  /// meanwhile raises SIGBUS, and a compressed member is decoded whole, within its archive's limit.
  /// - Throws: `limit` when a broadcast view expands past `limits.expandedBytes`, `malformed` for a
  ///   wrong checksum, `io` when the file changed or got shorter, `unsupported` for a meta tensor, and
  ///   what `body` throws.
  public func streamElements(
    as order: StreamedBytes = .littleEndian, limits: DecodingLimits = DecodingLimits(),
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try requireElements()
    if byteCount == 0 { return }
    if storage.residence != .cpu, !isContiguous {
      // Gathering wants bytes in place; no more than the elements reach is downloaded.
      return try onHost(limits: limits).streamElements(as: order, limits: limits, body)
    }
    guard dtype.bitWidth % 8 == 0 else {
      guard isContiguous, firstIndex == 0 else {
        throw .unsupported("strided views of \(dtype), which packs elements into bytes")
      }
      guard let source = try contiguousSource() else {
        try storage.verifyInPlace()
        return try streamPrefix(body)
      }
      return try stream(source, limit: byteCount, unit: 1, rewrite: nil, body)
    }
    let plan = ElementRewrite(self, as: order)
    let rewrite = plan.isIdentity ? nil : plan
    if isContiguous, let source = try contiguousSource() {
      let unit = dtype.bitWidth / 8
      // Only rewriting needs large elements whole.
      if rewrite != nil { try requireMemory(for: unit, limits) }
      let isCut = rewrite == nil && unit > Self.largestWholeElement
      try stream(source, limit: byteCount, unit: isCut ? 1 : unit, rewrite: rewrite, body)
    } else {
      try requireExpansion(limits)
      try requireMemory(for: dtype.bitWidth / 8, limits)
      // Bytes in place are not checked by touching them; the first gather reads them all, once.
      try storage.verifyInPlace()
      try gatherElements(rewrite: rewrite, body)
      try storage.source.requireUnchanged()
    }
  }

  private static let largestWholeElement = 4096

  /// Refuses to hold more bytes in memory at one time than the caller allows.
  func requireMemory(for byteCount: Int, _ limits: DecodingLimits) throws(TensorIOError) {
    guard byteCount <= limits.decodedBytes else {
      throw .limit(
        "the memory that is needed", byteCount, over: limits.decodedBytes, raise: "decodedBytes")
    }
  }

  package func requireExpansion(_ limits: DecodingLimits) throws(TensorIOError) {
    guard byteCount <= limits.expandedBytes || byteCount <= storage.byteCount else {
      throw .limit(
        "the size of the expanded view", byteCount, over: limits.expandedBytes,
        raise: "expandedBytes")
    }
  }

  /// A source that begins with the elements of a contiguous tensor; nil for a part of what has a
  /// checksum or is compressed: all of it has to be read, and once for all its parts is enough.
  private func contiguousSource() throws(TensorIOError) -> (any ByteSource)? {
    let source = storage.source
    if firstIndex == 0, byteCount == storage.byteCount { return source }
    if let slice = source as? FileSlice {
      let start = slice.range.lowerBound + firstIndex * dtype.bitWidth / 8
      return try FileSlice(slice.file, start..<start + byteCount)
    }
    if let onDevice = source as? any DeviceByteSource {
      let start = firstIndex * dtype.bitWidth / 8
      return onDevice.part(start..<start + byteCount)
    }
    if let source = source as? any PartwiseSource {
      let start = firstIndex * dtype.bitWidth / 8
      if let part = source.streamedPart(start..<start + byteCount) { return part }
    }
    guard firstIndex == 0 else { return nil }
    guard source.isChecksummed else { return source }
    do throws(TensorIOError) {
      try storage.withBytes { _ in }
    } catch {
      // What is too large to be kept is decoded piece by piece, each time.
      guard error.code == .limit else { throw error }
      return source
    }
    return nil
  }

  /// The bytes of a tensor that begins with its storage, without the rest of that.
  private func streamPrefix(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let count = byteCount
    try storage.withBytes { (bytes) throws(TensorIOError) in
      try bytes.extracting(0..<count).forEachChunk(body)
    }
    try storage.source.requireUnchanged()
  }

  /// The first `limit` bytes of a source, in whole units where they have to be rewritten.
  private func stream(
    _ source: any ByteSource, limit: Int, unit: Int, rewrite: ElementRewrite?,
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var left = limit
    var carry = ElementCarry(unit: unit)
    try source.stream { (chunk) throws(TensorIOError) in
      let part = chunk.extracting(first: left)
      left -= part.count
      if rewrite == nil, carry.isAligned(part.count) {
        if part.count > 0 { try body(part) }
      } else {
        try carry.add(part, rewrite: rewrite, body)
      }
    }
  }

  private func gatherElements(
    rewrite: ElementRewrite?, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let itemSize = dtype.bitWidth / 8
    let plan = GatherPlan(shape: shape, itemSize: itemSize, chunkBytes: streamChunkBytes)
    let chunk = UnsafeMutableRawBufferPointer.allocate(
      byteCount: plan.blockBytes, alignment: 64)
    defer { unsafe chunk.deallocate() }
    unsafe try storage.withUnsafeBytes { (region) throws(TensorIOError) in
      guard let base = region.baseAddress else { return }
      try plan.forEachBlock { (index, blockShape) throws(TensorIOError) in
        let start = zip(index, strides).reduce(offset) { $0 + $1.0 * $1.1 }
        let target = unsafe UnsafeMutableRawBufferPointer(
          rebasing: chunk[..<(blockShape.reduce(itemSize, *))])
        unsafe Self.gather(
          into: target, from: base + start * itemSize, itemSize: itemSize, shape: blockShape,
          strides: strides)
        unsafe rewrite?.apply(to: target)
        try body(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(target)))
      }
    }
  }

  /// Copies a strided block to contiguous memory.
  /// - Parameter strides: in elements.
  static func gather(
    into target: UnsafeMutableRawBufferPointer, from source: UnsafeRawPointer, itemSize: Int,
    shape: [Int], strides: [Int]
  ) {
    guard let start = target.baseAddress, !shape.contains(0) else { return }
    // The stride of an axis of length 1 is never used and may be anything.
    let byteStrides = strides.map { $0 &* itemSize }
    // SAFETY: the outline was checked to lie inside the storage when the tensor was made, and
    // `target` holds the product of `shape`.
    unsafe tio_gather(start, source, itemSize, shape.count, shape, byteStrides)
  }

  /// A tensor with the same elements in row-major order without gaps; itself when it is that.
  public func contiguous() throws(TensorIOError) -> Tensor {
    if isContiguous { return self }
    return try loaded()
  }

  /// A copy of the elements in memory of its own, row-major and little-endian.
  ///
  /// Checksums are checked, and scales of an axis are loaded too. The copy is neither conjugated nor
  /// negated: its storage has the elements themselves.
  /// - Throws: `limit` for more than `limits.decodedBytes`; what streaming throws.
  public func loaded(limits: DecodingLimits = DecodingLimits()) throws(TensorIOError) -> Tensor {
    try requireElements()
    try requireMemory(for: byteCount, limits)
    let parameters = try quantization?.loaded(limits: limits)
    if coversStorage, ElementRewrite(self).isIdentity {
      return try Tensor(
        dtype: dtype, shape: shape, storage: TensorStorage(try storage.source.loaded()),
        device: device, requiresGrad: requiresGrad, quantization: parameters)
    }
    let bytes = unsafe try HeapBytes(byteCount: byteCount) { (buffer) throws(TensorIOError) in
      unsafe try copyElements(into: buffer, limits: limits)
    }
    return try Tensor(
      dtype: dtype.withLittleEndianFields, shape: shape, storage: TensorStorage(bytes),
      device: device, requiresGrad: requiresGrad, quantization: parameters)
  }

  /// The tensor without ``isConjugated`` and ``isNegated``: a copy where it has one of them, otherwise
  /// itself.
  /// - Throws: as ``loaded(limits:)``.
  public func resolved(limits: DecodingLimits = DecodingLimits()) throws(TensorIOError) -> Tensor {
    guard isConjugated || isNegated else { return self }
    return try loaded(limits: limits)
  }

  /// Where the elements begin; a tensor without any begins anywhere.
  var firstIndex: Int { shape.contains(0) ? 0 : offset }

  /// Whether the elements in row-major order are the storage, from its first byte to its last.
  private var coversStorage: Bool {
    isContiguous && firstIndex == 0 && byteCount == storage.byteCount
  }

  /// Fills `buffer`, which has exactly ``byteCount`` bytes, with little-endian elements in row-major
  /// order.
  func copyElements(
    into buffer: UnsafeMutableRawBufferPointer, limits: DecodingLimits
  ) throws(TensorIOError) {
    if coversStorage, ElementRewrite(self).isIdentity {
      // Uses all cores, also for compressed bytes.
      return unsafe try storage.source.load(into: buffer)
    }
    if unsafe try copyParts(into: buffer, limits: limits) { return }
    var position = 0
    try streamElements(limits: limits) { (chunk) throws(TensorIOError) in
      let end = position + chunk.count
      unsafe chunk.withUnsafeBytes { bytes in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[position..<end])
          .copyMemory(from: bytes)
      }
      position = end
    }
  }
}

extension DType {
  /// The same type with every field of every record in little-endian order.
  package var withLittleEndianFields: DType {
    guard case .structured(let type) = self else { return self }
    let fields = type.fields.map { field in
      var field = field
      field.byteOrder = .little
      field.dtype = field.dtype.withLittleEndianFields
      return field
    }
    // The offsets and sizes are those of a layout that was checked.
    guard let type = try? StructuredType(fields: fields, byteCount: type.byteCount) else {
      return self
    }
    return .structured(type)
  }
}

extension Span<UInt8> {
  /// The first `count` bytes, or all when there are fewer.
  @_lifetime(copy self)
  func extracting(first count: Int) -> Span<UInt8> {
    extracting(0..<Swift.min(Swift.max(0, count), self.count))
  }
}
