/// A folder of new files that appears whole under its name or not at all.
///
/// It is filled as the hidden sibling `.NAME.tensorio-RANDOM.tmp`, and removed with all that was put
/// into it when it is not committed.
public final class AtomicFolder {
  private let path: String
  private let temporary: String
  private var folders: [String]
  private var files: [String] = []
  private var isCommitted = false

  /// Prepares the folder `path`, which must not exist or be empty.
  public init(path: String) throws(TensorIOError) {
    var plain = path
    while plain.count > 1, plain.hasSuffix("/") { plain.removeLast() }
    guard let target = SystemCall.resolvedTarget(plain),
      ![".", "..", ""].contains(
        splitPath(target).name)
    else {
      throw TensorIOError(
        .invalidArgument, "cannot be made a new folder; name another output",
        at: .init(file: path))
    }
    self.path = target
    if let existing = SystemCall.identity(of: target) {
      guard existing.isDirectory, SystemCall.isEmptyDirectory(target) else {
        throw TensorIOError(
          .invalidArgument, "exists and is not an empty folder; name another output",
          at: .init(file: path))
      }
    }
    let (directory, name) = splitPath(target)
    temporary = temporaryPath(for: name, in: directory)
    folders = []
    do throws(TensorIOError) {
      try SystemCall.makeDirectory(temporary)
    } catch {
      // The name of the temporary folder would only puzzle the caller.
      throw TensorIOError(
        .io, "no folder can be made in '\(directory.escapedForDisplay)': \(error.reason)",
        at: .init(file: path))
    }
    folders.append(temporary)
  }

  deinit {
    if isCommitted { return }
    for file in files { SystemCall.remove(file) }
    for folder in folders.reversed() { SystemCall.removeDirectory(folder) }
  }

  /// The path under which to write a file of the folder; the folders above it are made.
  /// - Parameter parts: plain names, the last that of the file.
  public func file(_ parts: [String]) throws(TensorIOError) -> String {
    var path = temporary
    for part in parts.dropLast() {
      path += "/" + part
      if SystemCall.identity(of: path) == nil {
        try SystemCall.makeDirectory(path)
        folders.append(path)
      }
    }
    path += "/" + (parts.last ?? "")
    files.append(path)
    return path
  }

  /// Gives the folder its name.
  public func commit(synced: Bool = false) throws(TensorIOError) {
    if synced { for folder in folders { try SystemCall.synchronizeDirectory(folder) } }
    try SystemCall.rename(temporary, to: path)
    isCommitted = true
    if synced { try SystemCall.synchronizeDirectory(splitPath(path).directory) }
  }
}

/// Whether there is a folder under a path, or a link to one.
package func isFolder(_ path: String) -> Bool {
  SystemCall.identity(of: path)?.isDirectory ?? false
}

/// Whether a path names a regular file, or a link to one.
package func isRegularFile(_ path: String) -> Bool {
  SystemCall.identity(of: path)?.isRegular ?? false
}

/// Whether a path names anything that is there.
package func pathExists(_ path: String) -> Bool { SystemCall.identity(of: path) != nil }

/// The names in a folder, sorted.
/// - Throws: `io` when it cannot be read.
package func folderNames(_ folder: String) throws(TensorIOError) -> [String] {
  try SystemCall.names(in: folder).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Takes a file's name away, if it has it.
package func removeFile(_ path: String) { SystemCall.remove(path) }

/// Whether two paths lead to one file that exists.
package func isSameFile(_ one: String, _ other: String) -> Bool {
  guard let first = SystemCall.identity(of: one), let second = SystemCall.identity(of: other) else {
    return false
  }
  return first.isSameFile(as: second)
}

/// Whether two paths lead to one file, or would if it existed.
package func isSameOutput(_ one: String, _ other: String) -> Bool {
  if one.utf8.elementsEqual(other.utf8) || isSameFile(one, other) { return true }
  let (first, second) = (splitPath(one), splitPath(other))
  return first.name.utf8.elementsEqual(second.name.utf8)
    && isSameFile(first.directory, second.directory)
}

/// A path as the folder it lies in and the name there.
package func splitPath(_ path: String) -> (directory: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let directory = String(path[..<slash])
  return (directory.isEmpty ? "/" : directory, String(path[path.index(after: slash)...]))
}

/// A hidden name beside `name` that no other writer has, in this process or another.
func temporaryPath(for name: String, in directory: String) -> String {
  // Cut, so that a long name with the suffix stays within the 255 bytes of file systems.
  let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
  let unique = String(UInt64.random(in: 0 ... .max), radix: 36)
  return "\(directory)/.\(stem).tensorio-\(unique).tmp"
}
