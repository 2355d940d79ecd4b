internal import TorchFormat

/// A folder that is one checkpoint: an index with its shards, or a distributed checkpoint.
package enum CheckpointFolder {
  /// The file to open for a path: of a folder that is a checkpoint the one that names the others,
  /// otherwise the path itself.
  /// - Throws: `invalidArgument` for a folder with several indexes; `io` when it cannot be read.
  package static func file(for path: String) throws(TensorIOError) -> String {
    guard isFolder(path) else { return path }
    return try mainFile(in: path) ?? path
  }

  /// The file of a folder that names the others; nil where there is none.
  package static func mainFile(in folder: String) throws(TensorIOError) -> String? {
    let root = folder.hasSuffix("/") ? folder : folder + "/"
    var found = try folderNames(folder).filter { isIndexName($0) && ShardIndex.isIndex(root + $0) }
    if isDistributed(folder) { found.append(TorchDistributedFormat.fileName) }
    guard found.count <= 1 else {
      let list = found.map { "'\($0.escapedForDisplay)'" }.joined(separator: ", ")
      throw TensorIOError(
        .invalidArgument, "the folder holds several checkpoints; name one of \(list)",
        at: .init(file: folder))
    }
    return found.first.map { root + $0 }
  }

  /// The paths of the file to open for a path, and of those that it names.
  package static func files(
    of path: String, limits: DecodingLimits
  ) throws(TensorIOError) -> [String] {
    let file = try InputFile(path: try file(for: path))
    var options = ReadingOptions()
    options.limits = limits
    var seen: Set<ByteKey> = [ByteKey(file.path)]
    let parts = try FilePart.parts(of: file, options: options).map(\.file.path)
    return [file.path] + parts.filter { seen.insert(ByteKey($0)).inserted }
  }

  /// Whether a file is called as an index is: `model.safetensors.index.json`, with a variant
  /// `model.safetensors.index.fp16.json`.
  package static func isIndexName(_ name: String) -> Bool {
    let name = name.lowercased()
    return !name.hasPrefix(".") && name.hasSuffix(".json") && name.contains(".index.")
  }

  /// Whether a folder holds a distributed checkpoint of torch.
  package static func isDistributed(_ folder: String) -> Bool {
    let path = (folder.hasSuffix("/") ? folder : folder + "/") + TorchDistributedFormat.fileName
    guard isRegularFile(path), let file = try? InputFile(path: path),
      let opened = try? OpenedFile(file, options: ReadingOptions())
    else { return false }
    return TorchDistributedFormat.recognizes(opened)
  }

  /// Of files below a folder, those to be looked at by themselves: shards that an index beside them
  /// names are not, nor JSON text that is no index.
  /// - Parameter files: paths relative to the folder.
  package static func withoutShards(_ files: [String], below folder: String) -> [String] {
    let root = folder.hasSuffix("/") ? folder : folder + "/"
    var shards: Set<ByteKey> = []
    var others: Set<ByteKey> = []
    for path in files where isIndexName(splitPath(path).name) {
      guard ShardIndex.isIndex(root + path) else {
        others.insert(ByteKey(path))
        continue
      }
      guard let file = try? InputFile(path: root + path),
        let index = try? ShardIndex(in: file, limits: DecodingLimits())
      else { continue }
      for number in index.shards.indices {
        if let shard = try? index.path(of: number, beside: path) { shards.insert(ByteKey(shard)) }
      }
    }
    return files.filter { !shards.contains(ByteKey($0)) && !others.contains(ByteKey($0)) }
  }
}

extension FilePart {
  /// The files, or parts of files, that a file names; none for a file that stands for itself.
  /// - Throws: what reading an index or the metadata of a checkpoint throws.
  package static func parts(
    of file: InputFile, options: ReadingOptions
  ) throws(TensorIOError) -> [FilePart] {
    let opened = try OpenedFile(file, options: options)
    guard let format = try? FormatRegistry.format(of: opened) as? any PartedFormat.Type else {
      return []
    }
    return try format.parts(of: opened)
  }
}
