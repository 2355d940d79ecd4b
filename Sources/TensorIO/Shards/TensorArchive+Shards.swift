/// What writing into shards left on the disk.
public struct WrittenShards: Sendable, Hashable {
  /// The paths of the shards, in their order; one, that of the whole, where all fitted into it.
  public let files: [String]
  /// The path of the index; nil where there is one file.
  public let index: String?
  /// How many shards were there already and right.
  public let keptCount: Int
  /// Files of another split beside the output, which were left alone.
  public let strays: [String]
}

extension TensorArchive {
  /// Writes the tensors into several files and an index, as huggingface_hub does:
  /// `model-00001-of-00002.safetensors`, …, and `model.safetensors.index.json` for the path
  /// `model.safetensors`.
  ///
  /// What fits into one file is written as one, without an index. Names of nested tensors are paths;
  /// values that are no tensors are left out, which ``losses(writingToShardsAt:shardSize:options:)`` says.
  /// Each file appears whole or not at all. The index comes last, and one that is there goes first:
  /// without an index there is no checkpoint.
  /// - Parameters:
  ///   - path: the file it would be if it fitted; the ending names the format.
  ///   - shardSize: the most bytes of tensors in a shard; a larger tensor has one of its own.
  ///   - options: how each file is written.
  /// - Throws: ``TensorIOError``; shards that were finished stay.
  @discardableResult
  public func write(
    toShardsAt path: String, shardSize: Int, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) -> WrittenShards {
    try write(toShardsAt: path, shardSize: shardSize, options: options, checking: nil, keeping: nil)
  }

  /// Writes shards, and has each looked at before it gets its name.
  /// - Parameter known: looks at a shard that is there already, which is kept unless this throws; nil
  ///   to write all anew.
  @discardableResult
  package func write(
    toShardsAt path: String, shardSize: Int, options: WritingOptions,
    checking check: WrittenCheck?, keeping known: WrittenCheck?
  ) throws(TensorIOError) -> WrittenShards {
    let plan = try locating(.init(file: path)) { () throws(TensorIOError) in
      try ShardPlan(self, at: path, shardSize: shardSize, options: options)
    }
    // What is kept of shards that are there needs no more room.
    if known == nil, options.compressionLevel == nil, let first = plan.paths.first {
      try DiskSpace.require(plan.totalSize, for: first)
    }
    var keptCount = 0
    for (number, file) in plan.paths.enumerated() {
      let shard = try plan.archive(of: number)
      if let known, try shard.isWritten(at: file, plan.format, options, known) {
        keptCount += 1
        options.progress?(shard.byteCount)
        continue
      }
      // An index that is there would make one checkpoint of old shards and new ones.
      if let index = plan.indexPath { removeFile(index) }
      try shard.write(to: file, options: options, checking: check)
    }
    if let index = plan.indexPath {
      try locating(.init(file: index)) { () throws(TensorIOError) in
        let file = try AtomicFile(path: index)
        try file.write(plan.indexText)
        try file.commit(synced: options.synced)
      }
    }
    return WrittenShards(
      files: plan.paths, index: plan.indexPath, keptCount: keptCount, strays: plan.strays)
  }

  /// Whether a file holds this archive already.
  /// - Throws: `io` when the caller wants to stop.
  private func isWritten(
    at path: String, _ format: any TensorFormat.Type, _ options: WritingOptions,
    _ check: WrittenCheck
  ) throws(TensorIOError) -> Bool {
    guard isRegularFile(path) else { return false }
    do throws(TensorIOError) {
      let file = try InputFile(path: path)
      guard try format.mayBe(self, in: file, options: options) else { return false }
      try check(self, format, file)
      return true
    } catch {
      try options.advance(0)
      return false
    }
  }

  /// What shards cannot say of this archive: nesting, values that are no tensors, the order, and what
  /// the format that `path` names cannot say of tensors.
  public func losses(
    writingToShardsAt path: String, shardSize: Int, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) -> [Loss] {
    let format = try ShardPlan.format(for: path)
    let (flat, losses) = try flatTensors()
    let formatLosses = flat.losses(writingAs: format, options: options)
    guard !flat.entries.isEmpty else { return losses + formatLosses }
    let plan = try ShardPlan(flat, at: path, shardSize: shardSize, options: options)
    if plan.shards.count == 1 { return losses + formatLosses }
    // The index has an order of its own, whatever that in the shards is.
    let moved = zip(flat.names, flat.names.dropFirst()).first { first, second in
      second.utf8.lexicographicallyPrecedes(first.utf8)
    }
    let order = moved.map {
      Loss(.order, of: $0.1, "the order of the tensors; an index has them by name")
    }
    return losses + formatLosses.filter { $0.kind != .order } + [order].compactMap { $0 }
  }

  /// The tensors under their names in one dictionary, and what that loses.
  func flatTensors() throws(TensorIOError) -> (archive: TensorArchive, losses: [Loss]) {
    var (flat, losses) = (self, [Loss]())
    if !isFlat {
      let merged = try ArchiveEdit().merging([MergeInput(self)], keepingValues: false)
      flat = merged.archive
      losses = merged.losses.flatMap { $0 }
    }
    let others = flat.otherValues
    if others.isEmpty { return (flat, losses) }
    losses += others.map {
      Loss(
        .value, of: $0.path.joined(separator: "."), "a value that is no tensor; shards have none")
    }
    var graph = flat.values
    let pairs = flat.entries.map { entry in (key: graph.add(.string(entry.name)), value: entry.id) }
    graph.setRoot(graph.add(.dictionary(pairs)))
    return (try flat.replacing(graph), losses)
  }

  /// Whether the whole is a plain dictionary with texts as keys and nothing nested in it.
  private var isFlat: Bool {
    guard case .dictionary(let pairs) = values[values.root], values.traits(of: values.root) == nil
    else { return false }
    return pairs.allSatisfy { pair in
      guard case .string = values[pair.key] else { return false }
      return switch values[pair.value] {
      case .list, .tuple, .set, .dictionary, .object: false
      default: true
      }
    }
  }
}
