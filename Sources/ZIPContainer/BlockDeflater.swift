internal import ByteIO
internal import CLibdeflate
internal import CZlib

/// A piece of a member, compressed by itself so that all cores have work.
struct DeflateBlock: Sendable {
  /// Small enough to keep all cores busy, large enough that losing the history at its start costs
  /// well under a percent.
  static let byteCount = 1 << 20

  let member: Int
  var bytes: [UInt8] = []
  var isFirst = true
  var isLast = false

  init(member: Int, isFirst: Bool = true) {
    self.member = member
    self.isFirst = isFirst
  }
}

/// Compresses blocks with libdeflate so that their outputs, one after the other, are one deflate
/// stream.
///
/// libdeflate ends every output with a final deflate block. In all but the last output that mark
/// (the first bit of the block's header) is cleared, and an empty stored block follows, which ends
/// on a byte boundary.
struct BlockDeflater: Sendable {
  let level: Int

  init(level: Int) { self.level = min(max(level, 1), 12) }

  /// The deflate data of one block.
  func compress(_ block: DeflateBlock) throws(TensorIOError) -> [UInt8] {
    guard let compressor = unsafe libdeflate_alloc_compressor(Int32(level)) else {
      throw TensorIOError(.io, "no memory for a compressor")
    }
    defer { unsafe libdeflate_free_compressor(compressor) }
    let bound = unsafe libdeflate_deflate_compress_bound(compressor, block.bytes.count)
    var output = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      count = unsafe block.bytes.withUnsafeBytes { input in
        unsafe libdeflate_deflate_compress(
          compressor, input.baseAddress, input.count, buffer.baseAddress, bound)
      }
    }
    guard !output.isEmpty else { throw TensorIOError(.io, "compressing a block failed") }
    if !block.isLast {
      try Self.unfinish(&output, capacity: block.bytes.count)
    }
    return output
  }

  /// Turns a finished stream into one that goes on after its last byte.
  private static func unfinish(
    _ stream: inout [UInt8], capacity: Int
  ) throws(TensorIOError) {
    let (lastHeader, end) = try lastBlock(of: stream, outputBytes: capacity)
    stream[lastHeader / 8] &= ~(1 << UInt8(lastHeader % 8))
    // The empty block's header is three zero bits; what is left of the last byte may hold them.
    let used = end % 8
    if used == 0 || used > 5 { stream.append(0) }
    stream += [0x00, 0x00, 0xff, 0xff]
  }

  /// The bit offsets of the last block's header and of the end of the stream: zlib stops at every
  /// block on request, and says how many bits of its last byte it has not used.
  private static func lastBlock(
    of stream: [UInt8], outputBytes: Int
  ) throws(TensorIOError) -> (header: Int, end: Int) {
    var state = unsafe z_stream()
    let size = unsafe Int32(MemoryLayout<z_stream>.size)
    guard unsafe inflateInit2_(&state, -15, ZLIB_VERSION, size) == Z_OK else {
      throw TensorIOError(.io, "no memory for a decompressor")
    }
    defer { _ = unsafe inflateEnd(&state) }
    let output = UnsafeMutablePointer<UInt8>.allocate(capacity: outputBytes)
    defer { unsafe output.deallocate() }
    unsafe state.next_out = unsafe output
    unsafe state.avail_out = UInt32(outputBytes)
    let found: (header: Int, end: Int)? = unsafe stream.withUnsafeBufferPointer { input in
      unsafe state.next_in = unsafe UnsafeMutablePointer(mutating: input.baseAddress)
      unsafe state.avail_in = UInt32(input.count)
      var header = 0
      while unsafe inflate(&state, Z_BLOCK) == Z_OK {
        let kind = unsafe Int(state.data_type)
        guard kind & 128 != 0 else { return nil }
        let position = unsafe 8 * Int(state.total_in) - kind & 7
        if kind & 64 != 0 { return (header, position) }
        header = position
      }
      return nil
    }
    guard let found else { throw TensorIOError(.io, "a compressed block cannot be read back") }
    return found
  }
}
