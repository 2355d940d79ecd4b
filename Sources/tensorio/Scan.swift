internal import ArgumentParser
internal import JSONText
internal import TensorIO

/// `tensorio scan`.
struct Scan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the Python classes and functions that files name, and judge them.",
    discussion: """
      A pickle is a program: loading it in Python imports and calls what it names. Here nothing is \
      imported or called. Verdicts: known (tensors, containers, arrays), inert (other classes, kept \
      by name), dangerous (runs code, reads files, opens connections, imports). Pickles are found in \
      .pt, .pth, .ckpt, .npy, .npz, .pkl and any ZIP archive.

      Exit status: 0 nothing dangerous, 1 something dangerous or odd, 2 a file could not be read to \
      the end; what was found before is listed all the same.
      """)

  @OptionGroup var input: InputFiles
  @OptionGroup var limits: LimitFlags

  @Flag(help: "Print one JSON object a file, on one line.")
  var json = false

  func run() throws {
    var options = ReadingOptions()
    options.limits = try limits.limits()
    let reading = options
    try reporting(isJSON: json) { report in
      try report.forEach(try input.paths()) { file in
        let scan = try GlobalScan(contentsOf: file, options: reading)
        try json ? report.line(scan.json(file: file)) : list(scan, file, report)
        try report.note(scan.findings, in: file)
        for use in scan.dangerous {
          try report.warn(
            "\(file.escapedForDisplay): \(use.placeText): "
              + "\(use.global.name.description.escapedForDisplay) is dangerous")
        }
        for error in scan.errors { try report.fail(error, file: file, inJSON: false) }
      }
    }
  }

  private func list(_ scan: GlobalScan, _ file: String, _ report: Report) throws {
    try report.line(
      "\(file.escapedForDisplay): \(scan.pickleCount) pickle\(scan.pickleCount == 1 ? "" : "s"), "
        + "\(scan.uses.count) name\(scan.uses.count == 1 ? "" : "s"), "
        + "\(scan.dangerous.count) dangerous")
    guard !scan.uses.isEmpty else { return }
    var table = Table(["VERDICT", "NAME", "MEMBER", "OFFSET", "PATH"], numeric: [3])
    for use in scan.uses {
      table.add([
        use.global.verdict.rawValue, use.global.name.description.escapedForDisplay,
        use.global.member?.escapedForDisplay ?? "-", "\(use.global.offset)",
        use.isReachable ? use.pathText : "(not in the result)",
      ])
    }
    for line in table.lines(styled: Stream.output.isStyled) { try report.line(line) }
  }
}

extension GlobalScan.Use {
  fileprivate var pathText: String {
    path.isEmpty ? "-" : path.joined(separator: ".").escapedForDisplay
  }

  fileprivate var placeText: String {
    (global.member.map { "member '\($0.escapedForDisplay)': " } ?? "") + "byte \(global.offset)"
  }
}

extension GlobalScan {
  fileprivate func json(file: String) -> JSON {
    .object([
      ("file", .string(file)), ("pickles", .int(pickleCount)),
      (
        "globals",
        .array(
          uses.map { use in
            .object([
              ("name", .string(use.global.name.description)),
              ("module", .string(use.global.name.module)),
              ("verdict", .string(use.global.verdict.rawValue)),
              ("member", .optional(use.global.member)), ("offset", .int(use.global.offset)),
              ("path", .array(use.path.map { .string($0) })), ("reachable", .bool(use.isReachable)),
            ])
          })
      ),
      ("findings", .array(findings.map { JSON($0) })),
      ("errors", .array(errors.map { JSON($0) })),
    ])
  }
}
