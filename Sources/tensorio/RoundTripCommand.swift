internal import ArgumentParser
internal import JSONText
internal import TensorIO
internal import TensorVerify

/// `tensorio roundtrip`.
struct RoundTripCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roundtrip",
    abstract: "Write files in other formats, read them back, and compare everything.",
    discussion: """
      Each file is written in each format that can hold it, without leaving anything behind, and read \
      back: names, order, dtypes, shapes, strides, bits of elements, aliases, tags, nested values and \
      classes are compared, and what differs is held against the losses that the format declares.

        tensorio roundtrip model.pt
        tensorio roundtrip --via npz --json *.npy

      Exit status: 0 nothing differs but what was declared, 1 something else does or a declared loss \
      did not happen, or a file has no tensors or findings, 2 a file could not be read, or not be \
      written in a format that was asked for, or in none. With --strict declared losses are 1 too.
      """)

  @OptionGroup var inspection: Inspection

  @Option(
    help: ArgumentHelp(
      "Formats to go through, with commas between; default: all that can hold a file.",
      valueName: "formats"),
    transform: { text in
      try text.split(separator: ",", omittingEmptySubsequences: false)
        .map { try Self.id(String($0)) }
    })
  var via: [String]?

  @Flag(help: "Take declared losses other than metadata for differences: status 1.")
  var strict = false

  private static func id(_ text: String) throws -> String {
    // What people call formats, too: pt for torch-zip.
    let writable = FormatRegistry.descriptors.filter(\.canWrite)
    guard let format = writable.first(where: { $0.id == text || $0.extensions.contains(text) })
    else {
      throw ValidationError(
        "'\(text)' is no format that is written; there are "
          + writable.map(\.id).joined(separator: ", "))
    }
    return format.id
  }

  func run() throws {
    let formats = FormatRegistry.all.filter { format in
      format.descriptor.canWrite && via?.contains(format.descriptor.id) ?? true
    }
    var options = RoundTrip.Options()
    options.writing.isCancelled = { Signals.isInterrupted }
    options.reading = try inspection.reading.options()
    // What is written says by itself what it is.
    options.reading.rawTypes = [:]
    Signals.catchInterrupts()
    try inspection.forEachArchive { archive, file, _, report in
      let results = RoundTrip.verify(archive, through: formats, options: options)
      if inspection.json {
        try report.line(
          .object([("file", .string(file)), ("results", .array(results.map { JSON($0) }))]))
      }
      try RoundTripReport(results, file: file, isStrict: strict, isAsked: via != nil)
        .print(to: report)
    }
  }
}

extension JSON {
  fileprivate init(_ result: RoundTripResult) {
    self = .object([
      ("format", .string(result.format)), ("outcome", .string(result.outcome.rawValue)),
      ("byte_count", result.byteCount.map { .int($0) } ?? .null),
      ("differences", .array(result.differences.map { JSON($0) })),
      ("losses", .array(result.observed.map { JSON($0) })),
      ("undeclared", .array(result.undeclared.map { JSON($0) })),
      ("unobserved", .array(result.unobserved.map { JSON($0) })),
      ("error", result.error.map { JSON($0) } ?? .null),
    ])
  }

  private init(_ difference: ObservedDifference) {
    self = .object([
      ("axis", .string(difference.axis.rawValue)), ("name", .string(difference.name)),
      ("left", .optional(difference.left)), ("right", .optional(difference.right)),
    ])
  }
}
