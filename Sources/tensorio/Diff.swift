internal import ArgumentParser
internal import JSONText
internal import TensorIO
internal import TensorVerify

/// `tensorio diff`.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the tensors and values of two files, of any two formats.",
    discussion: """
      Tensors belong together that have the same name, or the same in a state_dict(); a lone tensor in \
      each file whatever their names. Formats, byte orders, strides and compression make no difference. \
      /dev/null is a file with nothing in it.

        tensorio diff a.pt b.pt                          every bit the same?
        tensorio diff --rtol 1e-5 --atol 1e-8 a.npz b.pt as numpy.allclose has it
        tensorio diff --close --tensors-only a.pt b.npz  torch's tolerances
        tensorio diff --select-left model a.ckpt b.npz   a part of the left file
        tensorio diff --rename 'module.*=*' a.pt b.pt    other names

      Of each pair: equal (dtype, shape, and every bit), close (within the tolerance; without one, at \
      least of another dtype or with zeros of another sign), differ, incompatible (other shapes, or \
      dtypes with nothing in common), only_left, only_right.

      Exit status: 0 the same: equal, or close and a tolerance was given; 1 something differs, or there \
      are no tensors; 2 a file could not be read.
      """)

  @Argument(help: "The left file.", completion: .file())
  var left: String

  @Argument(help: "The right file.", completion: .file())
  var right: String

  @OptionGroup var flags: DiffFlags
  @OptionGroup var reading: ReadingFlags

  @Option(
    name: .customLong("select-left"),
    help: ArgumentHelp(
      "Take only this part of the left file, in place of --select.", valueName: "path"))
  var selectLeft: String?

  @Option(
    name: .customLong("select-right"),
    help: ArgumentHelp(
      "Take only this part of the right file, in place of --select.", valueName: "path"))
  var selectRight: String?

  @Flag(help: "List what is the same, too.")
  var all = false

  @Option(help: ArgumentHelp("List so many tensors and values at most.", valueName: "n"))
  var max = 200

  @Flag(help: "Print one JSON object, on one line.")
  var json = false

  func validate() throws {
    if max < 0 { throw ValidationError("--max takes a number from 0, not \(max)") }
  }

  func run() throws {
    let reading = try reading.options()
    try reporting(isJSON: json) { report in
      var options = try flags.options()
      options.limits = reading.limits
      var archives: [TensorArchive] = []
      for (file, part) in [(left, selectLeft), (right, selectRight)] {
        try report.forEach([file]) { file in
          archives.append(try archive(file, part ?? self.reading.select, reading))
        }
      }
      guard archives.count == 2 else { return }
      let difference = try ArchiveDifference(
        between: archives[0], and: archives[1], options: options, leftFile: left,
        rightFile: right)
      if json {
        try report.line(difference.json(left: left, right: right, archives))
      } else {
        try DiffListing(difference, showsAll: all, most: max, showsLayout: flags.strictLayout)
          .print("\(left.escapedForDisplay), \(right.escapedForDisplay)", report)
      }
      try conclude(difference, archives, report)
    }
  }

  /// What git calls a file that does not exist yet, or no more, holds nothing.
  private func archive(
    _ file: String, _ part: String?, _ options: ReadingOptions
  ) throws(TensorIOError) -> TensorArchive {
    if file == "/dev/null" { return try TensorArchive([]) }
    let whole = try TensorArchive(contentsOf: file, options: options)
    guard let part else { return whole }
    return try locating(.init(file: file)) { () throws(TensorIOError) in try whole.selecting(part) }
  }

  /// Messages, and the exit status.
  private func conclude(
    _ difference: ArchiveDifference, _ archives: [TensorArchive], _ report: Report
  ) throws {
    for (file, archive) in zip([left, right], archives) {
      for finding in archive.findings {
        try report.inform(
          "\(file.escapedForDisplay): \(finding.message) (\(finding.code.rawValue))")
      }
    }
    for error in difference.tensors.compactMap(\.error) {
      try report.fail(error, file: error.place.file ?? left, inJSON: false)
    }
    if difference.tensors.isEmpty { try report.warn("there are no tensors to compare") }
    if !difference.isSame { report.notice() }
  }
}
