internal import ArgumentParser
internal import TensorIO

/// What is left out and renamed.
struct EditFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Keep only names that match. Repeatable.", valueName: "glob"))
  var include: [String] = []

  @Option(help: ArgumentHelp("Leave out names that match. Repeatable.", valueName: "glob"))
  var exclude: [String] = []

  @Option(help: ArgumentHelp("Rename a tensor. Repeatable.", valueName: "old=new"))
  var rename: [String] = []

  @Option(
    name: .customLong("rename-regex"),
    help: ArgumentHelp(
      "Replace the first match in every name, as sed -E does: '^model\\.=' or 'h([0-9]+)=layer.\\1'. "
        + "Repeatable, one after the other.", valueName: "regex=template"))
  var renamePatterns: [String] = []

  func validate() throws {
    let renamed = rename.map { $0.prefix { $0 != "=" } }
    guard Set(renamed).count == renamed.count else {
      throw ValidationError("--rename names one tensor twice")
    }
    for text in rename where text.split(separator: "=", omittingEmptySubsequences: false).count != 2
    {
      throw ValidationError("--rename wants OLD=NEW, not '\(text)'")
    }
    do throws(TensorIOError) {
      _ = try patterns
    } catch {
      throw ValidationError("--rename-regex: \(error.reason)")
    }
  }

  private var patterns: [RenamePattern] {
    get throws(TensorIOError) {
      var patterns: [RenamePattern] = []
      for text in renamePatterns { patterns.append(try RenamePattern(text)) }
      return patterns
    }
  }

  /// The edit of the library.
  var edit: ArchiveEdit {
    get throws(TensorIOError) {
      var edit = ArchiveEdit()
      edit.include = include
      edit.exclude = exclude
      edit.renames = rename.map { text in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), String(parts[1]))
      }
      edit.renamePatterns = try patterns
      return edit
    }
  }
}
