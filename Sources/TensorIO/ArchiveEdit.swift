/// Which values of an archive to keep, and under what names.
///
/// A value has the name that `ls --tree` shows, keys and indexes joined with dots, and the one that
/// `state_dict()` of a whole module has for it; either will do. What holds for a container holds for
/// all that is in it.
public struct ArchiveEdit: Sendable {
  /// Shell patterns of names to keep; empty keeps all.
  public var include: [String] = []
  /// Shell patterns of names to drop; they win over `include`.
  public var exclude: [String] = []
  /// New names by old ones; only values that are no containers are renamed.
  public var renames: [(old: String, new: String)] = []
  /// Rules for names that `renames` has none for, applied one after the other; in a nested archive to
  /// the whole path, in others to the name that the value would get.
  public var renamePatterns: [RenamePattern] = []

  /// An edit that changes nothing.
  public init() {}

  /// Whether nothing is left out or renamed.
  public var isIdentity: Bool {
    include.isEmpty && exclude.isEmpty && renames.isEmpty && renamePatterns.isEmpty
  }

  /// The archive with the edit made.
  /// - Parameters:
  ///   - archive: what is edited.
  ///   - nested: whether values stay in the containers they lie in; otherwise the result is one
  ///     dictionary of names.
  /// - Throws: `invalidArgument` when a pattern or an old name matches nothing, two values end
  ///   under one name, or a value of a nested archive is no entry of a dictionary.
  public func applied(
    to archive: TensorArchive, nested: Bool = false
  ) throws(TensorIOError) -> TensorArchive {
    if isIdentity { return archive }
    guard nested else {
      return try merging([MergeInput(archive)], keepingValues: true).archive
    }
    return try applied(to: archive, ConversionRules()).archive
  }

  /// The archive with values left out and renamed where they lie, and the dtypes that rules want for
  /// its tensors.
  /// - Throws: also `invalidArgument` for a rule that is about nothing, and for rules that want one
  ///   tensor in two ways.
  package func applied(
    to archive: TensorArchive, _ rules: ConversionRules
  ) throws(TensorIOError) -> (archive: TensorArchive, targets: ConversionTargets) {
    if isIdentity, rules.isEmpty { return (archive, [:]) }
    var chooser = Chooser(self, rules)
    if isIdentity {
      // The limits were kept when the archive was made.
      var walk = GraphWalk(archive.values, limits: .unlimited)
      while let step = try walk.next() { _ = try chooser.isChosen(walk, step) }
      try chooser.requireMatches()
      return (archive, chooser.takeTargets())
    }
    let values = try archive.values.editing(limits: .unlimited) {
      (walk, step) throws(TensorIOError) in
      guard try chooser.isChosen(walk, step) else { return .drop }
      guard !step.hasContents, let rename = try chooser.rename(at: walk) else { return .keep }
      let folder = rename.folder
      guard rename.new.utf8.starts(with: folder.utf8) else {
        throw .invalidArgument(
          "'\(rename.old.escapedForDisplay)' cannot move out of '\(folder.escapedForDisplay)'; a new "
            + "name begins with that")
      }
      return .rename(String(decoding: rename.new.utf8.dropFirst(folder.utf8.count), as: UTF8.self))
    }
    try chooser.requireMatches()
    return (try archive.replacing(values), chooser.takeTargets())
  }
}

extension TensorArchive {
  /// The archive of a part: the value whose path, joined with dots, is `name`, and all it contains.
  /// - Throws: `invalidArgument` when there is no such value.
  public func selecting(_ name: String) throws(TensorIOError) -> TensorArchive {
    guard let id = try values.value(named: name, limits: .unlimited) else {
      throw .invalidArgument(
        "no value has the path '\(name.escapedForDisplay)'; ls --tree shows all paths")
    }
    return try part(id)
  }

  /// The archive of one value and all it contains.
  func part(_ id: ValueGraph.ID) throws(TensorIOError) -> TensorArchive {
    var part = values
    part.setRoot(id)
    return try replacing(part)
  }

  /// The archive with every tensor as the target can take it: detached and tagged `cpu` where the
  /// target knows neither.
  ///
  /// ``losses(writingTo:options:)`` of the original says what that drops.
  public func untagged() throws(TensorIOError) -> TensorArchive {
    guard entries.contains(where: { $0.tensor.requiresGrad || $0.tensor.device != .cpu }) else {
      return self
    }
    let values = values.mapTensors { $0.tagged(device: .cpu, requiresGrad: false) }
    return try replacing(values)
  }
}
