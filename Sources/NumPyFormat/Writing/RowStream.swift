internal import ByteIO
internal import TensorModel

/// Rows in the dtype and byte order of a file.
struct RowStream {
  let dtype: DType
  let byteOrder: ByteOrder
  let limits: DecodingLimits

  /// What is converted at a time where bytes have to be.
  private static let pieceBytes = 4 << 20

  /// Hands the elements of rows to `body` as the file has them, in bounded memory.
  /// - Parameter rows: of the file's dtype but for byte orders, along the first axis.
  func forEachChunk(
    of rows: Tensor, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    if rows.dtype == dtype, rows.byteOrder == byteOrder {
      return try rows.streamElements(as: .stored, limits: limits, body)
    }
    if byteOrder == .little, dtype == dtype.withLittleEndianFields {
      return try rows.streamElements(as: .littleEndian, limits: limits, body)
    }
    let rowBytes = max(1, rows.byteCount / max(1, rows.shape[0]))
    let step = max(1, Self.pieceBytes / rowBytes)
    var start = 0
    while start < rows.shape[0] {
      let end = min(start + step, rows.shape[0])
      let piece = try rows[start..<end].loaded(limits: limits)
      // Turning big-endian bytes little-endian swaps those of the same fields as turning them back.
      let swapped = try Tensor(
        dtype: dtype, byteOrder: byteOrder, shape: piece.shape, storage: piece.storage)
      try swapped.streamElements(as: .littleEndian, limits: limits, body)
      start = end
    }
  }
}
