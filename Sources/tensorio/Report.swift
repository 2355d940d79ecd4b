internal import ArgumentParser
internal import JSONText
internal import TensorIO

/// Collects what a command has to say: data on standard output, messages on standard error, and the
/// exit status in the end.
final class Report {
  /// A line for standard error.
  struct Message: Sendable {
    let kind: String
    let text: String

    /// Nothing can be done when standard error is closed.
    func print() {
      let label = Stream.error.isStyled ? "\u{1b}[1m\(kind):\u{1b}[0m" : "\(kind):"
      try? Stream.error.line("tensorio: \(label) \(text)")
    }
  }

  private var sawFinding = false
  private var sawFailure = false
  let isJSON: Bool
  private let isCollecting: Bool
  /// What was kept to be printed later.
  private(set) var collected: [Message] = []
  /// The last error that was reported.
  private(set) var failure: TensorIOError?
  /// Whether what is wrong with files leaves the exit status 0.
  var isLenient = false

  /// - Parameter isCollecting: whether messages are kept instead of printed.
  init(isJSON: Bool, isCollecting: Bool = false) {
    self.isJSON = isJSON
    self.isCollecting = isCollecting
  }

  /// Whether some file could not be handled.
  var hasFailed: Bool { sawFailure }
  /// Whether something was found that keeps the exit status from being 0.
  var hasFinding: Bool { sawFinding }

  /// Writes a line of data.
  func line(_ text: String) throws { try Stream.output.line(text) }

  /// Writes a line of JSON.
  func line(_ json: JSON) throws { try Stream.output.line(json.text) }

  /// Says what a reader noticed and accepted.
  func note(_ findings: [Finding], in file: String) throws {
    for finding in findings {
      sawFinding = true
      var parts = [file.escapedForDisplay]
      if let member = finding.member { parts.append("member '\(member.escapedForDisplay)'") }
      if let tensor = finding.tensor, !tensor.isEmpty {
        parts.append("tensor '\(tensor.escapedForDisplay)'")
      }
      if let offset = finding.offset { parts.append("byte \(offset)") }
      parts.append("\(finding.message) (\(finding.code.rawValue))")
      try message("warning", parts.joined(separator: ": "))
    }
  }

  /// Says that something was found that keeps the exit status from being 0.
  func warn(_ text: String) throws {
    sawFinding = true
    try message("warning", text)
  }

  /// Keeps the exit status from being 0 for what was printed as data.
  func notice() { sawFinding = true }

  /// Has the command fail for what was reported already.
  func noticeFailure() { sawFailure = true }

  /// Says which tensors have no hash.
  func warnOfObjects(in archive: TensorArchive, _ hashes: [String?], file: String) throws {
    for (entry, hash) in zip(archive.entries, hashes) where hash == nil {
      try warn(
        "\(file.escapedForDisplay): tensor '\(entry.name.escapedForDisplay)' "
          + (entry.tensor.hasElements
            ? "holds Python objects, which have" : "is a meta tensor and has")
          + " no bytes to hash")
    }
  }

  /// Says what a conversion did not keep.
  ///
  /// No finding: the user asked for the conversion.
  func inform(_ text: String) throws { try message("note", text) }

  /// Says that a file could not be handled.
  func fail(_ error: TensorIOError, file: String, inJSON: Bool = true) throws {
    sawFailure = true
    let error = error.located(in: .init(file: file))
    failure = error
    try message("error", error.description)
    if isJSON, inJSON {
      try line(.object([("file", .string(error.place.file ?? file)), ("error", JSON(error))]))
    }
  }

  /// Says how all went, where a person may want it.
  func summarize(_ text: String) throws { try? Stream.error.line("tensorio: \(text)") }

  /// Whether GitHub's runner reads along, which takes `##[` anywhere in a line for a command.
  var isForGitHub = false

  private func message(_ kind: String, _ text: String) throws {
    let text = isForGitHub ? text.replacing("##[", with: "## [") : text
    let message = Message(kind: kind, text: text)
    if isCollecting { collected.append(message) } else { message.print() }
  }

  /// Runs `body` for each file; one that fails does not keep the others from their turn.
  func forEach(_ files: [String], _ body: (String) throws -> Void) throws {
    for file in files {
      do {
        try Self.requireText(file)
        try body(file)
      } catch let error as TensorIOError {
        try fail(error, file: file)
      }
    }
  }

  /// Swift decodes arguments leniently; opening another name than was given must not happen.
  static func requireText(_ file: String) throws(TensorIOError) {
    guard !file.unicodeScalars.contains("\u{FFFD}"), !file.utf8.contains(0) else {
      throw TensorIOError(
        .invalidArgument, "the path is not UTF-8; rename the file, or link to it")
    }
  }

  /// Ends the command with the status that is due.
  func finish() throws {
    if Signals.isInterrupted { throw ExitCode(130) }
    if isLenient { return }
    if sawFailure { throw ExitCode(2) }
    if sawFinding { throw ExitCode(1) }
  }
}

extension JSON {
  init(_ error: TensorIOError) {
    self = .object([
      ("code", .string(error.code.rawValue)), ("reason", .string(error.reason)),
      ("member", .optional(error.place.member)), ("tensor", .optional(error.place.tensor)),
      ("offset", error.place.offset.map { .int($0) } ?? .null),
    ])
  }

  /// - Parameter file: the file of the finding, where the object around it does not say.
  init(_ finding: Finding, of file: String? = nil) {
    self = .object(
      (file.map { [("file", .string($0))] } ?? []) + [
        ("code", .string(finding.code.rawValue)), ("message", .string(finding.message)),
        ("member", .optional(finding.member)), ("tensor", .optional(finding.tensor)),
        ("offset", finding.offset.map { .int($0) } ?? .null),
      ])
  }

  init(_ loss: Loss) {
    self = .object([
      ("kind", .string(loss.kind.rawValue)), ("name", .string(loss.name)),
      ("message", .string(loss.message)),
    ])
  }
}

extension ParsableArguments {
  /// Runs a command's work and turns what escapes it into the documented exit status.
  func reporting(isJSON: Bool, _ body: (Report) throws -> Void) throws {
    let report = Report(isJSON: isJSON)
    do {
      try body(report)
      try report.finish()
    } catch let error as TensorIOError {
      try? Stream.error.line("tensorio: error: \(error)")
      throw ExitCode(2)
    } catch let error as StreamError {
      try? Stream.error.line("tensorio: error: \(error)")
      throw ExitCode(2)
    }
  }
}
