internal import ArgumentParser
internal import ByteIO
internal import JSONText
internal import TensorData
internal import TensorIO

/// Which tensors of a file a verb works on.
struct ChoiceFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Take only names that match. Repeatable.", valueName: "glob"))
  var include: [String] = []

  @Option(help: ArgumentHelp("Leave out names that match. Repeatable.", valueName: "glob"))
  var exclude: [String] = []

  /// The archive with what was chosen, in its containers.
  func part(of archive: TensorArchive) throws(TensorIOError) -> TensorArchive {
    var edit = ArchiveEdit()
    (edit.include, edit.exclude) = (include, exclude)
    return try edit.applied(to: archive, nested: true)
  }
}

/// How files of rows are written.
struct RowOutputFlags: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Replace output files that exist.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "Deflate archive members at this level, 1 (fast) to 12 (small); default: store them.",
      valueName: "level"))
  var compress: Int?

  @Flag(help: "Have the output on the disk, not only in the page cache, before ending.")
  var fsync = false

  func validate() throws {
    if let compress, !(1...12).contains(compress) {
      throw ValidationError("--compress takes a level from 1 to 12, not \(compress)")
    }
  }

  /// Refuses outputs that are there, are no files, or are named twice; of several, also the input:
  /// it would be gone where the others could not be named.
  func requireUse(of paths: [String], from input: String) throws(TensorIOError) {
    for (index, path) in paths.enumerated() {
      try Report.requireText(path)
      guard paths.count == 1 || !isSameFile(path, input) else {
        throw TensorIOError(
          .invalidArgument, "this is the input; name another file", at: .init(file: path))
      }
      guard !paths[..<index].contains(where: { isSameOutput($0, path) }) else {
        throw TensorIOError(
          .invalidArgument, "two outputs are this file; name each once", at: .init(file: path))
      }
      try locating(.init(file: path)) { () throws(TensorIOError) in
        let target = try ConversionTarget(path)
        guard case .file = target else {
          throw TensorIOError(.invalidArgument, "is a folder; name a file in it")
        }
        try target.requireUse(force: force, compress: compress)
      }
    }
  }

  /// Writes all files, or none, and says what is not kept.
  /// - Parameter original: what the rows are taken from.
  /// - Returns: what is not kept of each.
  func write(
    _ parts: [(archive: TensorArchive, path: String)], of original: TensorArchive, _ report: Report
  ) throws -> [Loss] {
    let progress = Progress(total: parts.reduce(0) { $0.addingSaturated($1.archive.byteCount) })
    defer { progress.finish() }
    var options = WritingOptions()
    options.compressionLevel = compress
    options.synced = fsync
    // Rows of other parts lie in the same storages, and are not to come along.
    options.views = .compact
    options.progress = { progress.advance($0) }
    options.isCancelled = { Signals.isInterrupted }
    var losses: [Loss] = []
    var plain: [(archive: TensorArchive, path: String)] = []
    for (archive, path) in parts {
      let target = try ConversionTarget(path)
      // That rows are parts of their storages, and lie apart, is what was asked for.
      let known = Set(
        try original.losses(writingTo: path, options: options).map { LossKey($0) })
      let found =
        try archive.losses(writingTo: path, options: options)
        .filter { known.contains(LossKey($0)) }
        + (target.keepsSharing ? archive.sharingLosses(since: original) : [])
      // The parts differ in their rows alone.
      if plain.isEmpty { try report.explain(found, path.escapedForDisplay) }
      losses += found
      plain.append((target.keepsStorages ? archive : try archive.untagged(), path))
    }
    try ArchiveSet(plain).write(options: options)
    return losses
  }
}

/// What a loss is about, whatever its words.
private struct LossKey: Hashable {
  let kind: Loss.Kind
  let name: ByteKey

  init(_ loss: Loss) { (kind, name) = (loss.kind, ByteKey(loss.name)) }
}

extension TensorArchive {
  /// The tensors that shared a storage and do not any more, since their rows were gathered.
  fileprivate func sharingLosses(since original: TensorArchive) -> [Loss] {
    let storages = Dictionary(entries.map { ($0.id, $0.tensor.storage) }) { first, _ in first }
    return original.aliasGroups.compactMap { group in
      guard let first = group.first, let storage = storages[first.id],
        group.contains(where: { storages[$0.id] !== storage })
      else { return nil }
      let others = group.dropFirst().map { "'\($0.name)'" }.prefix(3).joined(separator: ", ")
      return Loss(
        .aliasing, of: first.name, "that it shares its storage with \(others); each gets a copy")
    }
  }
}

extension TensorArchive.Entry {
  /// `name: float32 (60000, 28, 28)`, for the line above elements.
  var title: String {
    (name.isEmpty ? "" : name.escapedForDisplay + ": ")
      + "\(tensor.dtype.description.escapedForDisplay) \(tensor.shapeText)"
  }

  /// What one line of JSON with elements begins with.
  func head(of file: String) -> [(key: String, value: JSON)] {
    [
      ("file", .string(file)), ("name", .string(name)),
      ("dtype", .string(tensor.dtype.description)),
      ("shape", .array(tensor.shape.map { .int($0) })),
    ]
  }
}
