internal import ArgumentParser
internal import Synchronization
internal import JSONText
internal import TensorIO

/// `tensorio upload`.
struct Upload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copy the tensors of files to a CUDA device, and say how fast that went.",
    discussion: """
      Nothing stays on the device. The rate is the best of all repetitions, compared with the fastest \
      copy of pinned memory that this machine is measured to do. Files that were read before lie in \
      the page cache; the first repetition may have to wait for the disk.

      With --dtype, whose rules are those of convert, elements are converted on their way; the bytes \
      that count are those that arrive.
      """)

  @OptionGroup var input: InputFiles
  @OptionGroup var reading: ReadingFlags

  @Option(
    help: ArgumentHelp("The device, like cuda:0; default: the first one.", valueName: "device"),
    transform: { text in
      guard let device = try? Device(text), device.kind == "cuda" else {
        throw ValidationError("--device is a CUDA device like cuda:0, not '\(text)'")
      }
      return Device.cuda(device.index ?? 0)
    })
  var device = Device.cuda(0)

  @OptionGroup var casts: CastFlags

  @Flag(help: "Upload once more, read everything back, and compare it with the file.")
  var verify = false

  @Option(name: .customLong("repeat"), help: "How often to upload each file.")
  var repetitions = 1

  @Flag(help: "Print one JSON object a file, on one line.")
  var json = false

  func validate() throws {
    guard repetitions >= 1 else { throw ValidationError("--repeat takes 1 or more") }
  }

  func run() throws {
    let options = try reading.options()
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      let paths = try input.paths()
      let ceiling = try CUDA.measuredCopyRate(to: device)
      try report.forEach(paths) { file in
        if Signals.isInterrupted { return }
        let archive = try converted(
          try reading.part(of: try TensorArchive(contentsOf: file, options: options)),
          options.limits)
        let run = try measured(archive)
        if json {
          try report.line(jsonObject(run, ceiling, archive, file: file))
        } else {
          try print(run, ceiling, archive, file: file, report)
        }
        try report.note(archive.findings, in: file)
        if archive.entries.isEmpty {
          try report.warn("\(file.escapedForDisplay): the file holds no tensors")
        }
      }
    }
  }

  /// The archive whose elements become other dtypes on their way.
  private func converted(
    _ archive: TensorArchive, _ limits: DecodingLimits
  ) throws(TensorIOError) -> TensorArchive {
    if casts.dtype.isEmpty { return archive }
    var options = ConversionOptions()
    options.policy = casts.policy
    options.limits = limits
    return try archive.converting(try casts.rules, options: options).archive
  }

  /// What was uploaded each time, and how long it took.
  private struct Measurement {
    var byteCount = 0
    var seconds: [Double] = []

    /// In bytes a second.
    var rate: Double {
      guard let best = seconds.min(), best > 0 else { return 0 }
      return Double(byteCount) / best
    }
  }

  private func measured(_ archive: TensorArchive) throws(TensorIOError) -> Measurement {
    var run = Measurement()
    let clock = ContinuousClock()
    for round in 0..<repetitions + (verify ? 1 : 0) {
      let total = Mutex(0)
      let progress = Progress(total: archive.byteCount)
      let arrived = Mutex(0)
      var options = TransferOptions()
      // Reading back takes longer than sending, and counts for nothing.
      options.verifies = round == repetitions
      options.progress = { (state) throws(TensorIOError) in
        if Signals.isInterrupted { throw TensorIOError(.io, "interrupted") }
        total.withLock { $0 = state.totalBytes }
        progress.advance(
          arrived.withLock { before in
            defer { before = state.completedBytes }
            return state.completedBytes - before
          })
      }
      defer { progress.finish() }
      let start = clock.now
      let moved = try archive.to(device, options: options)
      let seconds = (clock.now - start) / .seconds(1)
      withExtendedLifetime(moved) {}
      run.byteCount = total.withLock { $0 }
      if round < repetitions { run.seconds.append(seconds) }
    }
    return run
  }

  private func print(
    _ run: Measurement, _ ceiling: Double, _ archive: TensorArchive, file: String,
    _ report: Report
  ) throws {
    let count = archive.entries.count
    let percent = (run.rate / ceiling * 100).rounded()
    try report.line(
      "\(file.escapedForDisplay): \(count) tensor\(count == 1 ? "" : "s"), "
        + "\(run.byteCount.byteText) to \(device)\(verify ? ", verified" : ""), "
        + "\(Self.gigabytes(run.rate)) GB/s, \(Int(percent)) % of a pinned copy's "
        + "\(Self.gigabytes(ceiling))")
  }

  /// With two decimals.
  private static func gigabytes(_ rate: Double) -> String { "\((rate / 1e7).rounded() / 100)" }

  private func jsonObject(
    _ run: Measurement, _ ceiling: Double, _ archive: TensorArchive, file: String
  ) -> JSON {
    .object([
      ("file", .string(file)), ("device", .string("\(device)")),
      ("tensors", .int(archive.entries.count)), ("byte_count", .int(run.byteCount)),
      ("seconds", .array(run.seconds.map { .double($0) })),
      ("bytes_per_second", .double(run.rate)), ("pinned_bytes_per_second", .double(ceiling)),
      ("fraction", .double(run.rate / ceiling)), ("verified", .bool(verify)),
      ("findings", .array(archive.findings.map { JSON($0) })),
    ])
  }
}
