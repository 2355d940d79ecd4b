internal import ArgumentParser
internal import TensorIO
internal import TensorVerify

/// `tensorio ls`.
struct Ls: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the tensors of files: names, dtypes, shapes, sizes.",
    discussion: "Only headers are read, whatever the size of the file; --hash reads everything.")

  @OptionGroup var inspection: Inspection

  @Flag(help: "Add the SHA-256 of each tensor's elements (row-major, little-endian).")
  var hash = false

  @Flag(help: "Show all values as a tree: containers, numbers, texts, objects, and the tensors.")
  var tree = false

  func validate() throws {
    if tree, inspection.json || hash {
      throw ValidationError("--tree goes with neither --json nor --hash")
    }
  }

  func run() throws {
    try inspection.forEachArchive { archive, file, limits, report in
      let hashes = hash ? try archive.hashes(limits: limits) : nil
      if let hashes { try report.warnOfObjects(in: archive, hashes, file: file) }
      if inspection.json {
        try report.line(try archive.json(file: file, hashes: hashes))
      } else if tree {
        try report.line("\(file.escapedForDisplay): \(archive.format ?? "?")")
        try Tree(archive, limits: limits).forEachLine { try report.line("  " + $0) }
      } else {
        try list(archive, file: file, hashes: hashes, report)
      }
    }
  }

  private func list(
    _ archive: TensorArchive, file: String, hashes: [String?]?, _ report: Report
  ) throws {
    let count = archive.entries.count
    try report.line(
      "\(file.escapedForDisplay): \(archive.format ?? "?"), "
        + "\(count) tensor\(count == 1 ? "" : "s"), \(archive.byteCount.byteText)")
    var table = Table(
      ["NAME", "DTYPE", "SHAPE", "LAYOUT", "SIZE"] + (hashes == nil ? [] : ["SHA256"]),
      numeric: [4])
    for (index, entry) in archive.entries.enumerated() {
      let tensor = entry.tensor
      table.add(
        [
          entry.name.isEmpty ? "-" : entry.name.escapedForDisplay,
          tensor.dtype.description.escapedForDisplay,
          tensor.shapeText, tensor.layoutText, tensor.byteCount.byteText,
        ] + (hashes.map { [$0[index] ?? "-"] } ?? []))
    }
    for value in archive.otherValues {
      let name = value.path.joined(separator: ".").escapedForDisplay
      guard case .bytes(let source) = value.node else { continue }
      table.add([name, "(bytes)", "", "", source.byteCount.byteText] + (hashes == nil ? [] : [""]))
    }
    for (key, value) in archive.metadata {
      try report.line("  \(key.escapedForDisplay): \(value.escapedForDisplay.cut)")
    }
    if archive.entries.isEmpty && archive.otherValues.isEmpty { return }
    for line in table.lines(styled: Stream.output.isStyled) { try report.line(line) }
  }
}

extension String {
  /// The text without what nobody would read in a table.
  fileprivate var cut: String { count <= 120 ? self : String(prefix(119)) + "…" }
}
