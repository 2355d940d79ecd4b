/// A file that appears whole under its name or not at all.
///
/// The bytes go to a nameless file in the target's folder (`O_TMPFILE`), which the kernel removes by
/// itself if the process ends; ``commit(synced:)`` names it beside the target and renames it over.
/// Where the file system has no nameless files, a hidden sibling `.NAME.tensorio-RANDOM.tmp` is used.
public final class AtomicFile {
  /// The path that will name the file.
  public let path: String
  /// Bytes written so far, from the start of the file.
  public private(set) var byteCount = 0

  private let target: String
  private let directory: String
  private let temporaryName: String
  private let fd: Int32
  private let isNameless: Bool
  private var isCommitted = false
  private let isNew: Bool

  /// Opens a file that will be named `path`.
  /// - Throws: `io` when the folder does not exist or cannot be written; `invalidArgument` when the
  ///   path names a folder or a device.
  public init(path: String) throws(TensorIOError) {
    self.path = path
    // A link keeps pointing where it does: the file behind it is replaced, as a writer would.
    guard let target = SystemCall.resolvedTarget(path) else {
      throw TensorIOError(
        .invalidArgument, "is a link that points nowhere; name another output",
        at: .init(file: path))
    }
    self.target = target
    let (directory, name) = splitPath(target)
    guard !name.isEmpty, name != ".", name != ".." else {
      throw TensorIOError(.invalidArgument, "names no file", at: .init(file: path))
    }
    self.directory = directory
    temporaryName = temporaryPath(for: name, in: directory)
    let existing = SystemCall.identity(of: target)
    isNew = existing == nil
    if let existing, !existing.isRegular {
      throw TensorIOError(
        .invalidArgument, "exists and is not a regular file; name another output",
        at: .init(file: path))
    }
    if let nameless = SystemCall.openNameless(in: directory) {
      (fd, isNameless) = (nameless, true)
    } else {
      do throws(TensorIOError) {
        (fd, isNameless) = (try SystemCall.createExclusively(temporaryName), false)
      } catch {
        // The name of the temporary file would only puzzle the caller.
        throw TensorIOError(
          .io,
          "no file can be made in the folder '\(directory.escapedForDisplay)': \(error.reason)",
          at: .init(file: path))
      }
    }
    if let existing { try? SystemCall.setMode(fd, existing.mode) }
  }

  deinit {
    if !isNameless, !isCommitted { SystemCall.remove(temporaryName) }
    SystemCall.close(fd)
  }

  /// A file that is only read by whom it is written, and is gone when this is let go of.
  /// - Parameter folder: where it takes its room; nil for `TMPDIR`, or `/tmp`.
  package static func passing(in folder: String?) throws(TensorIOError) -> AtomicFile {
    let folder = folder ?? SystemCall.temporaryFolder
    do throws(TensorIOError) {
      return try AtomicFile(path: temporaryPath(for: "passing", in: folder))
    } catch {
      // The name of the file would only puzzle the caller.
      throw TensorIOError(error.code, error.reason + "; TMPDIR names another folder")
    }
  }

  /// Allocates disk space for bytes that will be written, beyond those written so far.
  ///
  /// A full disk is noticed before anything is written, and the file system need not flush the file
  /// when it replaces another (ext4 does for delayed allocations).
  /// - Throws: `io` when the disk has no room.
  public func reserve(_ count: Int) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      try SystemCall.allocate(fd, offset: byteCount, byteCount: count)
    }
  }

  /// Appends bytes.
  public func write(_ bytes: Span<UInt8>) throws(TensorIOError) {
    try write(bytes, at: byteCount)
  }

  /// Appends a text as UTF-8.
  public func write(_ text: String) throws(TensorIOError) { try write(Array(text.utf8).span) }

  /// Writes bytes at an offset, which may lie before the end.
  public func write(_ bytes: Span<UInt8>, at offset: Int) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
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
    byteCount = max(byteCount, offset + bytes.count)
  }

  /// Room for bytes that come next, to be written in any order, from any thread.
  ///
  /// For as long as this file is there.
  package func room(_ count: Int) throws(TensorIOError) -> FileRoom {
    try reserve(count)
    defer { byteCount += count }
    return FileRoom(fd: fd, path: path, start: byteCount)
  }

  /// What was written so far, to be read before the file has its name; no more is written while
  /// somebody reads.
  package func written() throws(TensorIOError) -> InputFile {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      try InputFile(taking: try SystemCall.duplicate(fd), path: path)
    }
  }

  /// Takes back a commit, because another file that belongs to this one got no name.
  ///
  /// What was replaced is gone; a file that replaced another stays.
  package func withdraw() {
    if isCommitted, isNew { SystemCall.remove(target) }
  }

  /// Gives the file its name, replacing what had it.
  /// - Parameter synced: whether file and folder are on the disk, not only in the page cache, when
  ///   this returns.
  public func commit(synced: Bool = false) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      if synced { try SystemCall.synchronize(fd) }
      if isNameless {
        if (try? SystemCall.link(fd, as: target)) == nil {
          try SystemCall.link(fd, as: temporaryName)
          try renameTemporary()
        }
      } else {
        try renameTemporary()
      }
      isCommitted = true
      if synced { try SystemCall.synchronizeDirectory(directory) }
    }
  }

  /// Gives the file its name where nothing has it yet, however many try at once.
  /// - Throws: `io` when something has the name.
  package func commitAsNew(synced: Bool = false) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      if synced { try SystemCall.synchronize(fd) }
      if isNameless {
        try SystemCall.link(fd, as: target)
      } else {
        try SystemCall.link(temporaryName, as: target)
        SystemCall.remove(temporaryName)
      }
      isCommitted = true
      if synced { try SystemCall.synchronizeDirectory(directory) }
    }
  }

  private func renameTemporary() throws(TensorIOError) {
    // Freeing a replaced file takes milliseconds for each 100 MB; kept open, it outlives the rename
    // and is freed in the background.
    let replaced = try? SystemCall.openForReading(target)
    defer { if let replaced { Parallel.later { SystemCall.close(replaced) } } }
    do throws(TensorIOError) {
      try SystemCall.rename(temporaryName, to: target)
    } catch {
      SystemCall.remove(temporaryName)
      throw error
    }
  }
}

/// A part of a file that is being written.
package struct FileRoom: Sendable {
  fileprivate let fd: Int32
  fileprivate let path: String
  fileprivate let start: Int

  /// Writes bytes at an offset from the start of the part.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      unsafe try SystemCall.write(fd, bytes, at: start + offset)
    }
  }
}
