internal import ByteIO
internal import TensorIO

/// Where a conversion writes.
enum ConversionTarget {
  case file(String)
  case folder(String)
  /// Several files and an index, where one would be too large.
  case shards(String, ShardOptions)

  /// A folder by its trailing slash or because it is one; a file otherwise.
  init(_ path: String, shards: ShardOptions? = nil) throws(TensorIOError) {
    if let shards {
      guard !path.hasSuffix("/"), !Folder.exists(path) else {
        throw TensorIOError(
          .invalidArgument,
          "is a folder; with --shard-size, name the file that it would be: "
            + "\(path.escapedForDisplay)\(path.hasSuffix("/") ? "" : "/")model.bin")
      }
      _ = try FormatRegistry.format(forWriting: path)
      self = .shards(path, shards)
    } else if path.hasSuffix("/") || Folder.exists(path) {
      self = .folder(path)
    } else {
      _ = try FormatRegistry.format(forWriting: path)
      self = .file(path)
    }
  }

  private static let ending = "npy"

  /// What is not kept of an archive.
  func losses(
    of archive: TensorArchive, _ options: WritingOptions
  ) throws(TensorIOError) -> [Loss] {
    switch self {
    case .file(let path): try archive.losses(writingTo: path, options: options)
    // Each file of a folder carries its tensor's name, so an archive's losses are the ones.
    case .folder: try archive.losses(writingTo: "folder.npz", options: options)
    case .shards(let path, let shards):
      try archive.losses(writingToShardsAt: path, shardSize: shards.size, options: options)
    }
  }

  /// Refuses to replace a file without being told to, and options that would do nothing.
  func requireUse(
    force: Bool, compress: Int?, safetensors flag: String? = nil
  ) throws(TensorIOError) {
    if compress != nil, descriptor?.compresses != true {
      throw TensorIOError(.invalidArgument, "--compress does nothing for this output; leave it out")
    }
    if let flag, descriptor?.id != "safetensors" {
      throw TensorIOError(.invalidArgument, "\(flag) does nothing for this output; leave it out")
    }
    if case .file(let path) = self, !force, Folder.contains(path) {
      throw TensorIOError(
        .invalidArgument, "the output exists; name another, or replace it with --force")
    }
  }

  /// Refuses to replace shards without being told to, and those that are read meanwhile; how many
  /// there are, the archive says.
  /// - Parameter inputs: the files that are read.
  func requireFree(
    for archive: TensorArchive, force: Bool, beside inputs: [String], _ options: WritingOptions
  ) throws(TensorIOError) {
    guard case .shards(_, let shards) = self, let plan = try plan(of: archive, options) else {
      return
    }
    let paths = (plan.paths + [plan.indexPath].compactMap { $0 }).filter(Folder.contains)
    guard let first = paths.first else { return }
    if let path = paths.first(where: { path in inputs.contains { isSameFile($0, path) } }) {
      // Unlike one file, shards do not all appear at once.
      throw TensorIOError(
        .invalidArgument,
        "the output is a part of the input, which a failure would leave damaged; write into another "
          + "folder", at: .init(file: path))
    }
    guard force || shards.isResuming else {
      throw TensorIOError(
        .invalidArgument,
        "the output exists; name another, keep what is right of it with --resume, or replace it with "
          + "--force", at: .init(file: first))
    }
  }

  /// How an archive is cut into shards; nil for other targets.
  private func plan(
    of archive: TensorArchive, _ options: WritingOptions
  ) throws(TensorIOError) -> ShardPlan? {
    guard case .shards(let path, let shards) = self else { return nil }
    return try ShardPlan(archive, at: path, shardSize: shards.size, options: options)
  }

  /// The format of the files; nil for a folder.
  private var descriptor: FormatDescriptor? {
    switch self {
    case .folder: nil
    case .file(let path), .shards(let path, _):
      (try? FormatRegistry.format(forWriting: path))?.descriptor
    }
  }

  /// Whether what is written has no names inside.
  var isNameless: Bool { descriptor?.holdsMany == false }

  /// Whether tensors that share a storage go on sharing it.
  var keepsSharing: Bool { descriptor?.keepsSharing == true }

  /// Whether values stay in the containers that they lie in.
  var keepsNesting: Bool {
    if case .shards = self { return false }
    return keepsStorages
  }

  /// Whether device tags, gradients and sharing of storages can be written.
  var keepsStorages: Bool { descriptor?.keepsNesting == true }

  /// How many bytes of tensors will be written, for the bar: storages once, where they are kept.
  func byteCount(of archive: TensorArchive) -> Int {
    guard keepsNesting else { return archive.byteCount }
    var used: [ObjectIdentifier: (whole: Int, parts: Int)] = [:]
    for tensor in archive.entries.lazy.map(\.tensor) where tensor.hasElements {
      let storage = tensor.storage
      let parts = used[ObjectIdentifier(storage)]?.parts ?? 0
      used[ObjectIdentifier(storage)] = (
        storage.byteCount, parts.addingSaturated(tensor.byteCount)
      )
    }
    // Of a storage of which less is used, what is used may be all that is written.
    return used.values.reduce(0) { $0.addingSaturated(min($1.whole, $1.parts)) }
  }

  /// Whether an archive is of this very format, which has no names; several arrays in one file stay
  /// so.
  func takesAsIs(_ archive: TensorArchive) -> Bool {
    isNameless && archive.format == descriptor?.id
  }

  /// What the files that are written will be called; of those in a folder, and of shards, their paths
  /// in it.
  func files(
    of archive: TensorArchive, _ options: WritingOptions
  ) throws(TensorIOError) -> [String] {
    switch self {
    case .file(let path): return [path]
    case .folder:
      return try archive.fileNames(ending: Self.ending).map { $0.joined(separator: "/") }
    case .shards:
      let paths = try plan(of: archive, options)?.paths ?? []
      return paths.count == 1 ? paths : paths.map { splitPath($0).name }
    }
  }

  /// The names of the tensors in the order in which they are written; nil for that of the archive.
  func order(
    of archive: TensorArchive, _ options: WritingOptions
  ) throws(TensorIOError) -> [String]? {
    try plan(of: archive, options)?.entries.map(\.name)
  }

  /// - Parameters:
  ///   - check: what looks at each file before the output gets its name.
  ///   - known: what looks at shards that are there already.
  /// - Returns: what was written of shards; nil for other outputs.
  @discardableResult
  func write(
    _ archive: TensorArchive, _ options: WritingOptions, checking check: WrittenCheck?,
    keeping known: WrittenCheck? = nil
  ) throws(TensorIOError) -> WrittenShards? {
    switch self {
    case .shards(let path, let shards):
      return try archive.write(
        toShardsAt: path, shardSize: shards.size, options: options, checking: check,
        keeping: shards.isResuming ? known : nil)
    case .folder(let path):
      try archive.extract(to: path, ending: Self.ending, options: options, checking: check)
    case .file(let path):
      let format = try FormatRegistry.format(forWriting: path)
      // An npy file of several arrays may be written as one again.
      let isList = archive.format == format.descriptor.id
      if !format.descriptor.holdsMany, archive.entries.count > 1, !isList {
        throw TensorIOError(
          .invalidArgument,
          "\(archive.entries.count) tensors do not go into one \(format.descriptor.id) file; end "
            + "the output in / to write a folder, or choose one tensor with --include")
      }
      try archive.write(to: path, options: options, checking: check)
    }
    return nil
  }
}
