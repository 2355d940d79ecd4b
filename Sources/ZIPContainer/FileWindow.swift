internal import ByteIO

/// Reads small pieces of a file that lie close to each other with few system calls.
final class FileWindow {
  let file: InputFile
  private var start = 0
  private var bytes: [UInt8] = []
  /// Forty headers of small members; more would cost more than a call where members are large.
  private static let size = 1 << 14

  init(_ file: InputFile) { self.file = file }

  /// The bytes of a range.
  /// - Throws: `malformed` when it reaches past the end of the file.
  func bytes(_ range: Range<Int>) throws(TensorIOError) -> ArraySlice<UInt8> {
    if range.lowerBound < start || range.upperBound > start + bytes.count {
      guard range.upperBound <= file.byteCount else { return try file.bytes(range)[...] }
      let end = min(file.byteCount, max(range.upperBound, range.lowerBound + Self.size))
      bytes = try file.bytes(range.lowerBound..<end)
      start = range.lowerBound
    }
    return bytes[range.lowerBound - start..<range.upperBound - start]
  }

  /// Copies the bytes at an offset.
  func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard buffer.count < Self.size else { return unsafe try file.read(at: offset, into: buffer) }
    let piece = try bytes(offset..<offset + buffer.count)
    unsafe buffer.copyBytes(from: piece)
  }
}
