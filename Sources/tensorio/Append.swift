internal import ArgumentParser
internal import JSONText
internal import TensorIO

/// `tensorio append`.
struct Append: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Append rows to an .npy file, or members to an .npz archive, in place.",
    discussion: """
      The rest of the target is not rewritten. All sources are checked before anything is written, and \
      what they add counts at once: a command that is killed leaves the target as it was, or with all \
      of them. Killed while it writes an archive, it leaves one that --recover, or the next append, \
      brings back. One writer at a time can change a file.

        tensorio append x.npy more.npy             rows behind those of x.npy
        tensorio append --create x.npy day-*.npy   a new array of many
        tensorio append x.npy log.npz --include x  one array of an archive
        tensorio append data.npz x.npy extra.pt    all tensors, x.npy's as 'x'

      For an .npy file a source has its dtype and the shape of its rows, or of one row; convert makes \
      other dtypes.
      """)

  @Argument(help: "The file that grows: .npy or .npz.", completion: .file())
  var target: String

  @Argument(help: "The files that are appended.", completion: .file())
  var sources: [String] = []

  @OptionGroup var reading: SourceFlags

  @Flag(help: "Make the target when it is missing, from the first source.")
  var create = false

  @Flag(help: "Replace members of an .npz archive that have the names of new ones.")
  var replace = false

  @Option(
    help: ArgumentHelp(
      "Deflate new members of an .npz archive at this level, 1 (fast) to 12 (small).",
      valueName: "level"))
  var compress: Int?

  @Flag(help: "Only mend what a writer left that was killed or failed, and append nothing.")
  var recover = false

  @Flag(help: "Have all on the disk, not only in the page cache, before ending.")
  var fsync = false

  @Flag(help: "Print what was done as one JSON object.")
  var json = false

  func validate() throws {
    guard recover || !sources.isEmpty else { throw ValidationError("nothing to append") }
    guard !recover || sources.isEmpty && !create else {
      throw ValidationError("--recover takes no sources and makes no file")
    }
    if let compress, !(1...12).contains(compress) {
      throw ValidationError("--compress takes a level from 1 to 12, not \(compress)")
    }
  }

  /// What the target is, by its ending.
  private func isArchive() throws(TensorIOError) -> Bool {
    let format = try? FormatRegistry.format(forWriting: target).descriptor.id
    guard let format, ["npy", "npz"].contains(format) else {
      throw TensorIOError(
        .unsupported, "only .npy and .npz files can be appended to; convert writes others anew")
    }
    guard format == "npz" || !replace && compress == nil else {
      throw TensorIOError(
        .invalidArgument, "--replace and --compress are for .npz archives; leave them out")
    }
    return format == "npz"
  }

  func run() throws {
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      try Report.requireText(target)
      try report.forEach(sources) { source in
        guard !isSameFile(source, target) else {
          throw TensorIOError(
            .invalidArgument, "is the target itself; append a copy of it", at: .init(file: source))
        }
      }
      if report.hasFailed { return }
      try report.forEach([target]) { target in
        _ = try isArchive()
        guard !create, !Folder.contains(target) else { return }
        throw TensorIOError(.io, "there is no such file; --create makes it")
      }
      if report.hasFailed { return }
      let sources = try reading.open(sources, isNaming: try isArchive(), report)
      if report.hasFailed { return }
      try report.forEach([target]) { _ in
        if try isArchive() {
          try MemberAppending(self, sources).run(report)
        } else {
          try RowAppending(self, sources).run(report)
        }
      }
    }
  }

  /// How progress is shown, and Control-C noticed.
  func writing(_ byteCount: Int) -> (WritingOptions, Progress) {
    let progress = Progress(total: byteCount)
    var options = WritingOptions()
    options.progress = { progress.advance($0) }
    options.isCancelled = { Signals.isInterrupted }
    return (options, progress)
  }
}
