/// A source of which any part can be read at any time, by several threads at once.
package protocol RandomAccessSource: ByteSource {
  /// Whether parts can be read now: compressed bytes have no places.
  var hasRandomAccess: Bool { get }

  /// Fills `buffer` with the bytes from `offset` on. Checksums are not checked.
  /// - Throws: `io` when the file has become shorter.
  func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError)

  /// The bytes in memory that nobody can take away; nil for a mapped file, which can get shorter.
  func withOwnBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R?
}

extension RandomAccessSource {
  package var hasRandomAccess: Bool { true }
  package func withOwnBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }
}

extension FileSlice: RandomAccessSource {
  package func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard offset >= 0, offset <= byteCount, buffer.count <= byteCount - offset else {
      throw .invalidArgument("reading past the end of a part of the file")
    }
    unsafe try file.read(at: range.lowerBound + offset, into: buffer)
  }
}

extension HeapBytes: RandomAccessSource {
  package func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard offset >= 0, offset <= byteCount, buffer.count <= byteCount - offset else {
      throw .invalidArgument("reading past the end of memory")
    }
    unsafe buffer.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: region[offset..<offset + buffer.count]))
  }

  package func withOwnBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    unsafe try body(region)
  }
}
