internal import Glibc

/// Which tensors of an archive to keep, and under what names.
public struct ArchiveEdit: Sendable {
  /// Shell patterns of names to keep; empty keeps all.
  public var include: [String] = []
  /// Shell patterns of names to drop; they win over `include`.
  public var exclude: [String] = []
  /// New names by old ones.
  public var renames: [(old: String, new: String)] = []

  /// An edit that changes nothing.
  public init() {}

  private var isIdentity: Bool { include.isEmpty && exclude.isEmpty && renames.isEmpty }

  /// The archive with the edit made.
  /// - Throws: `invalidArgument` when a pattern or an old name matches nothing, or two values end
  ///   under one name.
  public func applied(to archive: TensorArchive) throws(TensorIOError) -> TensorArchive {
    if isIdentity { return archive }
    let all = archive.namedValues
    for pattern in include + exclude where !all.contains(where: { matches(pattern, $0.name) }) {
      throw .invalidArgument("no name matches the pattern '\(pattern.escapedForDisplay)'")
    }
    var unused = renames.map(\.old)
    let kept = all.filter { keeps($0.name) }.map { value in
      guard let rename = renames.first(where: { $0.old.utf8.elementsEqual(value.name.utf8) })
      else { return value }
      unused.removeAll { $0 == rename.old }
      return (name: rename.new, node: value.node)
    }
    if let missing = unused.first {
      throw .invalidArgument("no tensor to rename is called '\(missing.escapedForDisplay)'")
    }
    return try TensorArchive.merging([kept], findings: archive.findings)
  }

  private func keeps(_ name: String) -> Bool {
    (include.isEmpty || include.contains { matches($0, name) })
      && !exclude.contains { matches($0, name) }
  }

  private func matches(_ pattern: String, _ name: String) -> Bool {
    unsafe fnmatch(pattern, name, 0) == 0
  }
}

extension TensorArchive {
  /// A value with the name that a flat format gives it.
  typealias NamedValue = (name: String, node: ValueGraph.Node)

  /// Tensors, then other values, under their names.
  var namedValues: [NamedValue] {
    entries.map { ($0.name, .tensor($0.tensor)) }
      + otherValues.map { ($0.path.joined(separator: "."), $0.node) }
  }

  /// One archive of the values of several.
  static func merging(
    _ parts: [[NamedValue]], findings: [Finding]
  ) throws(TensorIOError) -> TensorArchive {
    var names: Set<[UInt8]> = []
    for value in parts.joined() where !names.insert(Array(value.name.utf8)).inserted {
      throw .invalidArgument(
        "two values would be called '\(value.name.escapedForDisplay)'; rename one")
    }
    return try TensorArchive(
      ValueGraph(dictionary: parts.flatMap { $0 }.map { ($0.name, $0.node) }), findings: findings,
      limits: .unlimited)
  }

  /// One archive of the contents of several files.
  ///
  /// An array without a name gets that of its file, less the ending; the arrays of one npy file get
  /// its name and their number.
  public init(merging files: [(name: String, archive: TensorArchive)]) throws(TensorIOError) {
    let parts = files.map { file in
      let stem = Self.withoutEnding(file.name)
      let needsStem =
        file.archive.format.flatMap { FormatRegistry.format(id: $0) }
        .map { !$0.descriptor.holdsMany } ?? false
      return file.archive.namedValues.map { value -> NamedValue in
        guard needsStem else { return value }
        return (value.name.isEmpty ? stem : "\(stem).\(value.name)", value.node)
      }
    }
    self = try .merging(parts, findings: files.flatMap(\.archive.findings))
  }

  /// A name without the ending of a known format.
  private static func withoutEnding(_ name: String) -> String {
    guard let ending = FormatRegistry.endings.first(where: { name.lowercased().hasSuffix($0) })
    else {
      return name
    }
    return String(name.dropLast(ending.count))
  }

  /// The archive with every tensor as the target can take it: detached and tagged `cpu` where the
  /// target knows neither.
  ///
  /// ``losses(writingTo:)`` of the original says what that drops.
  public func untagged() throws(TensorIOError) -> TensorArchive {
    guard entries.contains(where: { $0.tensor.requiresGrad || $0.tensor.device != .cpu }) else {
      return self
    }
    let values = values.mapTensors { $0.tagged(device: .cpu, requiresGrad: false) }
    return try replacing(values)
  }
}
