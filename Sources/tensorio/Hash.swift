internal import ArgumentParser
internal import TensorIO
internal import TensorVerify

/// `tensorio hash`.
struct Hash: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the SHA-256 of every tensor's elements.",
    discussion: """
      The hash is of the elements in row-major order and little-endian bytes, so the same numbers \
      have the same hash in every format, order and byte order.
      """)

  @OptionGroup var inspection: Inspection

  func run() throws {
    try inspection.forEachArchive { archive, file, limits, report in
      let hashes = try archive.hashes(limits: limits)
      if inspection.json {
        try report.line(try archive.json(file: file, hashes: hashes))
      } else {
        for (entry, hash) in zip(archive.entries, hashes) {
          let name = entry.name.isEmpty ? "" : ":" + entry.name.escapedForDisplay
          try report.line("\(hash ?? "-")  \(file.escapedForDisplay)\(name)")
        }
      }
      try report.warnOfObjects(in: archive, hashes, file: file)
    }
  }
}
