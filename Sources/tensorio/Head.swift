internal import ArgumentParser
internal import JSONText
internal import TensorData
internal import TensorIO

/// `tensorio head`.
struct Head: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the first rows of tensors as NumPy prints them.",
    discussion: """
        tensorio head digits.npz
        tensorio head -n 2 --include 'train*' digits.npz

      Rows are indexes of the first axis; a tensor without axes is printed whole. Long rows are \
      summarised. No more is read than is printed, so checksums are not checked.
      """)

  @OptionGroup var inspection: Inspection
  @OptionGroup var choice: ChoiceFlags

  @Option(name: [.customShort("n"), .customLong("rows")], help: "How many rows.")
  var n = 5

  func validate() throws {
    if n < 1 { throw ValidationError("-n takes a number from 1 on, not \(n)") }
  }

  func run() throws {
    let hasSeveralFiles = try inspection.input.paths().count > 1
    try inspection.forEachArchive { archive, file, limits, report in
      for entry in try choice.part(of: archive).entries {
        let place = TensorIOError.Place(tensor: entry.name)
        let part = try locating(place) { () throws(TensorIOError) in
          try entry.tensor.leadingRows(n, limits: limits)
        }
        if inspection.json {
          var writer = ElementWriter(part)
          try locatingAll(place) { try writer.write(after: entry.head(of: file)) }
          continue
        }
        try report.line((hasSeveralFiles ? file.escapedForDisplay + ": " : "") + entry.title)
        let text = try locating(place) { () throws(TensorIOError) in try part.formatted(.numpy) }
        try report.line(text)
        try part.storage.source.requireUnchanged()
      }
    }
  }
}
