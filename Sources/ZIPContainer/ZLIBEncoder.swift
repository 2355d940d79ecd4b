package import ByteIO
internal import CLibdeflate

/// Writes a zlib stream (RFC 1950) in pieces: what PNG files hold.
///
/// Pieces are compressed one by one, a MiB of input each, so memory is bounded; the same bytes give
/// the same stream, however they are cut.
package struct ZLIBEncoder {
  private let deflater: BlockDeflater
  private var pending: [UInt8] = []
  private var checksum: UInt32 = 1
  private var isFirst = true

  /// - Parameter level: from 1 (fast) to 12 (small).
  package init(level: Int = 6) { deflater = BlockDeflater(level: level) }

  /// Adds bytes and hands on what became of those before.
  package mutating func add(
    _ bytes: Span<UInt8>, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    // libdeflate takes an empty run for a new beginning.
    if bytes.isEmpty { return }
    unsafe bytes.withUnsafeBytes { input in
      checksum = unsafe libdeflate_adler32(checksum, input.baseAddress, input.count)
    }
    var start = 0
    while start < bytes.count {
      // The last piece is held back: only the end tells which it is.
      if pending.count == DeflateBlock.byteCount { try compress(isLast: false, body) }
      let count = min(bytes.count - start, DeflateBlock.byteCount - pending.count)
      pending += bytes.extracting(start..<start + count).array
      start += count
    }
  }

  /// Ends the stream.
  package mutating func finish(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try compress(isLast: true, body)
    let trailer = checksum.bigEndianBytes
    try body(trailer.span)
  }

  private mutating func compress(
    isLast: Bool, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    // Deflate with a window of 32 KiB, default level; the two bytes are a multiple of 31.
    let header: [UInt8] = isFirst ? [0x78, 0x9c] : []
    var block = DeflateBlock(member: 0, isFirst: isFirst)
    (block.bytes, block.isLast) = (pending, isLast)
    let output = header + (try deflater.compress(block))
    try body(output.span)
    pending.removeAll(keepingCapacity: true)
    isFirst = false
  }
}

extension UInt32 {
  /// The four bytes, most significant first.
  package var bigEndianBytes: [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) }
  }
}
