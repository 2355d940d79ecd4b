internal import ByteIO
internal import TensorModel

/// The stored bytes of some rows of a tensor, one row after the other, read when somebody asks.
final class SelectedRows<Indexes: RandomAccessCollection & Sendable>: ByteSource
where Indexes.Element == Int {
  /// The shape of the result.
  let shape: [Int]
  let byteCount: Int

  /// The tensor as it is stored: what its flags and scales mean, the result's own say.
  private let base: Tensor
  private let indexes: Indexes
  private let itemSize: Int
  /// The bytes of a row without gaps.
  private let rowBytes: Int
  private let limits: DecodingLimits

  init(
    _ tensor: Tensor, _ indexes: Indexes, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    self.indexes = indexes
    self.limits = limits
    itemSize = tensor.dtype.bitWidth / 8
    shape = [indexes.count] + tensor.shape.dropFirst()
    rowBytes = try Shape.byteCount(of: tensor.dtype, shape: Array(tensor.shape.dropFirst()))
    byteCount = try Shape.byteCount(of: tensor.dtype, shape: shape)
    base = try Tensor(
      dtype: tensor.dtype, byteOrder: tensor.byteOrder, shape: tensor.shape,
      strides: tensor.strides, offset: tensor.offset, storage: tensor.storage)
  }

  var isResident: Bool { false }

  func requireUnchanged() throws(TensorIOError) { try base.storage.source.requireUnchanged() }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try loadByStreaming(into: buffer)
  }

  func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    if byteCount == 0 { return }
    // Bytes in place are not checked by touching them.
    try base.storage.verifyInPlace()
    if rowBytes > streamChunkBytes {
      for index in indexes {
        try require(index)
        try base.sliced([.at(index)]).streamElements(as: .stored, limits: limits, body)
      }
    } else {
      try base.storage.withBytes { (bytes) throws(TensorIOError) in try gather(bytes, body) }
    }
    try requireUnchanged()
  }

  private func require(_ index: Int) throws(TensorIOError) {
    guard index >= 0, index < base.shape[0] else {
      throw .invalidArgument("row \(index) is asked for, and there are \(base.shape[0])")
    }
  }

  /// Hands on rows, as many at a time as fit in a chunk.
  private func gather(
    _ bytes: Span<UInt8>, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let rowsInChunk = min(indexes.count, streamChunkBytes / rowBytes)
    let chunk = UnsafeMutableRawBufferPointer.allocate(
      byteCount: rowsInChunk * rowBytes, alignment: 64)
    defer { unsafe chunk.deallocate() }
    let (rowShape, strides) = (Array(base.shape.dropFirst()), Array(base.strides.dropFirst()))
    let isPlain = Shape.isRowMajor(rowShape, strides)
    var filled = 0
    for index in indexes {
      try require(index)
      let target = unsafe UnsafeMutableRawBufferPointer(
        rebasing: chunk[filled..<filled + rowBytes])
      let start = (base.offset + index * base.strides[0]) * itemSize
      unsafe bytes.withUnsafeBytes { source in
        if isPlain {
          unsafe target.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: source[start..<start + rowBytes]))
        } else if let first = source.baseAddress {
          // SAFETY: the outline was checked to lie inside of the storage, and so does its row.
          unsafe Tensor.gather(
            into: target, from: first + start, itemSize: itemSize, shape: rowShape,
            strides: strides)
        }
      }
      filled += rowBytes
      if filled == chunk.count {
        try body(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(chunk)))
        filled = 0
      }
    }
    if filled > 0 {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: chunk[..<filled])
      try body(unsafe Span<UInt8>(_unsafeBytes: rest))
    }
  }
}
