internal import ByteIO
internal import TensorModel

/// The stored bytes of some rows of a tensor, one row after the other, read when somebody asks.
final class SelectedRows<Indexes: RandomAccessCollection & Sendable>: ByteSource
where Indexes.Element == Int {
  /// The shape of the result.
  let shape: [Int]
  let byteCount: Int

  /// The tensor as bytes without meaning: the result has the byte order, flags and scales, so nothing
  /// is to be rewritten here.
  private let base: Tensor
  private let indexes: Indexes
  /// The bytes of a row without gaps.
  private let rowBytes: Int
  private let limits: DecodingLimits

  /// Row numbers that are held at a time.
  private static var mostRows: Int { 1 << 16 }

  init(
    _ tensor: Tensor, _ indexes: Indexes, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    self.indexes = indexes
    self.limits = limits
    shape = [indexes.count] + tensor.shape.dropFirst()
    rowBytes = try Shape.byteCount(of: tensor.dtype, shape: Array(tensor.shape.dropFirst()))
    byteCount = try Shape.byteCount(of: tensor.dtype, shape: shape)
    base = try Tensor(
      dtype: .void(count: tensor.dtype.bitWidth / 8), shape: tensor.shape,
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
    guard rowBytes > streamChunkBytes else { return try streamSmallRows(body) }
    for index in indexes {
      try require(index)
      try base.sliced([.at(index)]).streamElements(as: .stored, limits: limits, body)
    }
  }

  /// Hands on rows, as many at a time as fit in a chunk.
  private func streamSmallRows(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let reader = try RowReader(base)
    let most = min(indexes.count, streamChunkBytes / rowBytes, Self.mostRows)
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: most * rowBytes, alignment: 64)
    defer { unsafe chunk.deallocate() }
    var rows: [Int] = []
    rows.reserveCapacity(most)
    func readRows() throws(TensorIOError) {
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[..<(rows.count * rowBytes)])
      unsafe try reader.read(rows[...], into: part)
      try body(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(part)))
      rows.removeAll(keepingCapacity: true)
    }
    for index in indexes {
      try require(index)
      rows.append(index)
      if rows.count == most { try readRows() }
    }
    if !rows.isEmpty { try readRows() }
  }

  private func require(_ index: Int) throws(TensorIOError) {
    guard index >= 0, index < base.shape[0] else {
      throw .invalidArgument("row \(index) is asked for, and there are \(base.shape[0])")
    }
  }
}
