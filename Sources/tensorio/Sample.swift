internal import ArgumentParser
internal import ByteIO
internal import JSONText
internal import TensorData
internal import TensorIO

/// `tensorio sample`.
struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print rows chosen at random, or write them to a file.",
    discussion: """
        tensorio sample digits.npz -n 3 --seed 7
        tensorio sample digits.npz -n 100 -o few.npz

      Rows are indexes of the first axis; no row comes twice. Tensors with equally many rows are \
      sampled together: the same rows of each. The rows are the first of the order that shuffling \
      with the seed gives (Specs/datasets.md), the same on every machine. A tensor without axes is \
      taken whole.
      """)

  @Argument(help: "The file.", completion: .file())
  var file: String

  @OptionGroup var reading: ReadingFlags
  @OptionGroup var choice: ChoiceFlags

  @Option(name: [.customShort("n"), .customLong("rows")], help: "How many rows.")
  var n = 5

  @Option(help: "Chooses the rows: a number from 0 on.")
  var seed: UInt64 = 0

  @Option(
    name: [.customShort("o"), .customLong("out")],
    help: "Write the rows to this file, whose ending names the format, in place of printing them.",
    completion: .file())
  var output: String?

  @OptionGroup var writing: RowOutputFlags

  @Flag(help: "Print one JSON object a tensor; with -o, one for the file.")
  var json = false

  func validate() throws {
    if n < 1 { throw ValidationError("-n takes a number from 1 on, not \(n)") }
    if output == nil, writing.force || writing.compress != nil || writing.fsync {
      throw ValidationError("--force, --compress and --fsync are for -o")
    }
  }

  func run() throws {
    let options = try reading.options()
    try reporting(isJSON: json) { report in
      // What is printed may be cut off anywhere.
      if output != nil { Signals.catchInterrupts() }
      try report.forEach([file]) { file in
        if let output { try writing.requireUse(of: [output], from: file) }
        let whole = try reading.part(of: try TensorArchive(contentsOf: file, options: options))
        let archive = try choice.part(of: whole)
        try report.note(archive.findings, in: file)
        let groups = archive.sharedRows
        guard !archive.entries.isEmpty else {
          return try report.warn("\(file.escapedForDisplay): the file holds no tensors")
        }
        for group in groups where group.count < n {
          try report.inform(
            "\(file.escapedForDisplay): \(names(of: group)) \(group.entries.count == 1 ? "has" : "have") "
              + "\(group.count) row\(group.count == 1 ? "" : "s"), not \(n); all are taken")
        }
        let parts = archive.entriesOfComposites
        if !parts.isEmpty {
          try report.inform(
            "\(file.escapedForDisplay): sparse and nested tensors have no rows of their own and are "
              + (output == nil ? "left out: '" : "taken whole: '")
              + parts.prefix(3).map { $0.name.escapedForDisplay }.joined(separator: "', '") + "'"
              + (parts.count > 3 ? " and \(parts.count - 3) more" : ""))
        }
        if let output {
          try write(archive, groups, to: output, options.limits, report)
        } else {
          try print(archive, groups, options.limits, report)
        }
      }
    }
  }

  /// The rows that are taken of so many.
  private func order(of group: SharedRows) -> Slice<RowOrder> {
    RowOrder(count: group.count, shuffle: .seeded(seed))[0..<min(n, group.count)]
  }

  private func names(of group: SharedRows) -> String {
    let first = group.entries[0].name
    return (first.isEmpty ? "the tensor" : "'\(first.escapedForDisplay)'")
      + (group.entries.count > 1 ? " and \(group.entries.count - 1) more" : "")
  }

  private func text(of order: Slice<RowOrder>) -> String {
    let shown = 100
    return order.prefix(shown).map(String.init).joined(separator: ", ")
      + (order.count > shown ? ", … (--json lists all \(order.count))" : "")
  }

  private func print(
    _ archive: TensorArchive, _ groups: [SharedRows], _ limits: DecodingLimits, _ report: Report
  ) throws {
    for group in groups {
      let order = order(of: group)
      let part = try archive.selectingRows(order, of: group, limits: limits)
      let wanted = Set(group.entries.map(\.id))
      if !json, !order.isEmpty {
        try report.line("rows \(text(of: order)) of \(group.count)")
      }
      for (entry, sampled) in zip(archive.entries, part.entries) where wanted.contains(entry.id) {
        try print(entry, sampled.tensor, order, report)
      }
    }
    for entry in archive.entries where entry.tensor.rank == 0 {
      try print(entry, entry.tensor, nil, report)
    }
  }

  private func print(
    _ entry: TensorArchive.Entry, _ part: Tensor, _ order: Slice<RowOrder>?, _ report: Report
  ) throws {
    let place = TensorIOError.Place(tensor: entry.name)
    guard json else {
      let text = try locating(place) { () throws(TensorIOError) in try part.formatted(.numpy) }
      try report.line(entry.title)
      return try report.line(text)
    }
    var head = entry.head(of: file)
    if let order { head.append(("rows", .array(order.map { .int($0) }))) }
    var writer = ElementWriter(part)
    try locatingAll(place) { try writer.write(after: head) }
  }

  private func write(
    _ archive: TensorArchive, _ groups: [SharedRows], to output: String, _ limits: DecodingLimits,
    _ report: Report
  ) throws {
    var part = archive
    for group in groups {
      // Ids stay what they are while values are replaced.
      part = try part.selectingRows(order(of: group), of: group, limits: limits)
    }
    let losses = try writing.write([(part, output)], of: archive, report)
    if json {
      let rows = groups.map { group in
        JSON.object([
          ("tensors", .array(group.entries.map { .string($0.name) })),
          ("rows", .array(order(of: group).map { .int($0) })),
        ])
      }
      return try report.line(
        .object([
          ("file", .string(file)), ("output", .string(output)), ("seed", .exact(seed)),
          ("sampled", .array(rows)), ("losses", .array(losses.map { JSON($0) })),
          ("findings", .array(archive.findings.map { JSON($0) })),
        ]))
    }
    for group in groups {
      try report.line("\(names(of: group)): rows \(text(of: order(of: group))) of \(group.count)")
    }
  }
}
