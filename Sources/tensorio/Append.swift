internal import ArgumentParser
internal import JSONText
internal import TensorIO

/// `tensorio append`.
struct Append: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Append rows to an .npy file, or members to an .npz archive, in place.",
    discussion: """
      The rest of the target is not rewritten. All sources are checked before anything is written, and \
      the rows of all are counted at once: a command that is killed leaves the target as it was, or \
      with all of them. One writer at a time can change a file.

        tensorio append x.npy more.npy             the rows of one array behind those of another
        tensorio append --create x.npy day-*.npy   a new array of many
        tensorio append x.npy log.npz --include x  one array of an archive

      A source has the dtype of the target and the shape of its rows, or of one row; convert makes \
      other dtypes.
      """)

  @Argument(help: "The file that grows: .npy.", completion: .file())
  var target: String

  @Argument(help: "The files that are appended.", completion: .file())
  var sources: [String] = []

  @OptionGroup var reading: SourceFlags

  @Flag(help: "Make the target when it is missing, from the first source.")
  var create = false

  @Flag(help: "Only mend what a writer left that was killed or failed, and append nothing.")
  var recover = false

  @Flag(help: "Have the rows on the disk, not only in the page cache, before ending.")
  var fsync = false

  @Flag(help: "Print what was done as one JSON object.")
  var json = false

  func validate() throws {
    guard recover || !sources.isEmpty else { throw ValidationError("nothing to append") }
    guard !recover || sources.isEmpty && !create else {
      throw ValidationError("--recover takes no sources and makes no file")
    }
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
        guard !create, !Folder.contains(target) else { return }
        throw TensorIOError(.io, "there is no such file; --create makes it")
      }
      if report.hasFailed { return }
      let sources = try reading.open(sources, report)
      if report.hasFailed { return }
      try report.forEach([target]) { _ in
        try RowAppending(self, sources).run(report)
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
