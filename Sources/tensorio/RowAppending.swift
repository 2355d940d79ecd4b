internal import ByteIO
internal import JSONText
internal import TensorIO

/// Appends the rows of sources to an `.npy` file.
struct RowAppending {
  private let command: Append
  private let sources: [(path: String, tensor: Tensor)]

  init(_ command: Append, _ sources: [SourceFlags.Source]) throws(TensorIOError) {
    self.command = command
    var chosen: [(path: String, tensor: Tensor)] = []
    for source in sources { chosen.append((source.path, try source.onlyEntry().tensor)) }
    self.sources = chosen
  }

  func run(_ report: Report) throws {
    let isNew = !Folder.contains(command.target)
    if isNew { try requireRows() }
    let writer = try isNew ? created() : opened()
    let before = writer.count
    for source in sources {
      try require(source, writer.dtype, writer.rowShape)
    }
    let (options, progress) = command.writing(
      sources.reduce(0) { $0.addingSaturated($1.tensor.byteCount) })
    defer { progress.finish() }
    var counts: [Int] = []
    for source in sources {
      let count = writer.count
      do throws(TensorIOError) {
        try writer.append(source.tensor, reporting: options)
      } catch {
        // Without this the rows before would be counted when the writer is let go of.
        if isNew { removeFile(command.target) }
        writer.discard()
        throw error
      }
      counts.append(writer.count - count)
    }
    try writer.close(synced: command.fsync)
    if writer.discardedByteCount > 0 {
      try report.inform(
        "\(command.target.escapedForDisplay): \(writer.discardedByteCount) bytes of rows that were "
          + "never counted were cut off")
    }
    try say(counts, before, writer, report)
  }

  private func opened() throws -> NPYWriter {
    try NPYWriter(appendingTo: command.target, options: try command.reading.reading.options())
  }

  /// A new file, whose rows are like those of the first source.
  private func created() throws(TensorIOError) -> NPYWriter {
    guard let first = sources.first?.tensor else {
      throw .invalidArgument("there is no source to make the file from")
    }
    return try NPYWriter(
      creating: command.target, dtype: first.dtype, rowShape: Array(first.shape.dropFirst()),
      byteOrder: first.byteOrder)
  }

  /// Refuses sources that do not go together, before there is a file.
  private func requireRows() throws(TensorIOError) {
    guard let first = sources.first else { return }
    guard first.tensor.rank > 0 else {
      throw TensorIOError(
        .invalidArgument, "a 0-d array has no rows to make a file of", at: .init(file: first.path))
    }
    for source in sources {
      try require(source, first.tensor.dtype, Array(first.tensor.shape.dropFirst()))
    }
  }

  private func require(
    _ source: (path: String, tensor: Tensor), _ dtype: DType, _ rowShape: [Int]
  ) throws(TensorIOError) {
    try locating(.init(file: source.path)) { () throws(TensorIOError) in
      _ = try NPYWriter.rows(of: source.tensor, for: dtype, rowShape)
    }
  }

  private func say(
    _ counts: [Int], _ before: Int, _ writer: NPYWriter, _ report: Report
  ) throws {
    guard report.isJSON else {
      return try report.line(
        "\(command.target.escapedForDisplay): \(writer.count - before) rows appended, "
          + "\(writer.count) in all")
    }
    let rows = zip(sources, counts).map { source, count in
      JSON.object([("file", .string(source.path)), ("rows", .int(count))])
    }
    try report.line(
      .object([
        ("file", .string(command.target)), ("format", .string("npy")),
        ("sources", .array(rows)), ("appended", .int(writer.count - before)),
        ("count", .int(writer.count)), ("discarded_bytes", .int(writer.discardedByteCount)),
      ]))
  }
}
