internal import ArgumentParser
internal import TensorIO
internal import TensorVerify

/// `tensorio validate`.
struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check files: containers, checksums, structure, names in pickles, numbers, a policy.",
    discussion: """
      Every byte of an archive is accounted for and compared with its checksum; every oddity that \
      opening a file would accept is a finding. Nothing is run. Folders stand for the files below them \
      that end like a format's.

        tensorio validate models/ --finite --junit report.xml
        tensorio validate good.pt --write-policy policy.json
        tensorio validate upload.pt --policy policy.json
        git diff --name-only -z main -- '*.npz' '*.pt' | tensorio validate --files-from -

      Exit status: 0 clean, 1 something was found, 2 a file could not be read to its end, or there were \
      no files. Specs/validation.md has every finding, its meaning and its mend.
      """)

  @Argument(help: "Files, and folders of them.", completion: .file())
  var paths: [String] = []

  @Option(
    name: .customLong("files-from"),
    help: ArgumentHelp(
      "Read more names from this file, - for standard input; ended by line ends or NULs.",
      valueName: "list"))
  var filesFrom: String?

  @OptionGroup var limits: LimitFlags
  @OptionGroup var demands: DemandFlags
  @OptionGroup var reports: ReportFlags

  @OptionGroup var work: WorkFlags

  func validate() throws {
    if paths.isEmpty, filesFrom == nil { throw ValidationError("no input files") }
    guard paths.count == 1 && filesFrom == nil || demands.isOfMany else {
      throw ValidationError("--write-policy and --manifest are of one file, or of one folder")
    }
  }

  func run() throws {
    try reporting(isJSON: reports.isJSON) { report in
      let files = try files(report)
      var options = try demands.options()
      options.reading.limits = try limits.limits()
      let writer = ReportWriter(reports, report)
      let folder = paths.first.flatMap { Folder.exists($0) ? $0 : nil }
      if let folder, let manifest = options.manifest {
        options.manifest = nil
        try writer.add(try ValidationResult(of: folder, against: manifest, options.reading.limits))
      }
      try Validator(options: options).validate(
        files, jobs: work.width
      ) { result in try writer.add(result) }
      try writer.finish()
      try demands.derivePolicy(from: files, options.reading, report)
    }
  }

  /// The files that are asked for, those of folders too.
  private func files(_ report: Report) throws -> [String] {
    let given = paths + (try filesFrom.map(InputFiles.lines) ?? [])
    var files: [String] = []
    try report.forEach(given) { path in
      files += try Folder.inputs(at: path, opensCheckpoints: false).map(\.path)
    }
    guard !files.isEmpty || report.hasFailed else {
      throw TensorIOError(.invalidArgument, "there are no files to look at")
    }
    return try work.part(of: files, report)
  }
}

/// What is asked of files beyond their being sound.
struct DemandFlags: ParsableArguments {
  @Flag(help: "Every number has to be finite: no NaN, no infinity, no NaT.")
  var finite = false

  @Option(
    name: .customLong("range"),
    help: ArgumentHelp(
      "Numbers of tensors whose names match have to lie in LO:HI; either may be left out. Repeatable.",
      valueName: "glob=lo:hi"),
    transform: { text in
      guard let range = ValueRange(text) else {
        throw ValidationError("--range wants GLOB=LO:HI with numbers LO <= HI, not '\(text)'")
      }
      return range
    })
  var ranges: [ValueRange] = []

  @Option(
    help: ArgumentHelp(
      "What the files have to hold; see Specs/policy.schema.json.", valueName: "file"),
    completion: .file())
  var policy: String?

  @Option(
    name: .customLong("write-policy"),
    help: ArgumentHelp("Write the strictest policy that the file meets.", valueName: "file"),
    completion: .file())
  var writePolicy: String?

  @Option(
    help: ArgumentHelp(
      "The manifest of convert --manifest: sizes, hashes, names, dtypes and shapes are still those.",
      valueName: "file"), completion: .file())
  var manifest: String?

  @Option(
    name: .customLong("allow"),
    help: ArgumentHelp("This finding is none here. Repeatable.", valueName: "code"),
    transform: { text in
      guard let code = Finding.Code(rawValue: text) else {
        throw ValidationError("there is no finding '\(text)'; Specs/validation.md lists them")
      }
      return code
    })
  var allowed: [Finding.Code] = []

  @Option(
    name: .customLong("allow-global"),
    help: ArgumentHelp(
      "Python names that match are no findings: 'mypackage.*'. Repeatable.", valueName: "glob"))
  var allowedGlobals: [String] = []

  /// Whether all that is asked for can be asked of several files.
  var isOfMany: Bool { writePolicy == nil && manifest == nil }

  /// The options of the library.
  /// - Throws: what reading the policy and the manifest throws.
  func options() throws -> ValidationOptions {
    var options = ValidationOptions()
    options.requiresFinite = finite
    options.ranges = ranges
    options.policy = try policy.map { try ValidationPolicy(contentsOf: $0) }
    options.manifest = try manifest.map { try Manifest(contentsOf: $0) }
    options.allowedFindings = Set(allowed)
    options.allowedGlobals = allowedGlobals
    return options
  }

  /// Writes the policy that is asked for, unless the file has something to be mended first.
  func derivePolicy(
    from files: [String], _ reading: ReadingOptions, _ report: Report
  ) throws {
    guard let writePolicy else { return }
    guard files.count == 1, let file = files.first else {
      throw TensorIOError(.invalidArgument, "--write-policy describes one file, not \(files.count)")
    }
    if report.hasFailed {
      return try report.inform("\(writePolicy.escapedForDisplay): not written; the file is broken")
    }
    let archive = try TensorArchive(contentsOf: file, options: reading)
    let output = try AtomicFile(path: writePolicy)
    try output.write(ValidationPolicy(derivedFrom: archive).json)
    try output.commit(synced: false)
  }
}

extension ValueRange {
  /// `GLOB=LO:HI`.
  fileprivate init?(_ text: String) {
    guard let equals = text.lastIndex(of: "=") else { return nil }
    let bounds = text[text.index(after: equals)...].split(
      separator: ":", omittingEmptySubsequences: false)
    guard bounds.count == 2, equals > text.startIndex,
      let low = bounds[0].isEmpty ? -.infinity : Double(bounds[0]),
      let high = bounds[1].isEmpty ? .infinity : Double(bounds[1]), low <= high
    else { return nil }
    self.init(.glob(String(text[..<equals])), low, high)
  }
}
