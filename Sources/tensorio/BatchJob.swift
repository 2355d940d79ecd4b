internal import ByteIO
internal import JSONText
internal import TensorIO
internal import TensorVerify

/// Converts one input of a batch after the other, several at a time.
struct BatchJob: Sendable {
  let command: Convert
  /// What the outputs are made with.
  let options: [String]
  let progress: Progress

  func run(_ item: BatchItem) -> BatchOutcome {
    let start = ContinuousClock.now
    var outcome = BatchOutcome(item: item)
    let report = Report(isJSON: false, isCollecting: true)
    let share = ProgressShare(of: Folder.byteCount(of: item.input), progress)
    do {
      do {
        try work(on: item, &outcome, report, share)
      } catch let error as TensorIOError {
        try report.fail(error, file: item.input, inJSON: false)
      }
    } catch {
      // Collecting messages throws nothing, and nothing else throws other errors.
      outcome.error = TensorIOError(.io, "\(error)", at: .init(file: item.input))
    }
    share.finish()
    outcome.error = report.failure ?? outcome.error
    if outcome.error != nil { outcome.status = .failed }
    outcome.messages = report.collected
    outcome.hasFinding = report.hasFinding
    outcome.duration = start.duration(to: .now)
    return outcome
  }

  private func work(
    on item: BatchItem, _ outcome: inout BatchOutcome, _ report: Report, _ share: ProgressShare
  ) throws {
    if let refusal = item.refusal { throw refusal }
    let reading = try command.reading.options()
    // The file that is hashed is the one that is converted, whatever the path names meanwhile.
    let paths = try CheckpointFolder.files(of: item.input, limits: reading.limits)
    var sources: [InputFile] = []
    for path in paths { sources.append(try InputFile(path: path)) }
    if let manifest = try item.earlierManifest(force: command.force, limits: reading.limits),
      try item.isUpToDate(manifest, options, sources)
    {
      outcome.status = .skipped
      return
    }
    try Folder.make(above: item.output)
    let whole =
      sources.count == 1 && paths == [item.input]
      ? try TensorArchive(in: sources[0], options: reading)
      : try TensorArchive(contentsOf: item.input, options: reading)
    let input = ConversionInput(
      path: item.input, name: item.name, archive: try command.reading.part(of: whole),
      hasTensors: !whole.entries.isEmpty, files: sources)
    try report.forEach([item.output]) { output in
      let conversion = try Conversion(
        of: [input], to: output, command,
        batch: BatchRecord(
          manifest: item.manifest, outputName: item.outputName, options: options, share: share))
      try conversion.run(report)
      outcome.facts = conversion.facts
    }
  }
}

/// What makes a conversion one of a batch.
struct BatchRecord: Sendable {
  /// Where the manifest goes, before the output has its name.
  let manifest: String
  /// What it calls the output.
  let outputName: String
  let options: [String]
  let share: ProgressShare
}
