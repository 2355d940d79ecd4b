/// Copies parts of a source in any order, from several threads at once.
package protocol PartLoading: Sendable {
  /// Copies the bytes of `range` into `buffer`, which is as long.
  func load(
    _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError)

  /// Calls `body` with bytes in place, if they are in memory that nobody can take away: a mapped file
  /// can get shorter.
  /// - Returns: what `body` answers; nil where the bytes have to be loaded.
  func withBytesInPlace<R>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R?

  /// What can be checked only after every byte was loaded once: checksums, and that the file is
  /// still the one that was opened.
  func finish() throws(TensorIOError)
}

extension PartLoading {
  package func withBytesInPlace<R>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }
}

/// A source that may be able to hand out its parts without walking over all of it.
package protocol PartwiseSource: ByteSource {
  /// A loader for one pass over the source, or nil where its bytes come in order only.
  func partLoader() -> (any PartLoading)?
}

extension ByteSource {
  /// The source's own loader, or nil where its bytes come in order only.
  package var parts: (any PartLoading)? { (self as? any PartwiseSource)?.partLoader() }
}

extension FileSlice: PartwiseSource {
  package func partLoader() -> (any PartLoading)? { FileParts(slice: self) }

  private struct FileParts: PartLoading {
    let slice: FileSlice

    func load(
      _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
    ) throws(TensorIOError) {
      unsafe try slice.file.read(at: slice.range.lowerBound + range.lowerBound, into: buffer)
    }

    func finish() throws(TensorIOError) { try slice.requireUnchanged() }
  }
}

/// Copies parts of bytes in place, which nothing checks.
private struct ResidentParts: PartLoading {
  let source: any ByteSource

  func load(
    _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    let done: Void? = unsafe try source.withResidentBytes { (region) throws(TensorIOError) in
      guard range.upperBound <= region.count else {
        throw TensorIOError(.io, "a source handed out \(region.count) bytes, too few")
      }
      unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: region[range]))
    }
    if done == nil { throw TensorIOError(.io, "bytes are no longer in memory") }
  }

  func withBytesInPlace<R>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    guard let bytes = source as? HeapBytes else { return nil }
    return unsafe try body(UnsafeRawBufferPointer(rebasing: bytes.region[range]))
  }

  func finish() throws(TensorIOError) { try source.requireUnchanged() }
}

extension HeapBytes: PartwiseSource {
  package func partLoader() -> (any PartLoading)? { ResidentParts(source: self) }
}

extension SourceSlice: PartwiseSource {
  package func partLoader() -> (any PartLoading)? {
    isResident ? ResidentParts(source: self) : nil
  }
}
