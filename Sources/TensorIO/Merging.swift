/// A file that becomes part of an archive with one name for each value.
public struct MergeInput: Sendable {
  /// Its contents.
  public let archive: TensorArchive
  /// Its name, less the ending that of an array without one; nil leaves that nameless.
  public let name: String?
  /// What it is called in messages.
  public let path: String?

  /// Creates an input.
  public init(_ archive: TensorArchive, name: String? = nil, path: String? = nil) {
    self.archive = archive
    self.name = name
    self.path = path
  }
}

extension ArchiveEdit {
  /// What several files became.
  public struct Merged: Sendable {
    /// A dictionary of all that was chosen, tensors before other values of a file.
    public let archive: TensorArchive
    /// What of each file has no place in it.
    public let losses: [[Loss]]
    /// Where its tensors come from: the number of the file, and the value there.
    package let origins: [ValueGraph.ID: (file: Int, id: ValueGraph.ID)]
    /// The dtypes that rules want for its tensors.
    package let targets: ConversionTargets
  }

  /// One archive of what is chosen from several files, each value under one name.
  ///
  /// Tensors of whole modules get the names of the `state_dict()`. An array without a name gets that
  /// of its file, less the ending; the arrays of one npy file get that name and their number. Of a
  /// program of TorchScript the tensors are taken.
  /// - Parameters:
  ///   - files: the archives, in the order of their values in the result.
  ///   - keepingValues: whether the archive goes where values that are no tensors have a place.
  /// - Throws: `invalidArgument` when a pattern or an old name matches nothing, or two values end
  ///   under one name.
  public func merging(
    _ files: [MergeInput], keepingValues: Bool
  ) throws(TensorIOError) -> Merged {
    try merging(files, keepingValues: keepingValues, ConversionRules())
  }

  /// ``merging(_:keepingValues:)``, and the dtypes that rules want.
  /// - Throws: also `invalidArgument` for a rule that is about nothing, and for rules that want one
  ///   tensor in two ways.
  package func merging(
    _ files: [MergeInput], keepingValues: Bool, _ rules: ConversionRules
  ) throws(TensorIOError) -> Merged {
    var chooser = Chooser(self, rules)
    var targets: ConversionTargets = [:]
    var merger = Merger()
    var losses: [[Loss]] = []
    var origins: [ValueGraph.ID: (file: Int, id: ValueGraph.ID)] = [:]
    for (number, file) in files.enumerated() {
      var flattening = Flattening(file, keepsValues: keepingValues)
      try flattening.take(&chooser)
      losses.append(flattening.losses + merger.addMetadata(of: file.archive))
      let joined = try merger.add(flattening.tensors + flattening.others, of: file)
      for tensor in flattening.tensors { origins[joined.id(tensor.id)] = (number, tensor.id) }
      for (id, target) in chooser.takeTargets() { targets[joined.id(id)] = target }
    }
    try chooser.requireMatches()
    return Merged(
      archive: try merger.archive(), losses: losses, origins: origins, targets: targets)
  }
}

/// Joins values of several files in one dictionary.
private struct Merger {
  private var origins: [ByteKey: (file: MergeInput, path: [String])] = [:]
  private var graph = ValueGraph(.none)
  private var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
  private var findings: [Finding] = []
  private var globals: [GlobalUse] = []
  private var metadata: [(key: String, value: String)] = []
  private var texts: [ByteKey: String] = [:]

  mutating func add(
    _ values: [Flattening.Value], of file: MergeInput
  ) throws(TensorIOError) -> ValueGraph.Joined {
    let joined = graph.join(file.archive.values)
    for value in values {
      if let earlier = origins.updateValue((file, value.path), forKey: ByteKey(value.name)) {
        throw Self.conflict(value, file, earlier.file, earlier.path)
      }
      pairs.append((graph.add(.string(value.name)), joined.id(value.id)))
    }
    findings += file.archive.findings
    globals += file.archive.globals
    return joined
  }

  /// Takes the texts about the whole; of those under one key the first counts.
  /// - Returns: what is lost of others.
  mutating func addMetadata(of archive: TensorArchive) -> [Loss] {
    var losses: [Loss] = []
    for text in archive.metadata + (archive.isOfPyTorch ? [("format", "pt")] : []) {
      guard let known = texts[ByteKey(text.key)] else {
        texts[ByteKey(text.key)] = text.value
        metadata.append(text)
        continue
      }
      // Who wrote a file, the format says.
      if text.key == "format" || ByteKey(known) == ByteKey(text.value) { continue }
      losses.append(
        Loss(.metadata, of: "", "the metadata \(text.key), which another file has otherwise"))
    }
    return losses
  }

  mutating func archive() throws(TensorIOError) -> TensorArchive {
    graph.setRoot(graph.add(.dictionary(pairs)))
    return try TensorArchive(
      graph, findings: findings, globals: globals, metadata: metadata, limits: .unlimited)
  }

  /// Names both places, because the name alone does not tell which files they are in.
  private static func conflict(
    _ value: Flattening.Value, _ file: MergeInput, _ earlierFile: MergeInput, _ earlier: [String]
  ) -> TensorIOError {
    let name = value.name.escapedForDisplay
    let (one, other) = (earlierFile.path ?? "", file.path ?? "")
    guard one == other else {
      return .invalidArgument(
        "two values would be called '\(name)': of '\(one.escapedForDisplay)' and of "
          + "'\(other.escapedForDisplay)'; convert one of the files alone first, with --rename, or "
          + "leave both out with --exclude")
    }
    func text(_ path: [String]) -> String {
      path.map { "'\($0.escapedForDisplay)'" }.joined(separator: " → ")
    }
    // Keys with dots can make one name of two paths.
    let isOneName = earlier.joined(separator: ".") == value.path.joined(separator: ".")
    return .invalidArgument(
      "two values would be called '\(name)', those at \(text(earlier)) and \(text(value.path)); "
        + (isOneName ? "options cannot tell them apart: " : "rename one, or ")
        + "take a part of the file with --select")
  }
}

extension String {
  /// A name without the ending of a known format.
  package var withoutEnding: String {
    guard let ending = FormatRegistry.endings.first(where: { lowercased().hasSuffix($0) }) else {
      return self
    }
    return String(dropLast(ending.count))
  }
}
