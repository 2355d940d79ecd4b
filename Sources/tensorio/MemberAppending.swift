internal import ByteIO
internal import JSONText
internal import TensorIO

/// Adds the tensors of sources to an `.npz` archive.
struct MemberAppending {
  private let command: Append
  /// All tensors under the names that they get.
  private let archive: TensorArchive

  init(_ command: Append, _ sources: [SourceFlags.Source]) throws(TensorIOError) {
    self.command = command
    archive = try command.reading.editing.edit.merging(
      sources.map(\.whole), keepingValues: false
    ).archive
  }

  /// The tensors with their names in the archive.
  private var members: [(name: String, entry: TensorArchive.Entry)] {
    archive.entries.map { ($0.stateDictName, $0) }
  }

  func run(_ report: Report) throws {
    let (options, progress) = command.writing(archive.byteCount)
    defer { progress.finish() }
    guard Folder.contains(command.target) else { return try create(options, report) }
    let limits = try command.reading.reading.options().limits
    let editor = try NPZEditor(
      command.target, compressionLevel: command.compress, limits: limits)
    if let recovery = editor.recovery {
      try report.inform(
        "\(command.target.escapedForDisplay): an edit had been interrupted and was "
          + (recovery == .undone ? "undone" : "complete"))
    }
    if !command.replace, let known = members.first(where: { editor.contains($0.name) }) {
      throw TensorIOError(
        .invalidArgument, "the archive has a member of this name; --replace puts this in its place",
        at: .init(file: command.target, tensor: known.name))
    }
    editor.reporting = options
    let known = Set(members.map(\.name).filter { editor.contains($0) }.map { ByteKey($0) })
    for member in members {
      if known.contains(ByteKey(member.name)) {
        try editor.replace(member.name, member.entry, of: archive)
      } else {
        try editor.add(member.name, member.entry, of: archive)
      }
    }
    try say(try editor.commit(synced: command.fsync), editor.recovery, report)
  }

  /// Writes a new archive, which appears whole.
  private func create(_ options: WritingOptions, _ report: Report) throws {
    var options = options
    options.compressionLevel = command.compress
    options.synced = command.fsync
    try archive.write(to: command.target, options: options)
    var summary = NPZEditor.Summary()
    summary.added = members.map(\.name)
    try say(summary, nil, report)
  }

  private func say(
    _ summary: NPZEditor.Summary, _ recovery: NPZEditor.Recovery?, _ report: Report
  ) throws {
    if report.isJSON {
      return try report.line(
        .object([
          ("file", .string(command.target)), ("format", .string("npz")),
          ("added", .array(summary.added.map { .string($0) })),
          ("replaced", .array(summary.replaced.map { .string($0) })),
          ("unused_bytes", .int(summary.unusedByteCount)),
          ("recovery", .optional(recovery.map { $0 == .undone ? "undone" : "completed" })),
        ]))
    }
    let file = command.target.escapedForDisplay
    let replaced = summary.replaced.isEmpty ? "" : ", \(summary.replaced.count) replaced"
    if !command.recover { try report.line("\(file): \(summary.added.count) added\(replaced)") }
    if summary.unusedByteCount > 0 {
      try report.inform(
        "\(file): \(summary.unusedByteCount) bytes belong to no member; tensorio convert writes the "
          + "archive without them")
    }
  }
}
