internal import ArgumentParser
internal import TensorIO

/// The arrays that `append` and `concat` take from their sources.
struct SourceFlags: ParsableArguments {
  /// A file, with the tensors that were chosen of it.
  struct Source {
    let path: String
    /// Tensors under their names; one that has none has the empty name.
    let archive: TensorArchive
    /// The whole of it, for names that depend on other sources.
    let whole: MergeInput

    /// The only tensor that was chosen.
    func onlyEntry() throws(TensorIOError) -> TensorArchive.Entry {
      if archive.entries.count == 1 { return archive.entries[0] }
      let names = archive.entries.prefix(8).map { "'\($0.name.escapedForDisplay)'" }
      throw TensorIOError(
        .invalidArgument,
        "\(archive.entries.count) tensors were chosen where one is wanted; choose with --include: "
          + names.joined(separator: ", ") + (archive.entries.count > 8 ? ", …" : ""),
        at: .init(file: path))
    }
  }

  @OptionGroup var reading: ReadingFlags
  @OptionGroup var editing: EditFlags

  /// Opens all sources; messages about them are notes.
  /// - Parameter isNaming: whether an array without a name gets that of its file.
  /// - Returns: nothing when one of them failed, which was reported.
  func open(_ paths: [String], isNaming: Bool, _ report: Report) throws -> [Source] {
    let options = try reading.options()
    let edit = try editing.edit
    try report.forEach(Array(paths.prefix(1))) { _ in try OpenFiles.require(paths.count) }
    if report.hasFailed { return [] }
    var sources: [Source] = []
    try report.forEach(paths) { path in
      let part = try reading.part(of: try TensorArchive(contentsOf: path, options: options))
      let name = path.split(separator: "/").last.map(String.init) ?? path
      let merged = try edit.merging(
        [MergeInput(part, name: isNaming ? name : nil, path: path)], keepingValues: false)
      for finding in part.findings {
        try report.inform(
          "\(path.escapedForDisplay): \(finding.message) (\(finding.code.rawValue))")
      }
      try report.explain(merged.losses[0], path.escapedForDisplay)
      guard !merged.archive.entries.isEmpty else {
        throw TensorIOError(.invalidArgument, "holds no tensors, or none was chosen")
      }
      sources.append(
        Source(
          path: path, archive: try merged.archive.untagged(),
          whole: MergeInput(try part.untagged(), name: name, path: path)))
    }
    return report.hasFailed ? [] : sources
  }
}
