internal import ByteIO
internal import CLibdeflate
internal import CZlib

/// The checksum of ZIP and PNG.
package struct CRC32 {
  /// The checksum of what was added.
  package private(set) var value: UInt32 = 0

  /// The checksum of nothing.
  package init() {}

  /// Adds bytes.
  package mutating func update(_ bytes: Span<UInt8>) {
    // libdeflate takes an empty run for a new beginning.
    if bytes.isEmpty { return }
    unsafe bytes.withUnsafeBytes { value = unsafe Self.of($0, after: value) }
  }

  /// Adds bytes whose own checksum is known.
  mutating func append(_ other: UInt32, length: Int) {
    value = Self.joined(value, other, length: length)
  }

  static func of(_ bytes: UnsafeRawBufferPointer, after start: UInt32 = 0) -> UInt32 {
    unsafe libdeflate_crc32(start, bytes.baseAddress, bytes.count)
  }

  static func of(_ bytes: Span<UInt8>) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe of($0) }
  }

  /// The checksum of two runs of bytes, one after the other; `length` is that of the second.
  static func joined(_ first: UInt32, _ second: UInt32, length: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_combine(uLong(first), uLong(second), length))
  }

  /// The checksum in the notation of `unzip -v`.
  static func text(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Large enough that joining checksums costs nothing beside computing them.
  private static let chunkBytes = 4 << 20

  /// Reads a slice into `buffer` and answers its checksum, chunk by chunk on all cores: each chunk
  /// is summed while it is still in the cache.
  static func load(
    _ slice: FileSlice, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) -> UInt32 {
    let (file, start) = (slice.file, slice.range.lowerBound)
    let crc = unsafe try overChunks(of: buffer) { (chunk, offset) throws(TensorIOError) in
      unsafe try file.read(at: start + offset, into: chunk)
      return unsafe of(UnsafeRawBufferPointer(chunk))
    }
    try file.requireUnchanged()
    return crc
  }

  /// The checksum of bytes in memory, on all cores.
  static func parallel(of buffer: UnsafeRawBufferPointer) -> UInt32 {
    if buffer.count <= chunkBytes { return unsafe of(buffer) }
    let mutable = unsafe UnsafeMutableRawBufferPointer(mutating: buffer)
    let crc = unsafe try? overChunks(of: mutable) { (chunk, _) in
      unsafe of(UnsafeRawBufferPointer(chunk))
    }
    return unsafe crc ?? of(buffer)
  }

  private static func overChunks(
    of buffer: UnsafeMutableRawBufferPointer,
    _ sum: @Sendable (UnsafeMutableRawBufferPointer, Int) throws(TensorIOError) -> UInt32
  ) throws(TensorIOError) -> UInt32 {
    let count = (buffer.count + chunkBytes - 1) / chunkBytes
    let sums = ResultSlots<UInt32>(count: count, initial: 0)
    unsafe try Parallel.forEachChunk(of: buffer, size: chunkBytes) {
      (chunk, offset) throws(TensorIOError) in
      sums[offset / chunkBytes] = unsafe try sum(chunk, offset)
    }
    var value: UInt32 = 0
    for index in 0..<count {
      let length = min(chunkBytes, buffer.count - index * chunkBytes)
      value = joined(value, sums[index], length: length)
    }
    return value
  }
}
