internal import ArgumentParser
internal import ByteIO
internal import JSONText
internal import TensorIO

/// `tensorio concat`.
struct Concat: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Join the arrays of several files along an axis into one file.",
    discussion: """
      The arrays have one dtype, and one shape but for the axis; convert makes other dtypes. Sources \
      with several tensors have the same names, and those of each name are joined. The output appears \
      whole or not at all, and its ending names the format.

        tensorio concat day-*.npy -o days.npy
        tensorio concat a.npz b.npz -o both.npz
        tensorio concat left.npy right.npy --axis 1 -o wide.npy
      """)

  @Argument(help: "The files to join, in this order.", completion: .file())
  var sources: [String] = []

  @Option(
    name: .customLong("files-from"),
    help: ArgumentHelp(
      "Read more input names from this file, - for standard input; ended by line ends or NULs.",
      valueName: "list"))
  var filesFrom: String?

  @Option(
    name: .shortAndLong, help: "The file that is written, or a folder, which ends in /.",
    completion: .file())
  var output: String

  // `-1` is an axis and no flag.
  @Option(
    parsing: .unconditional,
    help: "The axis along which the arrays follow each other; negative ones count from the end.")
  var axis = 0

  @OptionGroup var reading: SourceFlags

  @Option(
    help: ArgumentHelp(
      "Deflate archive members at this level, 1 (fast) to 12 (small); default: store them.",
      valueName: "level"))
  var compress: Int?

  @Flag(name: .shortAndLong, help: "Replace an output file that exists.")
  var force = false

  @Flag(help: "Have the output on the disk, not only in the page cache, before ending.")
  var fsync = false

  @Flag(help: "Print what was done as one JSON object.")
  var json = false

  func validate() throws {
    guard !sources.isEmpty || filesFrom != nil else { throw ValidationError("no input files") }
    if let compress, !(1...12).contains(compress) {
      throw ValidationError("--compress takes a level from 1 to 12, not \(compress)")
    }
  }

  func run() throws {
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      let paths = sources + (try filesFrom.map { try InputFiles.lines(of: $0) } ?? [])
      guard !paths.isEmpty else { throw ValidationError("no input files") }
      try report.forEach([output]) { output in
        try ConversionTarget(output).requireUse(force: force, compress: compress)
      }
      if report.hasFailed { return }
      let sources = try reading.open(paths, isNaming: false, report)
      if report.hasFailed { return }
      try report.forEach([output]) { output in
        let joined = try TensorArchive(try tensors(of: sources))
        try write(joined, report)
        try say(joined, paths, report)
      }
    }
  }

  /// The tensors of each name, joined.
  private func tensors(
    of sources: [SourceFlags.Source]
  ) throws -> [(String, Tensor)] {
    let limits = try reading.reading.options().limits
    let names = try names(of: sources)
    return try names.enumerated().map { index, name in
      let isLone = names.count == 1
      let parts = try sources.map { source in
        try locating(.init(file: source.path, tensor: name)) { () throws(TensorIOError) in
          isLone ? try source.archive.onlyTensor() : try source.archive.tensor(name)
        }
      }
      // The first tensor says what the others have to be like.
      for (source, part) in zip(sources, parts) {
        try locating(.init(file: source.path, tensor: name)) { () throws(TensorIOError) in
          _ = try Tensor.concatenated([parts[0], part], axis: axis, limits: limits)
        }
      }
      return (name, try Tensor.concatenated(parts, axis: axis, limits: limits))
    }
  }

  /// The names that all sources have; of sources with one tensor each the first name there is.
  private func names(
    of sources: [SourceFlags.Source]
  ) throws(TensorIOError) -> [String] {
    if sources.allSatisfy({ $0.archive.entries.count == 1 }) {
      return [sources.lazy.flatMap(\.archive.names).first { !$0.isEmpty } ?? ""]
    }
    let first = sources[0]
    let wanted = Set(first.archive.names.map { ByteKey($0) })
    for source in sources.dropFirst() {
      let found = Set(source.archive.names.map { ByteKey($0) })
      let odd =
        source.archive.names.first { !wanted.contains(ByteKey($0)) }
        ?? first.archive.names.first { !found.contains(ByteKey($0)) }
      guard let odd else { continue }
      let isMissing = !found.contains(ByteKey(odd))
      throw TensorIOError(
        .invalidArgument,
        (isMissing ? "has no tensor of this name, as" : "has a tensor that is not in")
          + " '\(first.path.escapedForDisplay)'\(isMissing ? " has" : ""); choose the names that all "
          + "have with --include",
        at: .init(file: source.path, tensor: odd))
    }
    return first.archive.names
  }

  private func write(_ archive: TensorArchive, _ report: Report) throws {
    let target = try ConversionTarget(output)
    // An array without a name stays without one.
    let isLone = archive.names == [""]
    let archive = isLone ? try TensorArchive(archive.entries[0].tensor) : archive
    let losses = try target.losses(of: archive, WritingOptions())
    try report.explain(losses, output.escapedForDisplay)
    let progress = Progress(total: archive.byteCount)
    defer { progress.finish() }
    var options = WritingOptions()
    options.compressionLevel = compress
    options.synced = fsync
    options.progress = { progress.advance($0) }
    options.isCancelled = { Signals.isInterrupted }
    try target.write(archive, options, checking: nil)
  }

  private func say(_ archive: TensorArchive, _ paths: [String], _ report: Report) throws {
    guard report.isJSON else { return }
    let tensors = archive.entries.map { entry in
      JSON.object([
        ("name", .string(entry.name)), ("dtype", .string(entry.tensor.dtype.description)),
        ("shape", .array(entry.tensor.shape.map { .int($0) })),
      ])
    }
    try report.line(
      .object([
        ("inputs", .array(paths.map { .string($0) })), ("output", .string(output)),
        ("axis", .int(axis)), ("tensors", .array(tensors)),
        ("byte_count", .int(archive.byteCount)),
      ]))
  }
}
