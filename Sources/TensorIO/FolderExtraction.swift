extension TensorArchive {
  /// Writes every tensor as a file of its own into a new folder, `NAME.npy` each; a name with
  /// slashes makes folders inside.
  ///
  /// The folder appears whole or not at all. Values that are no tensors are left out, but for bytes
  /// under a name alone, which an archive keeps.
  /// - Parameters:
  ///   - path: a folder that does not exist or is empty.
  ///   - ending: the ending of the files, which names their format.
  ///   - options: how each file is written.
  /// - Throws: `invalidArgument` for names that are no plain relative paths (`..`, absolute, control
  ///   characters, backslash, empty parts) and names of which one is a folder of another; nothing is written.
  public func extract(
    to path: String, ending: String, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) {
    try extract(to: path, ending: ending, options: options, checking: nil)
  }

  /// Writes every tensor as a file of its own, and has each looked at before the folder gets its name.
  /// - Throws: also what `check` throws; nothing is left behind then either.
  package func extract(
    to path: String, ending: String, options: WritingOptions, checking check: WrittenCheck?
  ) throws(TensorIOError) {
    let names = try locating(.init(file: path)) { () throws(TensorIOError) in
      try fileNames(ending: ending)
    }
    if options.compressionLevel == nil {
      try DiskSpace.require(plainByteCount, for: path)
    }
    let folder = try AtomicFolder(path: path)
    for (entry, name) in zip(entries, names) {
      let file = try locating(.init(file: path, tensor: entry.name)) { () throws(TensorIOError) in
        try folder.file(name)
      }
      do throws(TensorIOError) {
        // A part, because objects lie beside their tensor.
        try part(entry.id).write(to: file, options: options, checking: check)
      } catch {
        var error = error
        // The name of the temporary folder would only puzzle the caller; that of a damaged input
        // stays.
        if error.place.file == file { error.place.file = path }
        // In a file of its own the tensor has no name.
        if (error.place.tensor ?? "").isEmpty { error.place.tensor = entry.name }
        throw error
      }
    }
    try folder.commit(synced: options.synced)
  }

  /// The relative path of each tensor's file.
  package func fileNames(ending: String) throws(TensorIOError) -> [[String]] {
    guard !entries.isEmpty else {
      throw .invalidArgument("the archive holds no tensors to write into a folder")
    }
    // Of other values the losses tell; these are none where an archive is written.
    for value in otherValues where value.path.count == 1 {
      guard case .bytes = value.node else { continue }
      throw .invalidArgument(
        "'\(value.path[0].escapedForDisplay)' is a member that is no array and cannot be a file of "
          + "the folder; leave it out with --exclude")
    }
    var files: Set<[[UInt8]]> = []
    var folders: Set<[[UInt8]]> = []
    var names: [[String]] = []
    for entry in entries {
      let parts = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try Self.safeParts(of: entry.name, ending: ending)
      }
      let bytes = parts.map { Array($0.utf8) }
      guard files.insert(bytes).inserted else {
        throw .invalidArgument("two tensors would be written to one file; rename one")
      }
      for length in 1..<max(1, bytes.count) { folders.insert(Array(bytes.prefix(length))) }
      names.append(parts)
    }
    guard files.isDisjoint(with: folders) else {
      throw .invalidArgument("one tensor's file would be another's folder; rename one")
    }
    return names
  }

  private static func safeParts(
    of name: String, ending: String
  ) throws(TensorIOError) -> [String] {
    var parts =
      name.isEmpty
      ? ["array"]
      : name.split(separator: "/", omittingEmptySubsequences: false)
        .map(String.init)
    for part in parts {
      guard !part.isEmpty, part != ".", part != "..", part.utf8.count <= 240,
        !part.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\\") })
      else {
        throw .invalidArgument(
          "the name is no safe relative path, so no file is made of it; give it another with "
            + "--rename")
      }
    }
    parts[parts.count - 1] += "." + ending
    return parts
  }
}
