internal import ArgumentParser
internal import TensorIO

/// `tensorio convert`.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert files: several into one archive, an archive into a folder, and back.",
    discussion: """
      The last argument is the output. Its ending names the format; one that ends in / is a new or \
      empty folder, which receives one .npy file a tensor. An input may be a folder: its files are \
      named by their paths in it. The output appears whole or not at all.

        tensorio convert x.npy y.npy data.npz      two arrays into one archive
        tensorio convert data.npz data/            one file a tensor
        tensorio convert data/ data.npz            and back
        tensorio convert --compress 6 a.npz b.npz  the same tensors, compressed

      A pattern is one of the shell's, in which * matches / too. Names are compared byte by byte.
      """)

  @Argument(help: "Input files, then the output.", completion: .file())
  var paths: [String] = []

  @Option(
    name: .customLong("files-from"),
    help: ArgumentHelp(
      "Read more input names from this file, - for standard input; ended by line ends or NULs.",
      valueName: "list"))
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

  @Option(
    help: ArgumentHelp(
      "What PyTorch files keep of storages larger than the tensors on them: all (keep), what is "
        + "used (compact), or all unless less than half is used (auto).", valueName: "policy"),
    transform: { text in
      guard let policy = ViewPolicy(rawValue: text) else {
        throw ValidationError("--views is keep, compact or auto, not '\(text)'")
      }
      return policy
    })
  var views = ViewPolicy.automatic

  @Flag(name: .shortAndLong, help: "Replace an output file that exists.")
  var force = false

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
    for text in rename where text.split(separator: "=", omittingEmptySubsequences: false).count != 2
    {
      throw ValidationError("--rename wants OLD=NEW, not '\(text)'")
    }
  }

  func run() throws {
    let options = try reading.options()
    guard let output = paths.last else { throw ValidationError("no output file") }
    guard paths.count > 1 || filesFrom != nil else {
      throw ValidationError("no input files; the last name is the output")
    }
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      let listed = try filesFrom.map { try InputFiles.lines(of: $0) } ?? []
      var inputs: [Input] = []
      var count = 0
      try report.forEach(Array(paths.dropLast()) + listed) { path in
        let files = try Self.files(at: path)
        count += files.count
        for file in files {
          try report.forEach([file.path]) { path in
            let whole = try TensorArchive(contentsOf: path, options: options)
            let archive = try reading.part(of: whole)
            inputs.append(Input(path: path, name: file.name, archive: archive))
          }
        }
      }
      guard inputs.count == count, !report.hasFailed else { return }
      try report.forEach([output]) { output in
        try convert(inputs, to: output, report)
      }
    }
  }

  /// A file that was opened, and the name that an array in it gets when it has none.
  private struct Input {
    let path: String
    let name: String
    let archive: TensorArchive
  }

  /// The file itself, or the files below a folder.
  private static func files(at path: String) throws(TensorIOError) -> [(path: String, name: String)]
  {
    guard Folder.exists(path) else {
      return [(path, path.split(separator: "/").last.map(String.init) ?? path)]
    }
    let names = try Folder.files(below: path, endings: FormatRegistry.endings)
    guard !names.isEmpty else {
      throw TensorIOError(
        .invalidArgument,
        "the folder holds no files ending in \(FormatRegistry.endings.joined(separator: " or "))")
    }
    let root = path.hasSuffix("/") ? path : path + "/"
    return names.map { (root + $0, $0) }
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

  private func convert(_ inputs: [Input], to output: String, _ report: Report) throws {
    let target = try ConversionTarget(output)
    try target.requireUse(force: force, compress: compress)
    // What has no name and goes where there are none gets none; what is nested stays so where it can.
    // A program of TorchScript cannot be written back; its tensors can, by name.
    let isProgram = inputs[0].archive.format == "torchscript"
    let isNested = inputs.count == 1 && target.keepsNesting && !isProgram
    let isPlain = inputs.count == 1 && target.isNameless
    let merged =
      isPlain || isNested
      ? inputs[0].archive : try TensorArchive(merging: inputs.map { ($0.name, $0.archive) })
    let archive = try edit.applied(to: merged, nested: isNested)
    if archive.entries.isEmpty {
      guard isNested else {
        throw TensorIOError(.invalidArgument, "the input holds no tensors to write")
      }
      try report.warn("\(inputs[0].path.escapedForDisplay): the file holds no tensors")
    }
    var options = WritingOptions()
    options.compressionLevel = compress
    options.synced = fsync
    options.views = views
    let flattened = isNested ? [] : inputs.flatMap { $0.archive.flatteningLosses }
    let losses = flattened + (try archive.losses(writingTo: target.sample, options: options))
    for input in inputs { try explain(input.archive.findings, input.path, report) }
    try explain(losses, output, report)
    if isNested, let type = archive.firstForeignType {
      try report.inform(
        "\(output.escapedForDisplay): holds \(type.escapedForDisplay), which "
          + "torch.load(weights_only=True) refuses")
    }
    let isOdd = inputs.contains { !$0.archive.findings.isEmpty }
    if strict, !losses.isEmpty || isOdd {
      throw TensorIOError(
        .lossy, "not written: --strict refuses what is named above; convert without it to accept")
    }
    let bytes = archive.byteCount
    let progress = Progress(total: bytes)
    options.progress = { progress.advance($0) }
    options.isCancelled = { Signals.isInterrupted }
    defer { progress.finish() }
    try target.write(target.keepsNesting ? archive : try archive.untagged(), options)
    if json { try report.line(summary(inputs.map(\.path), output, archive, losses)) }
  }

  /// The losses, the first few of each kind.
  private func explain(_ losses: [Loss], _ path: String, _ report: Report) throws {
    let shown = 3
    for kind in Loss.Kind.allCases {
      let some = losses.filter { $0.kind == kind }
      for loss in some.prefix(shown) {
        let name = loss.name.isEmpty ? "" : "'\(loss.name.escapedForDisplay)': "
        try report.inform("\(path.escapedForDisplay): \(name)not kept: \(loss.message)")
      }
      if some.count > shown {
        try report.inform(
          "\(path.escapedForDisplay): and \(some.count - shown) more losses of this kind (\(kind)); "
            + "--json lists all")
      }
    }
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
