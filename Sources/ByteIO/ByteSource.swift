/// A fixed run of bytes in a file or in memory, which can be addressed in place, copied whole, or
/// walked in bounded chunks.
public protocol ByteSource: AnyObject, Sendable {
  /// The size in bytes, once decoded.
  var byteCount: Int { get }

  /// Whether the bytes lie in memory or in a mapped file as they are, with nothing to decode.
  var isResident: Bool { get }

  /// Whether ``load(into:)`` and ``stream(_:)`` compare the bytes with a checksum.
  var isChecksummed: Bool { get }

  /// The bytes in place, if they are resident; valid inside the call only.
  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R?

  /// Copies all bytes into `buffer`, which has exactly ``byteCount`` bytes. Checksums are checked.
  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError)

  /// Hands the bytes to `body` in order, in chunks of at most a few MiB. Checksums are checked after
  /// the last chunk, so what `body` did with them counts only when this returns.
  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError)

  /// A copy of all bytes in memory of our own. Checksums are checked.
  func loaded() throws(TensorIOError) -> HeapBytes

  /// Throws `io` when a file behind the bytes was written to since it was opened.
  func requireUnchanged() throws(TensorIOError)
}

extension ByteSource {
  public var isChecksummed: Bool { false }
  public func requireUnchanged() throws(TensorIOError) {}

  /// Refuses a buffer of another size.
  package func requireSize(of buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    guard buffer.count == byteCount else {
      throw .invalidArgument("a buffer of \(buffer.count) bytes for a source of \(byteCount)")
    }
  }

  /// ``load(into:)`` for sources whose bytes come in order only.
  package func loadByStreaming(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    var filled = 0
    try stream { (chunk) throws(TensorIOError) in
      guard chunk.count <= buffer.count - filled else {
        throw TensorIOError(.io, "a source of \(buffer.count) bytes handed out more")
      }
      unsafe chunk.withUnsafeBytes { bytes in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
      }
      filled += chunk.count
    }
    guard filled == buffer.count else {
      throw TensorIOError(.io, "a source of \(buffer.count) bytes handed out \(filled)")
    }
  }

  /// All bytes as an array.
  ///
  /// Checksums are checked.
  public func bytes() throws(TensorIOError) -> [UInt8] {
    var bytes: [UInt8] = []
    try stream { (chunk) throws(TensorIOError) in
      bytes.append(contentsOf: chunk.array)
    }
    return bytes
  }

  /// Allocates and loads.
  public func loaded() throws(TensorIOError) -> HeapBytes {
    unsafe try HeapBytes(byteCount: byteCount) { (buffer) throws(TensorIOError) in
      unsafe try load(into: buffer)
    }
  }
}

/// The chunk that streams read at a time: large enough to amortise a system call, small enough that
/// a chunk just read is still in the second-level cache for whoever uses it.
package let streamChunkBytes = 1 << 20

extension Span<UInt8> {
  /// Hands the bytes to `body` in order, as ``ByteSource/stream(_:)`` does.
  package func forEachChunk(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var position = 0
    while position < count {
      let end = min(position + streamChunkBytes, count)
      try body(extracting(position..<end))
      position = end
    }
  }
}

extension HeapBytes: ByteSource {
  public var isResident: Bool { true }

  public func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    unsafe try body(region)
  }

  public func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    unsafe buffer.copyMemory(from: region)
  }

  public func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try unsafe Span<UInt8>(_unsafeBytes: region).forEachChunk(body)
  }
}

/// A range of an open file.
public final class FileSlice: ByteSource {
  /// The file.
  public let file: InputFile
  /// The range of its bytes; lies inside the file as it was when opened.
  public let range: Range<Int>

  /// Creates a slice.
  /// - Throws: `malformed` when the range reaches past the end of the file.
  public init(_ file: InputFile, _ range: Range<Int>) throws(TensorIOError) {
    guard range.lowerBound >= 0, range.upperBound <= file.byteCount else {
      throw TensorIOError(
        .malformed,
        "needs bytes up to \(range.upperBound), the file has \(file.byteCount); "
          + "it is cut short or damaged",
        at: .init(file: file.path, offset: range.lowerBound))
    }
    self.file = file
    self.range = range
  }

  public var byteCount: Int { range.count }
  public var isResident: Bool { true }
  public func requireUnchanged() throws(TensorIOError) { try file.requireUnchanged() }

  public func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    unsafe try body(file.mapped(range))
  }

  public func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    let (file, start) = (self.file, range.lowerBound)
    unsafe try Parallel.forEachChunk(of: buffer, size: 8 * streamChunkBytes) {
      (chunk, offset) throws(TensorIOError) in
      unsafe try file.read(at: start + offset, into: chunk)
    }
    try file.requireUnchanged()
  }

  public func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    file.adviseSequential()
    let chunk = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, min(streamChunkBytes, byteCount)), alignment: 64)
    defer { unsafe chunk.deallocate() }
    var position = range.lowerBound
    while position < range.upperBound {
      let count = min(chunk.count, range.upperBound - position)
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[..<count])
      unsafe try file.read(at: position, into: part)
      try body(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(part)))
      position += count
    }
    try file.requireUnchanged()
  }
}
