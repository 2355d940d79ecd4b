internal import ArgumentParser
internal import TensorIO
internal import TensorVerify

/// What is compared, and what counts.
struct DiffFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp("Numbers are close within this share of the right one.", valueName: "r"))
  var rtol: Double?

  @Option(help: ArgumentHelp("Numbers are close within this distance.", valueName: "a"))
  var atol: Double?

  @Option(
    help: ArgumentHelp("Floats are close within so many units in the last place.", valueName: "n"))
  var ulp: Double?

  @Flag(help: "Take the default tolerances of torch.testing.assert_close, by dtype.")
  var close = false

  @Flag(help: "NaNs with other bits are close; those with the same bits always are.")
  var equalNan = false

  @Flag(help: "The same numbers in another dtype are equal.")
  var ignoreDtype = false

  @Flag(
    help: "Device tags, requires_grad, strides, byte orders and sharing of storages count, too.")
  var strictLayout = false

  @Flag(help: "Leave out values that are no tensors: numbers, texts, bytes.")
  var tensorsOnly = false

  @Option(help: ArgumentHelp("Compare only names that match. Repeatable.", valueName: "glob"))
  var include: [String] = []

  @Option(help: ArgumentHelp("Leave out names that match. Repeatable.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "What is OLD on the left is NEW on the right; 'a.*=b.*' is for all that begins so. Repeatable.",
      valueName: "old=new"))
  var rename: [String] = []

  @Option(
    name: .customLong("rename-from"),
    help: ArgumentHelp(
      "Read more OLD=NEW from this file, - for standard input; ended by line ends or NULs.",
      valueName: "list"))
  var renameFrom: String?

  func validate() throws {
    for (name, value) in [("rtol", rtol), ("atol", atol), ("ulp", ulp)] {
      guard let value else { continue }
      guard value >= 0, value.isFinite else {
        throw ValidationError("--\(name) takes a number from 0, not \(value)")
      }
      if close { throw ValidationError("--close has tolerances of its own; leave --\(name) out") }
    }
    _ = try Self.renames(rename)
  }

  /// The options of the library, but for limits.
  func options() throws -> DifferenceOptions {
    var options = DifferenceOptions()
    if close {
      options.tolerances = .standard(equalNaN: equalNan)
    } else if rtol != nil || atol != nil || ulp != nil || equalNan {
      options.tolerances = .uniform(
        Tolerance(relative: rtol ?? 0, absolute: atol ?? 0, ulps: ulp ?? 0, equalNaN: equalNan))
    }
    options.ignoresDType = ignoreDtype
    options.isLayoutStrict = strictLayout
    options.comparesValues = !tensorsOnly
    options.include = include
    options.exclude = exclude
    options.renames = try Self.renames(rename + (renameFrom.map(InputFiles.lines) ?? []))
    return options
  }

  private static func renames(_ texts: [String]) throws -> [(old: String, new: String)] {
    try texts.map { text in
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw ValidationError("--rename wants OLD=NEW, not '\(text)'") }
      return (String(parts[0]), String(parts[1]))
    }
  }
}
