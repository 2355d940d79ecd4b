internal import ByteIO
internal import TensorIO

/// Compares an archive with what a format without nesting made of it: tensors under the names that
/// their paths become, and bytes under a name alone.
///
/// What lies in containers is lost with them where its own difference says so; of containers
/// themselves only those count that have no such contents, and attributes.
struct FlatComparison {
  private let left: TensorArchive
  private let right: TensorArchive
  private let options: ArchiveComparison.Options

  init(_ left: TensorArchive, _ right: TensorArchive, _ options: ArchiveComparison.Options) {
    self.left = left
    self.right = right
    self.options = options
  }

  /// Compares all but the tensors themselves.
  /// - Returns: the tensors that go together.
  mutating func compare(_ notes: inout DifferenceNotes) throws(TensorIOError) -> [TensorPair] {
    let matching = matchNames(&notes)
    var classes = ClassLosses()
    var pairs: [TensorPair] = []
    for pair in matching.pairs {
      let (one, other) = (left.entries[pair.left], right.entries[pair.right])
      pairs.append(TensorPair(one.name, one.tensor, other.tensor))
      let (before, after) = (left.values.traits(of: one.id), right.values.traits(of: other.id))
      classes.note(before, after, one.name)
      if let before, !before.states.isEmpty, after?.states.isEmpty ?? true {
        notes.add(.attributes, one.name, "attributes", nil)
      }
      let elements = (before?.elements ?? [], after?.elements ?? [])
      if elements.0.isEmpty, elements.1.isEmpty { continue }
      // Each array has a pickle of its own.
      var graphs = GraphComparison(left.values, right.values, names: [])
      try graphs.compare(elements.0, elements.1, of: one.name, &notes)
    }
    for (type, name) in classes.found { notes.add(.classes, name, "\(type)", "the plain class") }
    try compareValues(&notes)
    if !left.isProgram {
      let start = notes.all.count
      compareRoots(&notes)
      try ContainerWalk(left).note(from: start, &notes)
    }
    return pairs
  }

  // MARK: Names

  private func matchNames(_ notes: inout DifferenceNotes) -> NameMatching {
    // A tensor without a path has no name; in a module, names are those of its state_dict().
    var matching = NameMatching(
      left.entries.map { $0.path.isEmpty ? "" : $0.stateDictName }, right.entries.map(\.name))
    for pair in matching.pairRenamed() {
      let (one, other) = (left.entries[pair.left], right.entries[pair.right])
      notes.add(.names, one.name, text(one.path), text(other.path))
    }
    NameComparison.note(matching, left.entries, right.entries, &notes)
    let oddKeys = oddKeys
    for pair in matching.pairs {
      let (one, other) = (left.entries[pair.left], right.entries[pair.right])
      guard ByteKey(one.stateDictName) == ByteKey(other.name) else { continue }
      // Names in a program are paths of attributes.
      if left.isProgram { continue }
      if one.path.count > 1, other.path.count <= 1 {
        notes.add(.nesting, one.name, text(one.path), text(other.path))
      } else if one.path.count == 1, let key = oddKeys[ByteKey(one.name)] {
        notes.add(.nesting, one.name, key, "text")
      }
    }
    return matching
  }

  private func text(_ path: [String]) -> String {
    path.isEmpty ? "no name" : path.map { "'\($0)'" }.joined(separator: " → ")
  }

  /// What the keys of the outermost dictionary are that are no texts, by the names they become.
  private var oddKeys: [ByteKey: String] {
    guard case .dictionary(let pairs) = left.values[left.values.root] else { return [:] }
    var keys: [ByteKey: String] = [:]
    for pair in pairs {
      if case .string = left.values[pair.key] { continue }
      keys[ByteKey(left.values.keyText(pair.key))] =
        ValueText.scalar(left.values[pair.key]) ?? left.values.kindText(of: pair.key)
    }
    return keys
  }

  // MARK: Other values

  private func compareValues(_ notes: inout DifferenceNotes) throws(TensorIOError) {
    var kept: [ByteKey: ValueGraph.Leaf] = [:]
    for value in right.otherValues { kept[ByteKey(value.path.joined(separator: "."))] = value }
    for value in left.otherValues {
      let name = value.path.joined(separator: ".")
      let before = ValueText.scalar(value.node) ?? left.values.kindText(of: value.id)
      guard let other = kept.removeValue(forKey: ByteKey(name)) else {
        notes.add(.values, name, before, nil)
        continue
      }
      if value.path.count > 1 { notes.add(.nesting, name, text(value.path), text(other.path)) }
      if case .bytes(let one) = value.node, case .bytes(let other) = other.node {
        if try ValueText.areEqual(one, other) { continue }
        notes.add(.values, name, "\(one.byteCount) bytes", "\(other.byteCount) other bytes")
      } else if let difference = ValueText.difference(
        value.id, left.values, other.id, right.values)
      {
        notes.add(.values, name, difference.left, difference.right)
      }
    }
    for value in kept.sorted(by: { $0.key.text < $1.key.text }).map(\.value) {
      notes.add(
        .values, value.path.joined(separator: "."), nil, right.values.kindText(of: value.id),
        isDeclarable: false)
    }
  }

  // MARK: The whole

  private func compareRoots(_ notes: inout DifferenceNotes) {
    let (one, other) = (left.values.root, right.values.root)
    guard left.values.children(of: one) != nil, !left.entries.isEmpty || !left.otherValues.isEmpty
    else { return }
    switch (left.values[one], right.values[other]) {
    case (.dictionary, _):
      guard let type = ValueText.type(left.values.traits(of: one)),
        type != GlobalName("collections", "OrderedDict")
      else { return }
      notes.add(.classes, "", "\(type)", "the plain class")
    case (.list, .list): return
    default:
      notes.add(.nesting, "", left.values.kindText(of: one), right.values.kindText(of: other))
    }
  }
}

/// Classes of tensors that are lost, each with the first tensor of it.
private struct ClassLosses {
  private(set) var found: [(type: GlobalName, name: String)] = []
  private var seen: Set<GlobalName> = []

  mutating func note(
    _ before: ValueGraph.Traits?, _ after: ValueGraph.Traits?, _ name: String
  ) {
    guard let type = Self.type(before), type != Self.type(after), seen.insert(type).inserted else {
      return
    }
    found.append((type, name))
  }

  /// The class, unless it says no more than that the value is an array.
  private static func type(_ traits: ValueGraph.Traits?) -> GlobalName? {
    guard let type = traits?.type, ValueText.type(traits) != nil else { return nil }
    let isArray = type.name == "ndarray" && type.module.split(separator: ".").first == "numpy"
    return isArray ? nil : type
  }
}
