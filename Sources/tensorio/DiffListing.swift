internal import TensorIO
internal import TensorVerify

/// Prints how two files differ: a line that sums up, then what differs, in the order of the files.
struct DiffListing {
  private let difference: ArchiveDifference
  private let tensors: [TensorDifference]
  private let most: Int
  private let showsLayout: Bool

  /// - Parameters:
  ///   - showsAll: whether what is the same is listed, too.
  ///   - most: how many tensors and how many values are listed.
  init(_ difference: ArchiveDifference, showsAll: Bool, most: Int, showsLayout: Bool) {
    self.difference = difference
    self.most = most
    self.showsLayout = showsLayout
    tensors = showsAll ? difference.tensors : difference.tensors.filter(\.isDifference)
  }

  func print(_ files: String, _ report: Report) throws {
    try report.line("\(files): \(summary)")
    if !tensors.isEmpty {
      var table = Table(
        [
          "STATUS", "NAME", "DTYPE", "SHAPE", "DIFFER", "FIRST", "MAXABS", "MAXREL", "MAXULP",
          "RELL2",
        ], numeric: [4, 6, 7, 8, 9])
      for tensor in tensors.prefix(most) { table.add(row(tensor)) }
      for line in table.lines(styled: Stream.output.isStyled) { try report.line(line) }
      try more(tensors.count, report)
    }
    for tensor in tensors.prefix(most) {
      let notes = [tensor.note].compactMap { $0 } + (showsLayout ? tensor.layout : [])
      for note in notes { try report.line("\(shown(tensor.name)): \(note.escapedForDisplay)") }
    }
    for value in difference.values.prefix(most) {
      let texts = [value.left, value.right].map { $0?.escapedForDisplay ?? "(none)" }
      try report.line("value \(shown(value.name)): \(texts[0]) / \(texts[1])")
    }
    try more(difference.values.count, report)
  }

  private func more(_ count: Int, _ report: Report) throws {
    if count > most { try report.line("… and \(count - most) more; --max lists them") }
  }

  private var summary: String {
    let count = difference.tensors.count
    let statuses = TensorDifference.Status.allCases.compactMap { status -> String? in
      let count = difference.count(of: status)
      return count == 0
        ? nil : "\(count) \(status.rawValue.split(separator: "_").joined(separator: " "))"
    }
    let values = difference.values.count
    return "\(count) tensor\(count == 1 ? "" : "s")"
      + (statuses.isEmpty ? "" : ": " + statuses.joined(separator: ", "))
      + (values == 0 ? "" : "; \(values) value\(values == 1 ? " differs" : "s differ")")
  }

  private func row(_ tensor: TensorDifference) -> [String] {
    let sides = [tensor.left?.tensor, tensor.right?.tensor].compactMap { $0 }
    let names = [tensor.left?.name, tensor.right?.name].compactMap { $0.map(shown) }
    let head = [
      tensor.status.rawValue, joined(names, " -> "),
      joined(sides.map { $0.dtype.description.escapedForDisplay }, "/"),
      joined(sides.map(\.shapeText), "/"),
    ]
    guard let elements = tensor.elements else {
      return head + Array(repeating: "-", count: 6)
    }
    func text(_ number: Double?) -> String {
      number.map { $0.isNaN ? "nan" : $0.shortText } ?? "-"
    }
    let first = elements.firstMismatched ?? elements.firstDiffering
    return head + [
      "\(elements.mismatchedCount)/\(elements.count)",
      first.map { "\(tensor.index($0))" } ?? "-", text(elements.maxAbsoluteError),
      text(elements.maxRelativeError), text(elements.maxULPError), text(elements.relativeL2Error),
    ]
  }

  private func shown(_ name: String) -> String { name.isEmpty ? "-" : name.escapedForDisplay }

  /// One text where both sides have the same.
  private func joined(_ texts: [String], _ separator: String) -> String {
    texts.count == 2 && texts[0] == texts[1] ? texts[0] : texts.joined(separator: separator)
  }
}
