/// The index of a checkpoint in several files: opening it opens all of them as one archive.
///
/// The archive has the format of the shards.
public enum ShardIndexFormat: PartedFormat {
  public static let descriptor = FormatDescriptor(
    id: "shards", name: "index of shards", extensions: ["index.json"], holdsMany: true,
    canWrite: false)

  public static func recognizes(_ opened: OpenedFile) -> Bool { ShardIndex.isObject(opened.head) }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    let index = try ShardIndex(in: opened.file, limits: opened.options.limits)
    var assembly = ShardAssembly(index, opened.options)
    for (number, part) in try files(of: index, opened.file).enumerated() {
      let (archive, format) = try locating(.init(file: part.file.path)) {
        () throws(TensorIOError) in try open(part.file, opened.options)
      }
      try assembly.add(archive, format, shard: number)
    }
    return try assembly.archive()
  }

  package static func parts(of opened: OpenedFile) throws(TensorIOError) -> [FilePart] {
    try files(of: try ShardIndex(in: opened.file, limits: opened.options.limits), opened.file)
  }

  /// The shards, open.
  private static func files(
    of index: ShardIndex, _ file: InputFile
  ) throws(TensorIOError) -> [FilePart] {
    // All names first: one that leads elsewhere is a better answer than one that is missing.
    var paths: [String] = []
    for shard in index.shards.indices {
      paths.append(try index.path(of: shard, beside: file.path))
    }
    var parts: [FilePart] = []
    for (name, path) in zip(index.shards, paths) {
      guard pathExists(path) else {
        throw TensorIOError(
          .io,
          "the shard '\(name.escapedForDisplay)' that the index names is not beside it; fetch it too"
        )
      }
      parts.append(FilePart(name: name, file: try InputFile(path: path)))
    }
    return parts
  }

  /// Reads a shard, which is no index itself.
  private static func open(
    _ file: InputFile, _ options: ReadingOptions
  ) throws(TensorIOError) -> (archive: TensorArchive, format: FormatDescriptor) {
    let opened = try OpenedFile(file, options: options)
    let format = try FormatRegistry.format(of: opened)
    guard !(format is any PartedFormat.Type) else {
      throw .malformed("a shard is itself made of several files")
    }
    var archive = try opened.checking { () throws(TensorIOError) in try format.read(opened) }
    if let finding = FormatRegistry.misnaming(file.path, format.descriptor) {
      archive.findings.append(finding)
    }
    return (archive, format.descriptor)
  }
}
