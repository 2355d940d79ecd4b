/// A source whose bytes may lie in a file as they are.
package protocol FileBacked: ByteSource {
  /// Where they lie; nil for bytes that have to be decoded.
  var bytesInFile: FileSlice? { get }
}

extension FileSlice: FileBacked {
  package var bytesInFile: FileSlice? { self }

  /// Copies the bytes of a range, unless they would have to come from the disk.
  /// - Returns: false where nothing was copied.
  package func readCached(
    _ part: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) -> Bool {
    unsafe try file.readCached(at: range.lowerBound + part.lowerBound, into: buffer)
  }

  /// Whether the byte at a place can be read without asking the disk; true too where nobody knows.
  package func isCached(_ place: Int) -> Bool { file.isCached(at: range.lowerBound + place) }

  /// Copies the bytes of a range.
  package func read(
    _ part: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    unsafe try file.read(at: range.lowerBound + part.lowerBound, into: buffer)
  }

  /// Has the disk read a range that is wanted soon.
  package func willNeed(_ part: Range<Int>) {
    file.willNeed(at: range.lowerBound + part.lowerBound, byteCount: part.count)
  }
}
