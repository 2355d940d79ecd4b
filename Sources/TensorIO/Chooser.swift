internal import Glibc

/// Goes along with a walk and knows which values an edit chooses.
struct Chooser {
  private let edit: ArchiveEdit
  private var usedIncludes: [Bool]
  private var usedExcludes: [Bool]
  private var usedRenames: [Bool]
  /// For the containers that lead to the last step, outermost first.
  private var outer: [(isIncluded: Bool, isExcluded: Bool)] = []
  private var matcher: RuleMatcher
  private var renamer: Renamer
  /// The number of the first rename for a name.
  private let renames: [ByteKey: Int]

  init(_ edit: ArchiveEdit, _ rules: ConversionRules = ConversionRules()) {
    self.edit = edit
    renamer = Renamer(edit.renamePatterns)
    renames = Dictionary(
      edit.renames.enumerated().map { (ByteKey($1.old), $0) }, uniquingKeysWith: min)
    matcher = RuleMatcher(rules)
    usedIncludes = edit.include.map { _ in false }
    usedExcludes = edit.exclude.map { _ in false }
    usedRenames = edit.renames.map { _ in false }
  }

  /// Whether the value at the last step of the walk is chosen; to be asked at every step.
  /// - Parameter merged: the name that the value gets, where it is another than that in the file.
  /// - Throws: `invalidArgument` when rules for dtypes contradict each other.
  mutating func isChosen(
    _ walk: GraphWalk, _ step: GraphWalk.Step, merged: String? = nil
  ) throws(TensorIOError) -> Bool {
    let isChosen = choose(walk, step, merged)
    try matcher.visit(walk, step, merged: merged, isChosen: isChosen)
    return isChosen
  }

  private mutating func choose(
    _ walk: GraphWalk, _ step: GraphWalk.Step, _ merged: String?
  ) -> Bool {
    if edit.include.isEmpty && edit.exclude.isEmpty { return true }
    outer.removeLast(outer.count - walk.depth)
    var choice = outer.last ?? (edit.include.isEmpty, false)
    // The outermost container has no name.
    if walk.depth > 0 || step.isLeaf {
      let names = Self.names(at: walk).map(\.name) + [merged].compactMap { $0 }
      // All are asked, so that each that matches anything counts as used.
      for (index, pattern) in edit.include.enumerated() where Self.matches(pattern, names) {
        usedIncludes[index] = true
        choice.isIncluded = true
      }
      for (index, pattern) in edit.exclude.enumerated() where Self.matches(pattern, names) {
        usedExcludes[index] = true
        choice.isExcluded = true
      }
    }
    outer.append(choice)
    return choice.isIncluded && !choice.isExcluded
  }

  /// The new name of the value at the last step, with the old one as the user gave it and the folder
  /// that lies in.
  mutating func rename(
    at walk: GraphWalk, merged: String? = nil
  ) throws(TensorIOError) -> (old: String, new: String, folder: String)? {
    if renames.isEmpty, edit.renamePatterns.isEmpty { return nil }
    let own = Self.names(at: walk)
    let names = own + [merged].compactMap { $0 }.map { ($0, "") }
    let wishes = names.compactMap { name in renames[ByteKey(name.name)].map { ($0, name.folder) } }
    if let (index, folder) = wishes.min(by: { $0.0 < $1.0 }) {
      usedRenames[index] = true
      return (edit.renames[index].old, edit.renames[index].new, folder)
    }
    for name in merged.map({ [($0, "")] }) ?? own {
      guard let new = try renamer.apply(to: name.0) else { continue }
      // A name that stays may lie where nothing can be renamed.
      return new.utf8.elementsEqual(name.0.utf8) ? nil : (name.0, new, name.1)
    }
    return nil
  }

  /// The dtypes that rules want for the tensors of the last file.
  mutating func takeTargets() -> ConversionTargets { matcher.takeTargets() }

  /// - Throws: `invalidArgument` naming a pattern, an old name or a rule that matched nothing.
  func requireMatches() throws(TensorIOError) {
    let patterns = zip(edit.include + edit.exclude, usedIncludes + usedExcludes)
    for (pattern, isUsed) in patterns where !isUsed {
      throw .invalidArgument(
        "no name matches the pattern '\(pattern.escapedForDisplay)'; ls --tree shows all names")
    }
    for (rename, isUsed) in zip(edit.renames, usedRenames) where !isUsed {
      throw .invalidArgument(
        "no tensor or value to rename is called '\(rename.old.escapedForDisplay)'")
    }
    for (pattern, isUsed) in zip(edit.renamePatterns, renamer.isUsed) where !isUsed {
      throw .invalidArgument(
        "no name matches the regular expression '\(pattern.regex.escapedForDisplay)'; ls --tree "
          + "shows all names")
    }
    try matcher.requireMatches()
  }

  /// The names of a value, each with that of the folder it is in, a dot behind.
  static func names(at walk: GraphWalk) -> [(name: String, folder: String)] {
    func joined(_ path: [String]) -> (name: String, folder: String) {
      (path.joined(separator: "."), path.dropLast().map { $0 + "." }.joined())
    }
    let (path, short) = (walk.path, walk.shortPath)
    return path.count == short.count ? [joined(path)] : [joined(path), joined(short)]
  }

  /// Whether a shell pattern matches one of some names.
  static func matches(_ pattern: String, _ names: [String]) -> Bool {
    names.contains { unsafe fnmatch(pattern, $0, 0) == 0 }
  }
}

extension String {
  /// The text as a shell pattern that matches it alone.
  package var escapedForPatterns: String {
    var text = ""
    for character in self {
      if "*?[\\".contains(character) { text.append("\\") }
      text.append(character)
    }
    return text
  }
}
