package import ByteIO

// Elements on all cores, part by part; in order, see `streamElements`.
extension Tensor {
  /// Hands out little-endian elements in row-major order in parts, on all cores and in any order:
  /// the bytes of each with the index of its first element.
  /// - Parameters:
  ///   - partBytes: the most bytes of a part, but one unit at least.
  ///   - unit: parts hold multiples of so many elements.
  ///   - batch: how many parts that follow each other a core takes at a time.
  /// - Returns: false when there is no way but one after the other, and nothing was done: for
  ///   compressed bytes, bytes on a device, elements of less than a byte, and strided views where
  ///   units are no elements.
  package func forEachPart(
    partBytes: Int, unit: Int = 1, batch: Int = 1, limits: DecodingLimits,
    _ body: @Sendable (UnsafeRawBufferPointer, _ first: Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) -> Bool {
    guard dtype.bitWidth % 8 == 0, dtype.bitWidth > 0 else { return false }
    if count == 0 { return true }
    // In order, no more comes from a device than the elements reach.
    if storage.residence != .cpu { return false }
    let size = dtype.bitWidth / 8
    if isContiguous {
      guard let elements = try ElementParts(self) else { return false }
      let (count, length) = (count, max(1, partBytes / (size * unit)) * unit)
      unsafe try Parallel.forEach(
        (count + length - 1) / length, batch: batch, scratchBytes: length * size
      ) { (index, scratch) throws(TensorIOError) in
        let part = index * length..<min((index + 1) * length, count)
        unsafe try elements.withElements(
          part.lowerBound * size..<part.upperBound * size, scratch
        ) { (bytes) throws(TensorIOError) in unsafe try body(bytes, part.lowerBound) }
      }
      try elements.finish()
      return true
    }
    guard unit == 1 else { return false }
    let rewrite = ElementRewrite(self)
    try requireExpansion(limits)
    let plan = GatherPlan(shape: shape, itemSize: size, chunkBytes: partBytes)
    unsafe try withRegion { (base) throws(TensorIOError) in
      nonisolated(unsafe) let base = unsafe base
      unsafe try Parallel.forEach(plan.blockCount, batch: batch, scratchBytes: plan.blockBytes) {
        (index, scratch) throws(TensorIOError) in
        let part = plan.block(index)
        let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<(part.count * size)])
        unsafe gather(part, from: base, into: bytes, rewrite)
        unsafe try body(UnsafeRawBufferPointer(bytes), part.first)
      }
    }
    return true
  }

  /// Fills `buffer` with the little-endian elements in row-major order, on all cores.
  /// - Returns: false when there is no way but one after the other, and nothing was done.
  func copyParts(
    into buffer: UnsafeMutableRawBufferPointer, limits: DecodingLimits
  ) throws(TensorIOError) -> Bool {
    guard dtype.bitWidth % 8 == 0, dtype.bitWidth > 0 else { return false }
    if count == 0 { return true }
    // In order, no more comes from a device than the elements reach.
    if storage.residence != .cpu { return false }
    let size = dtype.bitWidth / 8
    let rewrite = ElementRewrite(self)
    // SAFETY: parts do not overlap, and `buffer` outlives the loop.
    nonisolated(unsafe) let buffer = unsafe buffer
    if isContiguous {
      guard let elements = try ElementParts(self) else { return false }
      // Of a size that the second-level cache keeps.
      let length = max(1, Self.copiedBytes / size) * size
      unsafe try Parallel.forEach(
        (buffer.count + length - 1) / length, batch: Parallel.writtenBytes / Self.copiedBytes
      ) { (index, _) throws(TensorIOError) in
        let range = unsafe index * length..<min((index + 1) * length, buffer.count)
        unsafe try elements.load(
          range, into: UnsafeMutableRawBufferPointer(rebasing: buffer[range]))
      }
      try elements.finish()
      return true
    }
    try requireExpansion(limits)
    let plan = GatherPlan(shape: shape, itemSize: size, chunkBytes: Self.copiedBytes)
    unsafe try withRegion { (base) throws(TensorIOError) in
      nonisolated(unsafe) let base = unsafe base
      unsafe try Parallel.forEach(
        plan.blockCount, batch: Parallel.writtenBytes / Self.copiedBytes
      ) { (index, _) throws(TensorIOError) in
        let part = plan.block(index)
        let bytes = unsafe UnsafeMutableRawBufferPointer(
          rebasing: buffer[part.first * size..<(part.first + part.count) * size])
        unsafe gather(part, from: base, into: bytes, rewrite)
      }
    }
    return true
  }

  private static let copiedBytes = 512 << 10

  /// Calls `body` with the place of the storage's first byte.
  private func withRegion(
    _ body: (UnsafeRawPointer) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    // Bytes in place are not checked by touching them.
    try storage.verifyInPlace()
    unsafe try storage.withUnsafeBytes { (region) throws(TensorIOError) in
      guard let base = region.baseAddress else { return }
      unsafe try body(base)
    }
    try storage.source.requireUnchanged()
  }

  private func gather(
    _ part: GatherPlan.Block, from base: UnsafeRawPointer,
    into bytes: UnsafeMutableRawBufferPointer,
    _ rewrite: ElementRewrite
  ) {
    let size = dtype.bitWidth / 8
    let start = zip(part.index, strides).reduce(offset) { $0 + $1.0 * $1.1 }
    unsafe Self.gather(
      into: bytes, from: base + start * size, itemSize: size, shape: part.shape,
      strides: strides)
    unsafe rewrite.apply(to: bytes)
  }
}
