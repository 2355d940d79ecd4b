internal import ArgumentParser
internal import TensorIO

/// `tensorio show`.
struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print tensors as PyTorch or NumPy prints them.",
    discussion: """
        tensorio show weights.npz fc1.weight --slice 0:3,-1

      A slice is written as in Python: one index or start:stop:step an axis, with commas between.
      """)

  @Argument(help: "The file.", completion: .file())
  var file: String

  @Argument(help: "The names of tensors; all when none is given.")
  var names: [String] = []

  @OptionGroup var reading: ReadingFlags

  @Option(help: ArgumentHelp("Print only this part.", valueName: "indexes"))
  var slice: String?

  func run() throws {
  }
}
