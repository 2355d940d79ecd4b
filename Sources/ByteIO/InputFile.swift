internal import Glibc

/// An open regular file: mapped for views in place, and readable with checked copies.
///
/// A mapped page that another process truncates away kills the reader with SIGBUS, so bulk work
/// reads with ``read(at:into:)``, which turns the same event into an error.
@safe
public final class InputFile: Sendable {
  /// The path as the caller gave it.
  public let path: String
  /// The size in bytes when the file was opened.
  public let byteCount: Int

  /// Where the bytes come from.
  private enum Origin {
    case opened(fd: Int32, FileIdentity)
    case part(InputFile, start: Int)
    case memory(HeapBytes)
  }

  private let origin: Origin
  // SAFETY: mapped read-only in `init`, unmapped in `deinit`, never changed between; of a part or of
  // memory it points into what `origin` keeps alive.
  private nonisolated(unsafe) let map: UnsafeRawBufferPointer

  /// Opens and maps a file.
  /// - Throws: `io` when the file cannot be opened; `invalidArgument` for a directory, a FIFO, a
  ///   socket or a device.
  public convenience init(path: String) throws(TensorIOError) {
    try self.init(taking: try SystemCall.openForReading(path), path: path)
  }

  /// Maps a file that is open, and closes it in the end.
  init(taking fd: Int32, path: String) throws(TensorIOError) {
    do throws(TensorIOError) {
      let identity = try SystemCall.identity(of: fd)
      try Self.requireRegular(identity.kind, path)
      unsafe map = try SystemCall.map(fd, byteCount: identity.size)
      origin = .opened(fd: fd, identity)
      byteCount = identity.size
    } catch {
      SystemCall.close(fd)
      throw error.located(in: .init(file: path))
    }
    self.path = path
  }

  /// A file that lies inside another as it is.
  package init(_ slice: FileSlice) {
    path = slice.file.path
    byteCount = slice.byteCount
    origin = .part(slice.file, start: slice.range.lowerBound)
    unsafe map = slice.file.mapped(slice.range)
  }

  /// A file that was unpacked from the one at `path`.
  package init(_ bytes: HeapBytes, from path: String) {
    self.path = path
    byteCount = bytes.byteCount
    origin = .memory(bytes)
    unsafe map = bytes.region
  }

  deinit {
    guard case .opened(let fd, _) = origin else { return }
    unsafe SystemCall.unmap(map)
    SystemCall.close(fd)
  }

  private static func requireRegular(_ kind: UInt32, _ path: String) throws(TensorIOError) {
    let name: String
    switch kind {
    case S_IFREG: return
    case S_IFDIR: name = "a directory; name a file in it"
    case S_IFIFO: name = "a FIFO; save the stream to a file first"
    case S_IFSOCK: name = "a socket"
    default: name = "a device"
    }
    throw .invalidArgument("not a regular file but \(name)")
  }

  /// The bytes of `range` in place; touching them may raise SIGBUS if the file is truncated
  /// meanwhile.
  func mapped(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: map[range])
  }

  /// Copies the bytes at `offset` into the whole of `buffer`.
  /// - Throws: `io` when the file has become shorter than it was at opening.
  public func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    let count: Int
    switch origin {
    case .opened(let fd, _):
      count = try locating(.init(file: path)) { () throws(TensorIOError) in
        unsafe try SystemCall.read(fd, into: buffer, at: offset)
      }
    case .part(let file, let start):
      count = max(0, min(buffer.count, byteCount - offset))
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      unsafe try file.read(at: start + offset, into: part)
    case .memory:
      count = max(0, min(buffer.count, byteCount - offset))
      if count > 0 { unsafe buffer.copyMemory(from: mapped(offset..<offset + count)) }
    }
    guard count == buffer.count else {
      throw TensorIOError(
        .io, "the file became shorter while it was being read; read it again when it is complete",
        at: .init(file: path, offset: offset + count))
    }
  }

  /// The bytes of `range`, copied.
  package func bytes(_ range: Range<Int>) throws(TensorIOError) -> [UInt8] {
    guard range.upperBound <= byteCount else {
      throw TensorIOError(
        .malformed, "needs \(range.count) bytes, \(max(0, byteCount - range.lowerBound)) are left",
        at: .init(file: path, offset: range.lowerBound))
    }
    var bytes = [UInt8](repeating: 0, count: range.count)
    let failure: TensorIOError? = unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(TensorIOError) {
        unsafe try read(at: range.lowerBound, into: buffer)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// ``read(at:into:)``, unless the bytes would have to come from the disk.
  /// - Returns: false where nothing useful was copied; also where the system cannot tell.
  func readCached(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) -> Bool {
    switch origin {
    case .opened(let fd, _): return unsafe SystemCall.readCached(fd, into: buffer, at: offset)
    case .part(let file, let start):
      guard offset + buffer.count <= byteCount else { return false }
      return unsafe try file.readCached(at: start + offset, into: buffer)
    case .memory:
      unsafe try read(at: offset, into: buffer)
      return true
    }
  }

  /// Whether the byte at an offset can be read without asking the disk; true too where nobody knows.
  func isCached(at offset: Int) -> Bool {
    switch origin {
    case .opened(let fd, _): SystemCall.isCached(fd, at: offset)
    case .part(let file, let start): file.isCached(at: start + offset)
    case .memory: true
    }
  }

  /// Has the disk read bytes that are wanted soon.
  func willNeed(at offset: Int, byteCount: Int) {
    switch origin {
    case .opened(let fd, _): SystemCall.willNeed(fd, at: offset, byteCount: byteCount)
    case .part(let file, let start): file.willNeed(at: start + offset, byteCount: byteCount)
    case .memory: break
    }
  }

  /// Tells the kernel to read ahead: the file is about to be read from start to end.
  package func adviseSequential() {
    if case .opened(let fd, _) = origin { SystemCall.adviseSequential(fd) }
  }

  /// Compares size, time and inode with those at opening.
  /// - Throws: `io` when the file was written to or cut since.
  public func requireUnchanged() throws(TensorIOError) {
    if case .part(let file, _) = origin { try file.requireUnchanged() }
    guard case .opened(let fd, let identity) = origin else { return }
    guard try SystemCall.identity(of: fd).isSameContent(as: identity) else {
      throw TensorIOError(
        .io, "the file was changed while it was being read; read it again when it is complete",
        at: .init(file: path))
    }
  }
}
