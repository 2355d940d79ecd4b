/// A hidden file beside another, under a name made of that one's.
package struct SiblingFile: Sendable {
  /// The path of the hidden file.
  package let path: String
  private let directory: String

  /// The file `.NAME.ENDING` beside the file that `target` names, with its links followed.
  package init(of target: String, ending: String) {
    let (directory, name) = splitPath(SystemCall.resolvedTarget(target) ?? target)
    self.directory = directory
    guard name.utf8.count > 220 else {
      path = "\(directory)/.\(name).\(ending)"
      return
    }
    // Cut, so that a long name with the ending stays within the 255 bytes of file systems, and with a
    // hash (FNV-1a) of all of it, so that names which begin alike do not share a file.
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
    path = "\(directory)/.\(stem)-\(String(hash, radix: 16)).\(ending)"
  }

  /// Whether there is such a file.
  package var exists: Bool { SystemCall.identity(of: path) != nil }

  /// Writes the file, which is on the disk when this returns, or not there at all.
  package func write(_ bytes: Span<UInt8>) throws(TensorIOError) {
    let file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit(synced: true)
  }

  /// The bytes of the file.
  /// - Throws: `limit` for more than `limit`.
  package func read(limit: Int) throws(TensorIOError) -> [UInt8] {
    let file = try InputFile(path: path)
    guard file.byteCount <= limit else {
      throw TensorIOError(
        .limit, "has \(file.byteCount) bytes, more than the \(limit) that it can need",
        at: .init(file: path))
    }
    return try file.bytes(0..<file.byteCount)
  }

  /// Removes the file.
  /// - Parameter synced: whether that is on the disk when this returns.
  package func remove(synced: Bool) throws(TensorIOError) {
    SystemCall.remove(path)
    guard !exists else {
      throw TensorIOError(.io, "cannot be removed", at: .init(file: path))
    }
    if synced { try SystemCall.synchronizeDirectory(directory) }
  }
}
