internal import ArgumentParser
internal import TensorIO

/// How a file is read: limits, and what raw bytes mean.
///
/// Shared by all commands that make tensors.
struct ReadingFlags: ParsableArguments {
  @Option(
    name: .customLong("void-as"),
    help: ArgumentHelp(
      "Read NumPy's raw bytes of the same size as this dtype. Repeatable.", valueName: "dtype"))
  var rawTypes: [String] = []

  @OptionGroup var limits: LimitFlags

  @Flag(
    name: .customLong("ignore-ties"),
    help: "Take tensors of safetensors files as they are, though the metadata says that they share."
  )
  var ignoresTies = false

  @Option(
    help: ArgumentHelp(
      "Read the strings of Python 2 in pickles as auto (text where they are UTF-8), latin1 or bytes.",
      valueName: "encoding"),
    transform: choice("--encoding"))
  var encoding = LegacyEncoding.automatic

  @Option(
    help: ArgumentHelp(
      "Take only this part: a key, or keys and indexes joined with dots.", valueName: "path"))
  var select: String?

  func validate() throws { _ = try options() }

  /// The part of an archive that is asked for.
  func part(of archive: TensorArchive) throws(TensorIOError) -> TensorArchive {
    guard let select else { return archive }
    return try archive.selecting(select)
  }

  /// The reading options of the library.
  func options() throws -> ReadingOptions {
    var options = ReadingOptions()
    for name in rawTypes {
      guard let dtype = DType(name: name), dtype.bitWidth % 8 == 0, dtype != .object else {
        throw ValidationError("'\(name)' is no dtype; write it like bfloat16 or float8_e4m3fn")
      }
      options.rawTypes[dtype.bitWidth / 8] = dtype
    }
    options.limits = try limits.limits()
    options.legacyEncoding = encoding
    options.restoresTies = !ignoresTies
    return options
  }
}

/// What a file may cost.
struct LimitFlags: ParsableArguments {
  @Option(
    name: .customLong("limit"),
    help: ArgumentHelp(
      """
      Set a limit: headerBytes, memberCount, objectCount, nestingDepth, decodedBytes or \
      expandedBytes; numbers take K, M, G, T. Repeatable.
      """, valueName: "name=value"))
  var settings: [String] = []

  func validate() throws { _ = try limits() }

  /// The limits of the library with those that were set.
  func limits() throws -> DecodingLimits {
    var limits = DecodingLimits()
    for text in settings { try Self.apply(text, to: &limits) }
    return limits
  }

  private static func apply(_ text: String, to limits: inout DecodingLimits) throws {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, let value = size(parts[1]) else {
      throw ValidationError("--limit wants NAME=VALUE with a whole number, not '\(text)'")
    }
    switch parts[0] {
    case "headerBytes": limits.headerBytes = value
    case "objectCount": limits.objectCount = value
    case "memberCount": limits.memberCount = value
    case "nestingDepth": limits.nestingDepth = min(value, DecodingLimits.unlimited.nestingDepth)
    case "decodedBytes": limits.decodedBytes = value
    case "expandedBytes": limits.expandedBytes = value
    default: throw ValidationError("there is no limit '\(parts[0])'")
    }
  }

  /// A number with an optional binary suffix: `64M`.
  private static func size(_ text: String) -> Int? {
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
    let shift = text.last.flatMap { shifts[Character($0.uppercased())] }
    guard let number = Int(shift == nil ? text : String(text.dropLast())), number >= 0 else {
      return nil
    }
    let (value, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    return overflow ? nil : value
  }
}

/// The files a command works on.
struct InputFiles: ParsableArguments {
  @Argument(help: "Files to read.", completion: .file())
  var files: [String] = []

  @Option(
    name: .customLong("files-from"),
    help: ArgumentHelp(
      "Read more file names from this file, - for standard input; ended by line ends or NULs.",
      valueName: "list"))
  var filesFrom: String?

  func validate() throws {
    if files.isEmpty, filesFrom == nil { throw ValidationError("no input files") }
  }

  /// All names.
  /// - Throws: a usage error when there are none.
  func paths() throws -> [String] {
    let paths = files + (try filesFrom.map(Self.lines) ?? [])
    guard !paths.isEmpty else { throw ValidationError("no input files") }
    return paths
  }

  static func lines(of path: String) throws -> [String] {
    let bytes = try FileList.read(path)
    // `find -print0` ends names with NUL, everything else with a line end.
    let separator: UInt8 = bytes.contains(0) ? 0 : 0x0a
    return bytes.split(separator: separator).compactMap { line in
      let name = separator == 0x0a && line.last == 0x0d ? line.dropLast() : line
      return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }
  }
}

/// Takes one of some words.
func choice<Choice: RawRepresentable<String> & CaseIterable & SendableMetatype>(
  _ flag: String
) -> @Sendable (String) throws -> Choice {
  { text in
    if let choice = Choice(rawValue: text) { return choice }
    let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("\(flag) is one of \(words), not '\(text)'")
  }
}
