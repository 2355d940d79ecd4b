internal import ArgumentParser
internal import ByteIO
internal import JSONText
internal import TensorIO

/// `tensorio convert --out-dir`: each input becomes a file of its own.
///
/// A manifest is beside each output, and was there first: it says which input, options and bytes the
/// output is made of. So a run that was killed leaves an output that its manifest describes, one that
/// it does not describe yet, or none; the next run tells them apart and makes what is missing.
struct Batch {
  let command: Convert
  let folder: String
  let ending: String

  func run(_ report: Report) throws {
    let given =
      command.paths + (try command.filesFrom.map { try InputFiles.lines(of: $0) } ?? [])
    guard !given.isEmpty else { throw ValidationError("no input files") }
    let all = BatchItem.items(of: given, into: folder, ending: ending)
    // Of the whole list, so that all shards of it refuse alike.
    try BatchItem.requireOneOutputEach(all)
    // What would be wrong for every output is said once.
    try ConversionTarget("-." + ending).requireUse(
      force: true, compress: command.compress, safetensors: command.safetensors.used)
    let items = try command.work.part(of: all, report)
    if items.isEmpty { return }
    try Folder.make(folder)
    let progress = Progress(
      total: Stream.error.isTerminal
        ? items.reduce(0) { $0.addingSaturated(Folder.byteCount(of: $1.input)) } : 0)
    let ledger = BatchLedger(isJSON: isJSON, progress)
    let job = BatchJob(
      command: command, options: command.fingerprint(ending: ending), progress: progress)
    Parallel.untilStopped(items.count, width: command.work.width) { index in
      // Outputs that are whole stay; what is being written notices the signal itself.
      if Signals.isInterrupted { return false }
      return ledger.add(job.run(items[index]))
    }
    progress.finish()
    try ledger.finish(report)
  }

  private var isJSON: Bool { command.json || command.batch.jsonl }
}

/// What became of one input.
struct BatchOutcome: Sendable {
  enum Status: String { case converted, skipped, failed }

  let item: BatchItem
  var status = Status.converted
  var duration = Duration.zero
  /// What a conversion of the file alone would say of it.
  var facts: [(String, JSON)] = []
  var messages: [Report.Message] = []
  var error: TensorIOError?
  var hasFinding = false

  var json: JSON {
    let (seconds, fraction) = duration.components
    let milliseconds = seconds * 1000 + fraction / 1_000_000_000_000_000
    return .object(
      [
        ("input", .string(item.input)),
        ("output", item.refusal == nil ? .string(item.output) : .null),
        ("status", .string(status.rawValue)), ("seconds", .double(Double(milliseconds) / 1000)),
      ] + facts + [("error", error.map { JSON($0) } ?? .null)])
  }
}

/// Says what became of each input as soon as it is known, from any thread.
final class BatchLedger: Sendable {
  private struct State {
    var counts: [BatchOutcome.Status: Int] = [:]
    var hasFinding = false
    var failure: StreamError?
  }

  private let isJSON: Bool
  private let progress: Progress
  private let state = Locked(State())

  init(isJSON: Bool, _ progress: Progress) {
    self.isJSON = isJSON
    self.progress = progress
  }

  /// - Returns: whether anybody still listens.
  func add(_ outcome: BatchOutcome) -> Bool {
    state.withLock { state in
      state.counts[outcome.status, default: 0] += 1
      if outcome.hasFinding { state.hasFinding = true }
      return progress.paused {
        for message in outcome.messages { message.print() }
        do {
          if isJSON { try Stream.output.line(outcome.json.text) }
          return true
        } catch {
          state.failure = error as? StreamError ?? StreamError(reason: "\(error)")
          return false
        }
      }
    }
  }

  /// Adds up.
  func finish(_ report: Report) throws {
    let state = state.withLock { $0 }
    if let failure = state.failure { throw failure }
    let counts = state.counts
    let total = counts.values.reduce(0, +)
    try report.summarize(
      "\(total) file\(total == 1 ? "" : "s"): \(counts[.converted] ?? 0) converted, "
        + "\(counts[.skipped] ?? 0) up to date, \(counts[.failed] ?? 0) failed")
    if counts[.failed] != nil { report.noticeFailure() }
    if state.hasFinding { report.notice() }
  }
}
