internal import ArgumentParser
internal import JSONText
internal import TensorIO
internal import TensorVerify

/// In which forms results are reported.
struct ReportFlags: ParsableArguments {
  @Flag(
    name: [.customLong("json"), .customLong("jsonl")],
    help: "Print one JSON object a file, on one line.")
  var isJSON = false

  @Option(help: ArgumentHelp("Write a JUnit report.", valueName: "file"), completion: .file())
  var junit: String?

  @Option(help: ArgumentHelp("Write a SARIF 2.1.0 report.", valueName: "file"), completion: .file())
  var sarif: String?

  @Option(
    help: ArgumentHelp(
      "Append a summary in Markdown; with --github it goes to $GITHUB_STEP_SUMMARY by itself.",
      valueName: "file"), completion: .file())
  var summary: String?

  @Flag(help: "Print annotations for GitHub Actions.")
  var github = false

  @Flag(help: "Say nothing of files in which nothing was found.")
  var quiet = false

  @Flag(
    name: .customLong("exit-zero"), help: "End with status 0 whatever is found in the files.")
  var exitZero = false

  func validate() throws {
    if isJSON, github { throw ValidationError("--json and --github both print; take one of them") }
    let files = [junit, sarif, summary].compactMap { $0 }
    guard Set(files).count == files.count else {
      throw ValidationError("two reports cannot be one file")
    }
  }
}

/// Says what was found in each file as it comes, and writes the reports of all in the end.
final class ReportWriter {
  private let flags: ReportFlags
  private let report: Report
  private var results: [ValidationResult] = []
  private var counts: [ValidationResult.Outcome: Int] = [:]

  init(_ flags: ReportFlags, _ report: Report) {
    self.flags = flags
    self.report = report
    report.isLenient = flags.exitZero
    report.isForGitHub = flags.github
  }

  /// Reports of all files want all results; lines want none.
  private var keepsResults: Bool {
    flags.junit != nil || flags.sarif != nil || summaryFile != nil || flags.github
  }

  private var summaryFile: String? {
    flags.summary ?? (flags.github ? Environment["GITHUB_STEP_SUMMARY"] : nil)
  }

  func add(_ result: ValidationResult) throws {
    if Signals.isInterrupted { throw ExitCode(130) }
    counts[result.outcome, default: 0] += 1
    if flags.isJSON {
      try report.line(result.json)
    } else if !flags.github, !(flags.quiet && result.outcome == .clean) {
      try report.line(result.line)
    }
    try report.note(result.findings, in: result.file)
    for error in result.errors { try report.fail(error, file: result.file, inJSON: false) }
    // A clean file is a line in the reports of all, and nothing else of it is kept.
    if keepsResults { results.append(result) }
  }

  /// Writes the reports, and the count of all files.
  func finish() throws {
    if flags.github { for line in GitHubAnnotations.lines(of: results) { try report.line(line) } }
    if let junit = flags.junit { try write(JUnitReport.text(of: results), to: junit) }
    if let sarif = flags.sarif {
      try write(SARIFReport.text(of: results, version: Tensorio.version), to: sarif)
    }
    if let summaryFile {
      try AppendedFile.append(MarkdownSummary.text(of: results), to: summaryFile)
    }
    let total = counts.values.reduce(0, +)
    if !flags.isJSON, total > 1 {
      try report.summarize(
        "\(total) files: \(counts[.clean] ?? 0) clean, \(counts[.findings] ?? 0) with findings, "
          + "\(counts[.failed] ?? 0) failed")
    }
  }

  private func write(_ text: String, to path: String) throws {
    let file = try AtomicFile(path: path)
    try file.write(text)
    try file.commit(synced: false)
  }
}

extension ValidationResult {
  /// `weights.pt: clean: torch-zip, 3 tensors, 12.0 kB`.
  fileprivate var line: String {
    let outcome =
      switch outcome {
      case .clean: "clean"
      case .findings: findings.count == 1 ? "1 finding" : "\(findings.count) findings"
      case .failed: "failed"
      }
    let facts = format.map {
      ": \($0), \(tensorCount) tensor\(tensorCount == 1 ? "" : "s"), \(byteCount.byteText)"
    }
    return "\(file.escapedForDisplay): \(outcome)" + (facts ?? "")
  }
}
