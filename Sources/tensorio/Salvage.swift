internal import ArgumentParser
internal import JSONText
internal import TensorIO
internal import TensorVerify

/// `tensorio salvage`.
struct SalvageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "salvage",
    abstract: "Rebuild what is intact in a truncated or damaged file.",
    discussion: """
      Of .npz and .pt archives every member counts whose checksum holds, whether the directory of the \
      archive is there or not. Of a .pt file the pickle has to be intact; tensors whose storages are \
      lost are left out of their dictionaries, and elsewhere meta tensors of their shape, or None, \
      stand in their place. --partial also keeps the leading rows of an array that the end of an .npy \
      or .npz file cuts.

        tensorio salvage broken.npz rescued.npz
        tensorio salvage --partial broken.npy rescued.npy

      Exit status: 0 nothing was lost, 1 something was lost and the rest is written, 2 nothing was \
      written.
      """)

  @Argument(help: "The damaged file.", completion: .file())
  var file: String

  @Argument(
    help: "The output: .npz, .npy, .pt, or a folder of .npy files, which ends in /.",
    completion: .file())
  var output: String

  @OptionGroup var limits: LimitFlags

  @Flag(help: "Keep the leading rows of an array that is cut off; no checksum covers them.")
  var partial = false

  @Flag(name: .shortAndLong, help: "Replace an output file that exists.")
  var force = false

  @Flag(help: "Have the output on the disk, not only in the page cache, before ending.")
  var fsync = false

  @Flag(help: "Print the account as one JSON object.")
  var json = false

  func run() throws {
    var options = Salvage.Options()
    options.reading.limits = try limits.limits()
    options.keepsPartial = partial
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      try report.forEach([file]) { file in
        let target = try locatingOutput { () throws(TensorIOError) in
          let target = try ConversionTarget(output)
          try target.requireUse(force: force, compress: nil)
          return target
        }
        let salvage = try Salvage(contentsOf: file, options: options)
        try locatingOutput { () throws(TensorIOError) in try write(salvage, to: target) }
        if json {
          try report.line(salvage.json(file: file, output: output))
        } else {
          for line in salvage.lines { try report.line(line) }
        }
        if !salvage.isComplete {
          try report.warn("\(file.escapedForDisplay): \(salvage.summary)")
        }
      }
    }
  }

  private func locatingOutput<R>(_ body: () throws(TensorIOError) -> R) throws(TensorIOError) -> R {
    do throws(TensorIOError) {
      return try body()
    } catch {
      throw error.located(in: .init(file: output))
    }
  }

  private func write(_ salvage: Salvage, to target: ConversionTarget) throws(TensorIOError) {
    if salvage.archive.format == "torch-zip", !target.keepsNesting {
      throw TensorIOError(
        .invalidArgument,
        "a PyTorch archive is salvaged into another; end the output in .pt, and convert that")
    }
    var writing = WritingOptions()
    writing.synced = fsync
    writing.isCancelled = { Signals.isInterrupted }
    try target.write(salvage.archive, writing, checking: nil)
  }
}

extension Salvage {
  /// What is lost, in one sentence.
  fileprivate var summary: String {
    var parts: [String] = []
    if !lost.isEmpty { parts.append("\(lost.count) lost") }
    if !partial.isEmpty { parts.append("\(partial.count) kept in part") }
    if parts.isEmpty { parts.append("nothing is known to be lost") }
    return parts.joined(separator: ", ") + "; \(wholeTensors) written"
  }

  private var wholeTensors: String { "\(kept.count) whole tensor\(kept.count == 1 ? "" : "s")" }

  /// The account for people.
  fileprivate var lines: [String] {
    var lines = ["kept: \(wholeTensors)"]
    if isComplete { lines.append("nothing is lost") }
    lines += partial.map { part in
      "partial: \(Self.shown(part.name)): \(part.kept) of \(part.length) along axis \(part.axis), "
        + "not covered by a checksum"
    }
    lines += lost.map { lost in
      var place: [String] = []
      if let member = lost.member { place.append("member '\(member.escapedForDisplay)'") }
      if let offset = lost.offset { place.append("byte \(offset)") }
      let name = lost.name.map(Self.shown) ?? "the rest"
      return "lost: \(name)" + (place.isEmpty ? "" : " (\(place.joined(separator: ", ")))")
        + ": \(lost.reason)"
    }
    return (lines + notes.map { "note: \($0)" }).map(\.escapedForDisplay)
  }

  private static func shown(_ name: String) -> String {
    name.isEmpty ? "the array" : "'\(name.escapedForDisplay)'"
  }

  fileprivate func json(file: String, output: String) -> JSON {
    .object([
      ("file", .string(file)), ("output", .string(output)),
      ("format", .optional(archive.format)), ("complete", .bool(isComplete)),
      ("all_known", .bool(isAllKnown)), ("kept", .array(kept.map { .string($0) })),
      (
        "partial",
        .array(
          partial.map {
            .object([
              ("name", .string($0.name)), ("axis", .int($0.axis)), ("kept", .int($0.kept)),
              ("length", .int($0.length)),
            ])
          })
      ),
      (
        "lost",
        .array(
          lost.map {
            .object([
              ("name", .optional($0.name)), ("member", .optional($0.member)),
              ("offset", $0.offset.map { .int($0) } ?? .null), ("reason", .string($0.reason)),
            ])
          })
      ), ("notes", .array(notes.map { .string($0) })),
    ])
  }
}
