/// A file that is changed in place, by one writer at a time.
///
/// Holds an exclusive lock (`flock`) from opening to ``close()``. The lock binds those who ask for it:
/// other programs can still write to the file.
package final class InPlaceFile {
  /// A change that is about to be made.
  package enum Change {
    case write([UInt8], at: Int)
    case truncate(to: Int)
    case synchronize
  }

  /// The path as the caller gave it.
  package let path: String
  /// Sees each change before it is made, and may refuse it: how tests interrupt a writer anywhere.
  package var willChange: ((Change) throws(TensorIOError) -> Void)?
  private var fd: Int32?

  /// Opens a file and locks it.
  /// - Throws: `io` when it is missing, cannot be written or is locked by another writer;
  ///   `invalidArgument` for what is no regular file.
  package init(path: String) throws(TensorIOError) {
    self.path = path
    fd = try locating(.init(file: path)) { () throws(TensorIOError) in
      let fd = try SystemCall.openForUpdating(path)
      do throws(TensorIOError) {
        try Self.lock(fd, path)
      } catch {
        SystemCall.close(fd)
        throw error
      }
      return fd
    }
  }

  deinit { close() }

  /// The file that has a name, locked; nil where there is none.
  package static func ifPresent(_ path: String) throws(TensorIOError) -> InPlaceFile? {
    SystemCall.identity(of: path) == nil ? nil : try InPlaceFile(path: path)
  }

  private static func lock(_ fd: Int32, _ path: String) throws(TensorIOError) {
    let identity = try SystemCall.identity(of: fd)
    guard identity.isRegular else {
      throw .invalidArgument("is not a regular file, which alone can be changed in place")
    }
    guard try SystemCall.lockExclusively(fd) else {
      throw TensorIOError(.io, "another writer has the file open; try again when it is done")
    }
    // Between opening and locking another file may have been given the name.
    guard let named = SystemCall.identity(of: path), named.isSameFile(as: identity) else {
      throw TensorIOError(.io, "the file was replaced while it was being opened; try again")
    }
  }

  /// Has the file's name on the disk when this returns.
  package func synchronizeFolder() throws(TensorIOError) {
    try SystemCall.synchronizeDirectory(splitPath(path).directory)
  }

  /// Whether ``close()`` was not called yet.
  package var isOpen: Bool { fd != nil }

  /// Closes the file and gives up the lock.
  package func close() {
    if let fd { SystemCall.close(fd) }
    fd = nil
  }

  /// The file, opened a second time to be read, which may outlive the lock.
  package func reading() throws(TensorIOError) -> InputFile {
    try perform { (fd) throws(TensorIOError) in
      // A duplicate of the descriptor would share the lock.
      let copy = try SystemCall.openForReading(path)
      guard let (one, other) = try? (SystemCall.identity(of: fd), SystemCall.identity(of: copy)),
        one.isSameFile(as: other)
      else {
        SystemCall.close(copy)
        throw TensorIOError(.io, "the file was replaced while it was being changed; try again")
      }
      return try InputFile(taking: copy, path: path)
    }
  }

  /// The size of the file.
  package var byteCount: Int {
    get throws(TensorIOError) {
      try perform { (fd) throws(TensorIOError) in try SystemCall.identity(of: fd).size }
    }
  }

  /// Writes bytes at an offset.
  package func write(_ bytes: Span<UInt8>, at offset: Int) throws(TensorIOError) {
    if let willChange { try willChange(.write(bytes.array, at: offset)) }
    try perform { (fd) throws(TensorIOError) in
      let failure: TensorIOError? = unsafe bytes.withUnsafeBytes { buffer in
        do throws(TensorIOError) {
          unsafe try SystemCall.write(fd, buffer, at: offset)
          return nil
        } catch {
          return error
        }
      }
      if let failure { throw failure }
    }
  }

  /// Allocates disk space behind an offset, where the file system can.
  package func reserve(_ count: Int, at offset: Int) throws(TensorIOError) {
    try perform { (fd) throws(TensorIOError) in
      try SystemCall.allocate(fd, offset: offset, byteCount: count)
    }
  }

  /// Cuts the file.
  package func truncate(to byteCount: Int) throws(TensorIOError) {
    if let willChange { try willChange(.truncate(to: byteCount)) }
    try perform { (fd) throws(TensorIOError) in try SystemCall.truncate(fd, to: byteCount) }
  }

  /// Has what was written on the disk.
  package func synchronize() throws(TensorIOError) {
    if let willChange { try willChange(.synchronize) }
    try perform { (fd) throws(TensorIOError) in try SystemCall.synchronizeData(fd) }
  }

  private func perform<R>(
    _ body: (Int32) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      guard let fd else { throw .invalidArgument("the file was closed") }
      return try body(fd)
    }
  }
}
