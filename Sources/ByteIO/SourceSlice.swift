/// A part of another source.
package final class SourceSlice: ByteSource {
  private let base: any ByteSource
  private let range: Range<Int>

  private init(_ base: any ByteSource, _ range: Range<Int>) {
    self.base = base
    self.range = range
  }

  /// The bytes of `base` in `range`, which lies inside it.
  package static func of(_ base: any ByteSource, _ range: Range<Int>) -> any ByteSource {
    if range == 0..<base.byteCount { return base }
    if let slice = base as? FileSlice {
      let start = slice.range.lowerBound + range.lowerBound
      if let part = try? FileSlice(slice.file, start..<start + range.count) { return part }
    }
    return SourceSlice(base, range)
  }

  package var byteCount: Int { range.count }
  package var isResident: Bool { base.isResident }
  package func requireUnchanged() throws(TensorIOError) { try base.requireUnchanged() }

  package func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    let range = range
    return unsafe try base.withResidentBytes { (region) throws(TensorIOError) in
      guard range.upperBound <= region.count else {
        throw TensorIOError(.io, "a source handed out \(region.count) bytes, too few")
      }
      return unsafe try body(UnsafeRawBufferPointer(rebasing: region[range]))
    }
  }

  package func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    let done: Void? = unsafe try withResidentBytes { (region) throws(TensorIOError) in
      unsafe buffer.copyMemory(from: region)
    }
    if done != nil { return }
    unsafe try loadByStreaming(into: buffer)
  }

  package func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var position = 0
    try base.stream { (chunk) throws(TensorIOError) in
      let start = max(range.lowerBound, position) - position
      let end = min(range.upperBound, position + chunk.count) - position
      position += chunk.count
      if start < end { try body(chunk.extracting(start..<end)) }
    }
  }
}
