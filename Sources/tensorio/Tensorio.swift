internal import ArgumentParser
internal import TensorIO

/// The command.
@main
struct Tensorio: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tensorio",
    abstract: "List, print, check and convert files of tensors without Python.",
    discussion: """
      Formats: \(FormatRegistry.descriptors.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")).
      They are told from the content of a file, not from its name.

      Exit status: 0 clean, 1 something was found (an odd file, no tensors), 2 a file could not be \
      read or written, 64 the command line is wrong.
      """,
    version: "0.1.0",
    subcommands: [Ls.self, Show.self, Stats.self, Hash.self, Convert.self])

  static func main() {
    Signals.install()
    main(nil)
  }
}
