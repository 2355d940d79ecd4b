internal import ArgumentParser
internal import TensorIO

/// `tensorio convert`.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert files: several into one archive, an archive into a folder, and back.",
    discussion: """
      The last argument is the output. Its ending names the format; an output that ends in / or is \
      an existing folder receives one .npy file a tensor. The output appears whole or not at all.

        tensorio convert x.npy y.npy data.npz      two arrays into one archive
        tensorio convert data.npz data/            one file a tensor
        tensorio convert --compress 6 a.npz b.npz  the same tensors, compressed
      """)

  @Argument(help: "Input files, then the output.", completion: .file())
  var paths: [String] = []

  @Option(
    name: .customLong("files-from"),
    help: ArgumentHelp(
      "Read more input names, one a line, from this file; - is standard input.", valueName: "list"))
  var filesFrom: String?

  @OptionGroup var reading: ReadingFlags

  @Option(help: ArgumentHelp("Keep only names that match. Repeatable.", valueName: "glob"))
  var include: [String] = []

  @Option(help: ArgumentHelp("Leave out names that match. Repeatable.", valueName: "glob"))
  var exclude: [String] = []

  @Option(help: ArgumentHelp("Rename a tensor. Repeatable.", valueName: "old=new"))
  var rename: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      Deflate archive members at this level, 1 (fast) to 12 (small); default: store them, so that \
      readers can map them.
      """, valueName: "level"))
  var compress: Int?

  @Flag(help: "Refuse to convert when anything would be lost or the input is odd.")
  var strict = false

  @Flag(help: "Have the output on the disk, not only in the page cache, before ending.")
  var fsync = false

  @Flag(help: "Print what was done as one JSON object.")
  var json = false

  func validate() throws {
    if let compress, !(1...12).contains(compress) {
      throw ValidationError("--compress takes a level from 1 to 12, not \(compress)")
    }
    let renamed = rename.map { $0.prefix { $0 != "=" } }
    guard Set(renamed).count == renamed.count else {
      throw ValidationError("--rename names one tensor twice")
    }
    for text in rename where text.split(separator: "=", omittingEmptySubsequences: false).count != 2 {
      throw ValidationError("--rename wants OLD=NEW, not '\(text)'")
    }
  }

  func run() throws {
    let options = try reading.options()
    guard let output = paths.last else { throw ValidationError("no output file") }
    let listed = try filesFrom.map { try InputFiles.lines(of: $0) } ?? []
    let inputs = Array(paths.dropLast()) + listed
    guard !inputs.isEmpty else { throw ValidationError("no input files; the last name is the output") }
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      var archives: [(path: String, archive: TensorArchive)] = []
      try report.forEach(inputs) { input in
        archives.append((input, try TensorArchive(contentsOf: input, options: options)))
      }
      guard archives.count == inputs.count else { return }
      try report.forEach([output]) { output in
        try convert(archives, to: output, report)
      }
    }
  }

  private var edit: ArchiveEdit {
    var edit = ArchiveEdit()
    edit.include = include
    edit.exclude = exclude
    edit.renames = rename.map { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), String(parts[1]))
    }
    return edit
  }

  private func convert(
    _ inputs: [(path: String, archive: TensorArchive)], to output: String, _ report: Report
  ) throws {
    let target = try Target(output)
    // What has no name and goes where there are none gets none.
    let isPlain = inputs.count == 1 && target.isNameless
    let merged = isPlain ? inputs[0].archive : try TensorArchive(merging: inputs)
    let archive = try edit.applied(to: merged)
    guard !archive.entries.isEmpty || !archive.otherValues.isEmpty else {
      throw TensorIOError(.invalidArgument, "there is no tensor to write")
    }
    let losses = try archive.losses(writingTo: target.sample)
    for (path, archive) in inputs { try explain(archive.findings, path, report) }
    for loss in losses {
      let name = loss.name.isEmpty ? "" : "tensor '\(loss.name.escapedForDisplay)': "
      try report.inform("\(output.escapedForDisplay): \(name)not kept: \(loss.message)")
    }
    let isOdd = inputs.contains { !$0.archive.findings.isEmpty }
    if strict, !losses.isEmpty || isOdd {
      throw TensorIOError(
        .lossy, "not written: --strict refuses what is named above; convert without it to accept")
    }
    let bytes = archive.byteCount
    let progress = Progress(total: bytes)
    var options = WritingOptions()
    options.compressionLevel = compress
    options.synced = fsync
    options.progress = { progress.advance($0) }
    options.isCancelled = { Signals.isInterrupted }
    defer { progress.finish() }
    try target.write(try archive.untagged(), options)
    if json { try report.line(summary(inputs.map(\.path), output, archive, losses)) }
  }

  /// Findings about the input, which the output no longer shows: notes, unless --strict.
  private func explain(_ findings: [Finding], _ path: String, _ report: Report) throws {
    for finding in findings {
      let member = finding.member.map { "member '\($0.escapedForDisplay)': " } ?? ""
      try report.inform("\(path.escapedForDisplay): \(member)\(finding.message) (\(finding.code))")
    }
  }

  private func summary(
    _ inputs: [String], _ output: String, _ archive: TensorArchive, _ losses: [Loss]
  ) -> JSON {
    .object([
      ("inputs", .array(inputs.map { .string($0) })), ("output", .string(output)),
      ("tensors", .int(archive.entries.count)),
      ("byte_count", .int(archive.byteCount)),
      ("losses", .array(losses.map { JSON($0) })),
      ("findings", .array(archive.findings.map { JSON($0) })),
    ])
  }
}

/// Where a conversion writes.
private enum Target {
  case file(String)
  case folder(String)

  /// A folder by its trailing slash or because it is one; a file otherwise.
  init(_ path: String) throws(TensorIOError) {
    if path.hasSuffix("/") || Folder.exists(path) {
      self = .folder(path)
    } else {
      _ = try FormatRegistry.format(forWriting: path)
      self = .file(path)
    }
  }

  private static let ending = "npy"

  /// A name with the ending of what will be written.
  var sample: String {
    switch self {
    case .file(let path): path
    // Each file of a folder carries its tensor's name, so an archive's losses are the ones.
    case .folder: "folder.npz"
    }
  }

  /// Whether what is written has no names inside.
  var isNameless: Bool {
    guard case .file(let path) = self else { return false }
    return (try? FormatRegistry.format(forWriting: path))?.descriptor.holdsMany == false
  }

  func write(_ archive: TensorArchive, _ options: WritingOptions) throws(TensorIOError) {
    switch self {
    case .folder(let path): try archive.extract(to: path, ending: Self.ending, options: options)
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
      try archive.write(to: path, options: options)
    }
  }
}
