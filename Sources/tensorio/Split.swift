internal import ArgumentParser
internal import JSONText
internal import TensorData
internal import TensorIO

/// `tensorio split`.
struct Split: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Split the rows of a dataset into several files: for training and for testing.",
    discussion: """
        tensorio split data.npz --by 0.8,0.2 --names train,test --seed 7
        tensorio split data.npz --by 1500,rest -o train.npz -o test.npz
        tensorio split digits.npz --include '*_train' --by rest --seed 7 -o shuffled.npz

      Rows are indexes of the first axis. All tensors with axes are split at the same rows and have \
      to agree in how many there are; --along names one where they do not, and takes the others whole. \
      What has no rows (tensors without axes, numbers and texts) is in every part.

      --by has fractions, which sum to 1, or counts of rows; rest is what the others leave. Sizes are \
      the fractions of the rows rounded down; rows that are left go to the largest remainders, of \
      equal ones to the first. With --seed the rows are shuffled first, in an order that is the same \
      on every machine (Specs/datasets.md); without, they stay in theirs.

      Outputs are called NAME.0.EXT, NAME.1.EXT… beside the input, unless --names, --out-dir or -o say \
      otherwise. All of them appear, or none. Bytes are streamed, but of a compressed member with \
      --seed, which is decoded whole within --limit decodedBytes.
      """)

  @Argument(help: "The file.", completion: .file())
  var file: String

  @OptionGroup var reading: ReadingFlags
  @OptionGroup var choice: ChoiceFlags

  @Option(help: ArgumentHelp("The parts: 0.8,0.2 or 1000,200 or 1000,rest.", valueName: "shares"))
  var by: String

  @Flag(name: .customLong("drop-rest"), help: "Rows may be left out: --by need not cover them all.")
  var dropsRest = false

  @Option(help: "Shuffle the rows first: a number from 0 on. Without it they stay in order.")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Split what has as many rows as this tensor.", valueName: "name"))
  var along: String?

  @Option(
    name: [.customShort("o"), .customLong("out")],
    help: ArgumentHelp(
      "The file of a part, whose ending names the format; once for each part.", valueName: "out"),
    completion: .file())
  var outputs: [String] = []

  @Option(help: ArgumentHelp("What parts are called: train,test.", valueName: "names"))
  var names: String?

  @Option(
    name: .customLong("out-dir"),
    help: ArgumentHelp("Where the parts go; made where it is missing.", valueName: "folder"),
    completion: .directory)
  var folder: String?

  @OptionGroup var writing: RowOutputFlags

  @Flag(help: "Print what was done as one JSON object.")
  var json = false

  func validate() throws {
    let split = try split()
    let names = try partNames(split.shares.count)
    if !outputs.isEmpty {
      guard self.names == nil, folder == nil else {
        throw ValidationError("-o names the files; leave --names and --out-dir out")
      }
      guard outputs.count == split.shares.count else {
        throw ValidationError(
          "-o is there \(outputs.count) times, and --by has \(split.shares.count) parts")
      }
    }
    guard Set(names.map { Array($0.utf8) }).count == names.count else {
      throw ValidationError("--names has one name twice")
    }
  }

  /// What was asked for.
  private func split() throws -> RowSplit {
    do throws(TensorIOError) {
      return try RowSplit(parsing: by, dropsRest: dropsRest)
    } catch {
      throw ValidationError("--by \(by): \(error.reason)")
    }
  }

  private func partNames(_ count: Int) throws -> [String] {
    guard let names else { return (0..<count).map(String.init) }
    let list = names.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard list.count == count else {
      throw ValidationError("--names has \(list.count) names, and --by \(count) parts")
    }
    guard list.allSatisfy({ !$0.isEmpty && !$0.contains("/") }) else {
      throw ValidationError("--names wants names without slashes: train,test")
    }
    return list
  }

  /// The files of the parts.
  private func paths(_ count: Int) throws -> [String] {
    if !outputs.isEmpty { return outputs }
    let stem = file.withoutEnding
    let ending = String(decoding: file.utf8.dropFirst(stem.utf8.count), as: UTF8.self)
    guard !ending.isEmpty else {
      throw TensorIOError(
        .invalidArgument,
        "the name does not say in which format the parts are to be written; name them with -o")
    }
    var base = stem
    if let folder {
      let name = stem.split(separator: "/").last.map(String.init) ?? stem
      base = folder.isEmpty || folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }
    return try partNames(count).map { "\(base).\($0)\(ending)" }
  }

  func run() throws {
    let split = try split()
    let options = try reading.options()
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      try report.forEach([file]) { file in
        let paths = try paths(split.shares.count)
        try writing.requireUse(of: paths, from: file)
        let whole = try reading.part(of: try TensorArchive(contentsOf: file, options: options))
        let archive = try choice.part(of: whole)
        for finding in archive.findings {
          try report.inform(
            "\(file.escapedForDisplay): \(finding.message) (\(finding.code.rawValue))")
        }
        let rows = try archive.sharedRows(along: along)
        let sizes = try split.sizes(of: rows.count)
        let parts = try parts(of: archive, rows, sizes, options.limits)
        try explainWhole(archive, rows, report)
        if let folder, !folder.isEmpty { try Folder.make(folder) }
        let losses = try writing.write(Array(zip(parts, paths)), of: archive, report)
        try explain(archive, rows, zip(paths, sizes).map { ($0, $1) }, losses, report)
      }
    }
  }

  /// The parts, whose rows are read when they are written.
  private func parts(
    of archive: TensorArchive, _ rows: SharedRows, _ sizes: [Int], _ limits: DecodingLimits
  ) throws(TensorIOError) -> [TensorArchive] {
    let order = seed.map { RowOrder(count: rows.count, shuffle: .seeded($0)) }
    var parts: [TensorArchive] = []
    var start = 0
    for size in sizes {
      let places = start..<start + size
      if let order {
        parts.append(try archive.selectingRows(order[places], of: rows, limits: limits))
      } else {
        parts.append(try archive.selectingRows(places, of: rows, limits: limits))
      }
      start += size
    }
    return parts
  }

  /// The tensors that every part has whole.
  private func wholeEntries(
    _ archive: TensorArchive, _ rows: SharedRows
  ) -> [TensorArchive.Entry] {
    let split = Set(rows.entries.map(\.id))
    return archive.entries.filter { !split.contains($0.id) }
  }

  private func explainWhole(
    _ archive: TensorArchive, _ rows: SharedRows, _ report: Report
  ) throws {
    let shown = 3
    let whole = wholeEntries(archive, rows)
    guard !whole.isEmpty else { return }
    let names = whole.prefix(shown).map { "'\($0.name.escapedForDisplay)'" }
    try report.inform(
      "\(file.escapedForDisplay): whole in every part: \(names.joined(separator: ", "))"
        + (whole.count > shown ? " and \(whole.count - shown) more" : ""))
  }

  private func explain(
    _ archive: TensorArchive, _ rows: SharedRows, _ parts: [(path: String, rows: Int)],
    _ losses: [Loss], _ report: Report
  ) throws {
    let dropped = rows.count - parts.reduce(0) { $0 + $1.rows }
    if json {
      let list = parts.map { part in
        JSON.object([("output", .string(part.path)), ("rows", .int(part.rows))])
      }
      return try report.line(
        .object([
          ("file", .string(file)), ("rows", .int(rows.count)),
          ("seed", seed.map { .exact($0) } ?? .null), ("parts", .array(list)),
          ("dropped", .int(dropped)),
          ("split", .array(rows.entries.map { .string($0.name) })),
          ("whole", .array(wholeEntries(archive, rows).map { .string($0.name) })),
          ("losses", .array(losses.map { JSON($0) })),
          ("findings", .array(archive.findings.map { JSON($0) })),
        ]))
    }
    let order = seed.map { "shuffled with seed \($0)" } ?? "in order"
    try report.line("\(file.escapedForDisplay): \(rows.count) rows, \(order)")
    var table = Table(["FILE", "ROWS"], numeric: [1])
    for part in parts { table.add([part.path.escapedForDisplay, "\(part.rows)"]) }
    if dropped > 0 { table.add(["(in no part)", "\(dropped)"]) }
    for line in table.lines(styled: Stream.output.isStyled) { try report.line(line) }
  }
}
