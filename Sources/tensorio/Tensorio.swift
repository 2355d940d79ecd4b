internal import ArgumentParser
internal import TensorIO

/// The command.
@main
struct Tensorio: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "tensorio",
    abstract: "List, print, check, compare, convert and upload files of tensors without Python.",
    discussion: """
      Formats: \(FormatRegistry.descriptors.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")).
      They are told from the content of a file, not from its name.

      Exit status: 0 clean, 1 something odd or dangerous, differences, or no tensors where they were expected, 2 a file \
      could not be read or written, 64 the command line is wrong, 130 interrupted.
      """,
    version: version,
    subcommands: [
      Ls.self, Show.self, Stats.self, Hash.self, Convert.self, Append.self, Concat.self,
      RoundTripCommand.self,
      Validate.self,
      Diff.self, SalvageCommand.self, Scan.self,
      Head.self, Sample.self, Split.self, View.self,
      Upload.self, Devices.self,
    ])

  static func main() {
    Signals.install()
    var type: (any ParsableCommand.Type)?
    do {
      var command = try parseAsRoot()
      type = Swift.type(of: command)
      try command.run()
    } catch {
      end(with: error, of: type)
    }
  }

  /// Without a subcommand there is nothing to do, which is no success.
  func run() throws { throw ValidationError("name a subcommand; tensorio --help lists them") }

  /// What is wrong with a command line, found while its subcommand was running, ends with the
  /// usage of that; the parser would print the root's.
  private static func text(of error: any Error, _ type: (any ParsableCommand.Type)?) -> String {
    guard let type, type != Tensorio.self, let error = error as? ValidationError else {
      return fullMessage(for: error)
    }
    return "Error: \(error.message)\nUsage: \(usageString(for: type))\n"
      + "  See 'tensorio \(type._commandName) --help' for more information."
  }

  /// Prints help, a version or an error, and ends the process.
  private static func end(with error: any Error, of type: (any ParsableCommand.Type)?) -> Never {
    let status = exitCode(for: error).rawValue
    let lines = text(of: error, type).split(separator: "\n", omittingEmptySubsequences: false)
    // Errors quote the command line, which may hold anything.
    let text = lines.map { String($0).escapedForDisplay }.joined(separator: "\n")
    if !text.isEmpty {
      do {
        try (status == 0 ? Stream.output : Stream.error).line(text)
      } catch {
        Process.end(2)
      }
    }
    Process.end(status)
  }
}
