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
  /// Parts begin and end at multiples of so many bytes.
  var partUnit: Int { get }
}

extension PartwiseSource {
  package var partUnit: Int { 1 }

  /// A part by itself, to be streamed; nil where that needs more than the part, or bytes are in place
  /// or have a checksum, which is better read once for all parts.
  package func streamedPart(_ range: Range<Int>) -> (any ByteSource)? {
    guard !isResident, !isChecksummed, range.lowerBound % partUnit == 0,
      range.count % partUnit == 0, streamChunkBytes % partUnit == 0, let loader = partLoader()
    else { return nil }
    return StreamedPart(self, loader, range)
  }
}

/// A part of a source that is not in place.
private final class StreamedPart: ByteSource {
  private let base: any ByteSource
  private let loader: any PartLoading
  private let range: Range<Int>

  init(_ base: any ByteSource, _ loader: any PartLoading, _ range: Range<Int>) {
    self.base = base
    self.loader = loader
    self.range = range
  }

  var byteCount: Int { range.count }
  var isResident: Bool { false }
  func requireUnchanged() throws(TensorIOError) { try base.requireUnchanged() }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    unsafe try loader.load(range, into: buffer)
    try requireUnchanged()
  }

  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    let chunk = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, min(streamChunkBytes, byteCount)), alignment: 64)
    defer { unsafe chunk.deallocate() }
    for start in Swift.stride(from: range.lowerBound, to: range.upperBound, by: streamChunkBytes) {
      let end = min(start + streamChunkBytes, range.upperBound)
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[..<(end - start)])
      unsafe try loader.load(start..<end, into: part)
      try body(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(part)))
    }
    try requireUnchanged()
  }
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
struct ResidentParts: PartLoading {
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
