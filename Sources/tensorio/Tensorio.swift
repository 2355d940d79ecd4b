internal import ArgumentParser
internal import TensorIO

/// The command.
@main
struct Tensorio: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tensorio",
    abstract: "List, print, hash and convert files of tensors without Python.",
    discussion: """
      Formats: \(FormatRegistry.descriptors.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")).
      They are told from the content of a file, not from its name.

      Exit status: 0 clean, 1 ls, show, stats, hash or scan found something odd or dangerous, or no tensors, 2 a file \
      could not be read or written, 64 the command line is wrong, 130 interrupted.
      """,
    version: "0.1.0",
    subcommands: [Ls.self, Show.self, Stats.self, Hash.self, Convert.self, Scan.self])

  static func main() {
    Signals.install()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      end(with: error)
    }
  }

  /// Without a subcommand there is nothing to do, which is no success.
  func run() throws { throw ValidationError("name a subcommand; tensorio --help lists them") }

  /// Prints help, a version or an error, and ends the process.
  private static func end(with error: any Error) -> Never {
    let status = exitCode(for: error).rawValue
    let lines = fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
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
