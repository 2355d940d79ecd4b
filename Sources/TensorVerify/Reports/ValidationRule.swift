public import ByteIO

/// What a code of a finding or error means, and what to do about it.
public struct ValidationRule: Sendable {
  /// How much a rule's finding weighs in reports; the raw values are SARIF's.
  ///
  /// The exit status does not look at it: every finding keeps a file from being clean.
  public enum Level: String, Sendable, CaseIterable {
    /// The file does harm, or could not be read.
    case error
    /// Readers may differ on what the file says, or something in it is left out.
    case warning
    /// An oddity without consequences.
    case note
  }

  /// The code, as in messages and JSON.
  public let id: String
  /// How much it weighs.
  public let level: Level
  /// One sentence on what was found.
  public let meaning: String
  /// One sentence on what to do about it.
  public let mend: String

  init(_ id: String, _ level: Level, _ meaning: String, _ mend: String) {
    self.id = id
    self.level = level
    self.meaning = meaning
    self.mend = mend
  }

  /// The rules of all findings, then those of all errors.
  public static let all: [ValidationRule] =
    Finding.Code.allCases.map(\.rule) + TensorIOError.Code.allCases.map(\.rule)
}

extension TensorIOError.Code {
  /// What the code means.
  public var rule: ValidationRule {
    let (meaning, mend) = text
    return ValidationRule(rawValue, .error, meaning, mend)
  }

  private var text: (meaning: String, mend: String) {
    switch self {
    case .malformed:
      (
        "The file breaks its own format, or ends too early.",
        "Save or fetch the file again; tensorio salvage may rescue what is intact."
      )
    case .unsupported:
      (
        "The file is legal, and tensorio does not read a part of its format.",
        "Save the data in another form; the message names the part."
      )
    case .limit:
      (
        "The file asks for more memory, nesting or parts than the limits allow.",
        "Raise the limit that the message names with --limit if you trust the file."
      )
    case .invalidArgument:
      (
        "What was asked for does not exist or does not fit.",
        "Change the command line as the message says."
      )
    case .lossy:
      (
        "The target cannot hold what the source says, and losses were refused.",
        "Choose another target, or allow the losses."
      )
    case .device:
      ("A device is missing or failed.", "Check the driver and the device, or work on the CPU.")
    case .io:
      (
        "The operating system refused a call: a file does not exist, or may not be read.",
        "Check the path, the permissions and the disk."
      )
    }
  }
}
