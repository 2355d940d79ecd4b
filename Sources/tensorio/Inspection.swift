internal import ArgumentParser
internal import TensorIO

/// What the verbs that look at files have in common: inputs, limits, `--json`, and the walk.
struct Inspection: ParsableArguments {
  @OptionGroup var input: InputFiles
  @OptionGroup var reading: ReadingFlags

  @Flag(help: "Print one JSON object a file, on one line; head: one a tensor.")
  var json = false

  /// Opens each file and hands it to `body`, then says what was odd about it.
  func forEachArchive(
    _ body: (_ archive: TensorArchive, _ file: String, _ limits: DecodingLimits, _ report: Report)
      throws -> Void
  ) throws {
    let options = try reading.options()
    try reporting(isJSON: json) { report in
      try report.forEach(try input.paths()) { file in
        let archive = try reading.part(of: try TensorArchive(contentsOf: file, options: options))
        try body(archive, file, options.limits, report)
        try report.note(archive.findings, in: file)
        if archive.entries.isEmpty {
          try report.warn("\(file.escapedForDisplay): the file holds no tensors")
        }
      }
    }
  }
}
