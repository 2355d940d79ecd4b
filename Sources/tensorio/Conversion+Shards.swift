internal import JSONText
internal import TensorIO
internal import TensorVerify

// What `convert --shard-size` adds.
extension Conversion {
  /// The files that are read, where the output is shards.
  func readFiles() throws(TensorIOError) -> [String] {
    guard command.shards.options != nil else { return [] }
    var files: [String] = []
    for input in inputs {
      files += try CheckpointFolder.files(of: input.path, limits: command.proofLimits)
    }
    return files
  }

  /// Looks at a shard that is there already.
  func known(_ options: WritingOptions) -> WrittenCheck {
    let output = OutputCheck(
      [], isHashing: false, limits: command.proofLimits,
      isCancelled: options.isCancelled ?? { false })
    return { (archive, format, file) throws(TensorIOError) in
      try output.check(archive, format, file, options)
    }
  }

  /// Says what became of shards.
  func explain(_ shards: WrittenShards, _ report: Report) throws {
    let file = output.escapedForDisplay
    if command.shards.isResuming {
      try report.inform(
        "\(file): \(shards.keptCount) of \(shards.files.count) shards were there and right, and were "
          + "kept")
    }
    guard !shards.strays.isEmpty else { return }
    let names = shards.strays.prefix(3).map { "'\($0.escapedForDisplay)'" }
    let more = shards.strays.count > 3 ? " and \(shards.strays.count - 3) more" : ""
    try report.inform(
      "\(file): \(names.joined(separator: ", "))\(more) are not of what was written, and readers may "
        + "take them for it; delete them if you need them no more")
  }
}

extension WrittenShards {
  var json: JSON {
    .object([
      ("files", .array(files.map { .string($0) })), ("index", .optional(index)),
      ("kept", .int(keptCount)),
    ])
  }
}
