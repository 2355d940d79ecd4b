internal import ByteIO

/// Where an archive is written, from some offset on.
protocol ZIPOutput: AnyObject {
  /// Where the next bytes go, from the start of the file.
  var byteCount: Int { get }
  func reserve(_ count: Int) throws(TensorIOError)
  func write(_ bytes: Span<UInt8>) throws(TensorIOError)
  func write(_ bytes: Span<UInt8>, at offset: Int) throws(TensorIOError)
}

extension AtomicFile: ZIPOutput {}

/// The end of a file, from an offset on.
final class FileTail: ZIPOutput {
  private let file: InPlaceFile
  private(set) var byteCount: Int

  init(of file: InPlaceFile, from offset: Int) {
    self.file = file
    byteCount = offset
  }

  func reserve(_ count: Int) throws(TensorIOError) { try file.reserve(count, at: byteCount) }

  func write(_ bytes: Span<UInt8>) throws(TensorIOError) { try write(bytes, at: byteCount) }

  func write(_ bytes: Span<UInt8>, at offset: Int) throws(TensorIOError) {
    try file.write(bytes, at: offset)
    byteCount = max(byteCount, offset + bytes.count)
  }
}
