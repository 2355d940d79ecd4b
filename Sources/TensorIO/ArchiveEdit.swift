internal import Pickle
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
  /// - Parameter nested: whether values stay in the containers they lie in; otherwise the result is
  ///   one dictionary of names.
  /// - Throws: `invalidArgument` when a pattern or an old name matches nothing, two values end
  ///   under one name, or a value of a nested archive is no entry of a dictionary.
  public func applied(
    to archive: TensorArchive, nested: Bool = false
  ) throws(TensorIOError) -> TensorArchive {
    if isIdentity { return archive }
    let all = archive.namedValues
    for pattern in include + exclude where !all.contains(where: { matches(pattern, $0.name) }) {
      throw .invalidArgument("no name matches the pattern '\(pattern.escapedForDisplay)'")
    }
    for rename in renames
    where !all.contains(where: { isSame($0.name, rename.old) && keeps($0.name) }) {
      throw .invalidArgument("no tensor to rename is called '\(rename.old.escapedForDisplay)'")
    }
    if nested { return try nestedEdit(of: archive) }
    let kept = all.filter { keeps($0.name) }.map { value in
      (name: renames.first { isSame($0.old, value.name) }?.new ?? value.name, id: value.id)
    }
    return try TensorArchive.merging([(archive, kept)])
  }

  private func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
  }

  private func nestedEdit(of archive: TensorArchive) throws(TensorIOError) -> TensorArchive {
    var names: Set<[UInt8]> = []
    let values = try archive.values.editingLeaves(limits: .unlimited) {
      (leaf) throws(TensorIOError) in
      var name = leaf.path.joined(separator: ".")
      guard keeps(name) else { return .drop }
      var edit = ValueGraph.LeafEdit.keep
      if let rename = renames.first(where: { isSame($0.old, name) }) {
        let folder = leaf.path.dropLast().map { $0 + "." }.joined()
        guard rename.new.utf8.starts(with: folder.utf8) else {
          throw .invalidArgument(
            "'\(name.escapedForDisplay)' cannot move out of '\(folder.escapedForDisplay)'; a new "
              + "name begins with that")
        }
        name = rename.new
        edit = .rename(
          String(decoding: rename.new.utf8.dropFirst(folder.utf8.count), as: UTF8.self))
      }
      guard names.insert(Array(name.utf8)).inserted || edit == .keep else {
        throw .invalidArgument("two values would be called '\(name.escapedForDisplay)'; rename one")
      }
      return edit
    }
    return try archive.replacing(values)
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
  typealias NamedValue = (name: String, id: ValueGraph.ID)

  /// Tensors, then other values, under their names.
  var namedValues: [NamedValue] {
    entries.map { ($0.stateDictName, $0.id) }
      + otherValues.filter { !$0.isNestedBytes }.map { ($0.path.joined(separator: "."), $0.id) }
  }

  /// One archive of values of several.
  static func merging(
    _ parts: [(archive: TensorArchive, values: [NamedValue])]
  ) throws(TensorIOError) -> TensorArchive {
    var names: Set<[UInt8]> = []
    var graph = ValueGraph(.none)
    var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
    for part in parts {
      let joined = graph.join(part.archive.values)
      for value in part.values {
        guard names.insert(Array(value.name.utf8)).inserted else {
          throw .invalidArgument(
            "two values would be called '\(value.name.escapedForDisplay)'; rename one")
        }
        pairs.append((graph.add(.string(value.name)), joined.id(value.id)))
      }
    }
    graph.setRoot(graph.add(.dictionary(pairs)))
    return try TensorArchive(
      graph, findings: parts.flatMap(\.archive.findings), globals: parts.flatMap(\.archive.globals),
      limits: .unlimited)
  }

  /// The archive of a part: the value whose path, joined with dots, is `name`, and all it contains.
  /// - Throws: `invalidArgument` when there is no such value.
  public func selecting(_ name: String) throws(TensorIOError) -> TensorArchive {
    guard let id = try values.value(named: name, limits: .unlimited) else {
      throw .invalidArgument(
        "no value has the path '\(name.escapedForDisplay)'; ls --tree shows all paths")
    }
    var part = values
    part.setRoot(id)
    return try replacing(part)
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
      let values = file.archive.namedValues.map { value -> NamedValue in
        guard needsStem || value.name.isEmpty else { return value }
        return (value.name.isEmpty ? stem : "\(stem).\(value.name)", value.id)
      }
      return (archive: file.archive, values: values)
    }
    self = try .merging(parts)
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

extension TensorArchive {
  /// What becomes of nested values when they are written under one name each.
  public var flatteningLosses: [Loss] {
    var losses = entries.filter { $0.path.count > 1 }.map {
      Loss(.nesting, of: $0.name, "the nesting; the path becomes the name '\($0.stateDictName)'")
    }
    losses += otherValues.filter(\.isNestedBytes).map {
      Loss(.value, of: $0.path.joined(separator: "."), "bytes among nested values")
    }
    let attributes = values.reachable().count { !(values.traits(of: $0)?.states ?? []).isEmpty }
    if attributes > 0 {
      losses.append(
        Loss(.value, of: "", "the attributes of \(attributes) values, as _metadata is one"))
    }
    return losses
  }
}

extension ValueGraph.Leaf {
  /// Bytes that lie deeper than members of an archive can.
  fileprivate var isNestedBytes: Bool {
    if case .bytes = node { return path.count > 1 }
    return false
  }
}

extension TensorArchive {
  /// A class among the values that PyTorch loads only where it is told to trust the file: NumPy's,
  /// or one that stays inert here.
  public var firstForeignType: String? {
    for id in values.reachable() {
      guard let type = values.typeName(of: id) else { continue }
      if type.module.split(separator: ".").first == "numpy" || type.verdict == .inert {
        return "\(type)"
      }
    }
    return nil
  }
}
