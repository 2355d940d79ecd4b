/// The room on disks.
package enum DiskSpace {
  /// Refuses to begin what a disk has no room for.
  ///
  /// A file that will be replaced stays until the new one is whole, so its bytes are not free yet.
  /// - Parameters:
  ///   - byteCount: no more than will be written, so that nothing is refused that would have fitted.
  ///   - folder: where the bytes go.
  /// - Throws: `io` naming both numbers.
  package static func require(_ byteCount: Int, in folder: String) throws(TensorIOError) {
    guard let free = SystemCall.freeBytes(in: folder), free < byteCount else { return }
    throw TensorIOError(
      .io,
      "the disk is too full: \(byteCount) bytes are needed, \(free) are free in "
        + "'\(folder.escapedForDisplay)'; nothing was written")
  }

  /// Refuses to begin a file or folder that its disk has no room for.
  package static func require(_ byteCount: Int, for path: String) throws(TensorIOError) {
    var plain = path
    while plain.count > 1, plain.hasSuffix("/") { plain.removeLast() }
    let folder = splitPath(SystemCall.resolvedTarget(plain) ?? plain).directory
    try locating(.init(file: path)) { () throws(TensorIOError) in
      try require(byteCount, in: folder)
    }
  }
}

extension AtomicFile {
  /// Refuses to begin what the disk has no room for.
  /// - Parameter byteCount: no more than will be written.
  package func requireRoom(for byteCount: Int) throws(TensorIOError) {
    try DiskSpace.require(byteCount, for: path)
  }
}
