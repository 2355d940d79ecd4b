/// Memory that is used again and again: buffers come back when nobody has them any more.
package final class BytePool: Sendable {
  private let free = Locked<[Int: [HeapBytes]]>([:])
  /// The most buffers of one size that wait here.
  private let mostKept: Int

  package init(mostKept: Int) { self.mostKept = mostKept }

  /// A buffer that `fill` writes; it holds anything at first.
  package func bytes(
    count: Int, filling fill: (UnsafeMutableRawBufferPointer) throws(TensorIOError) -> Void
  ) throws(TensorIOError) -> PooledBytes {
    let bytes: HeapBytes
    if let used = free.withLock({ $0[count]?.popLast() }) {
      bytes = used
    } else {
      bytes = unsafe try HeapBytes(byteCount: count) { _ in }
    }
    // SAFETY: nobody else has the buffer: it is new, or its last user is gone.
    unsafe try fill(UnsafeMutableRawBufferPointer(mutating: bytes.region))
    return PooledBytes(bytes, self)
  }

  fileprivate func takeBack(_ bytes: HeapBytes) {
    free.withLock { free in
      if free[bytes.byteCount, default: []].count < mostKept {
        free[bytes.byteCount, default: []].append(bytes)
      }
    }
  }
}

/// Bytes whose memory goes back to a pool with the last reference.
package final class PooledBytes: ByteSource {
  private let bytes: HeapBytes
  private let pool: BytePool

  fileprivate init(_ bytes: HeapBytes, _ pool: BytePool) {
    self.bytes = bytes
    self.pool = pool
  }

  deinit { pool.takeBack(bytes) }

  package var byteCount: Int { bytes.byteCount }
  package var isResident: Bool { true }

  package func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    unsafe try body(bytes.region)
  }

  package func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try bytes.load(into: buffer)
  }

  package func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try bytes.stream(body)
  }
}

extension PooledBytes: PartwiseSource {
  package func partLoader() -> (any PartLoading)? { ResidentParts(source: self) }
}
