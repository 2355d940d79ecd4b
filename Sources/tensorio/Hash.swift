internal import ArgumentParser
internal import TensorIO

/// `tensorio hash`.
struct Hash: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the SHA-256 of every tensor's elements.",
    discussion: """
      The hash is of the elements in row-major order and little-endian bytes, so the same numbers \
      have the same hash in every format, order and byte order.
      """)

  @OptionGroup var input: InputFiles
  @OptionGroup var reading: ReadingFlags

  @Flag(help: "Print one JSON object a file, as ls --json --hash does.")
  var json = false

  func run() throws {
    let options = try reading.options()
    try reporting(isJSON: json) { report in
      let files = try input.paths()
      try report.forEach(files) { file in
        let archive = try TensorArchive(contentsOf: file, options: options)
        let hashes = try archive.hashes(limits: options.limits)
        if json {
          try report.line(try archive.json(file: file, hashes: hashes))
        } else {
          for (entry, hash) in zip(archive.entries, hashes) {
            let name = entry.name.isEmpty ? "" : ":" + entry.name.escapedForDisplay
            try report.line("\(hash ?? "-")  \(file.escapedForDisplay)\(name)")
          }
        }
        try report.note(archive.findings, in: file)
        for (entry, hash) in zip(archive.entries, hashes) where hash == nil {
          try report.warn(
            "\(file.escapedForDisplay): tensor '\(entry.name.escapedForDisplay)' holds Python "
              + "objects, which have no bytes to hash")
        }
        if archive.entries.isEmpty {
          try report.warn("\(file.escapedForDisplay): the file holds no tensors")
        }
      }
    }
  }
}
