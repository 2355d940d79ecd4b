internal import ByteIO
public import TensorIO

/// What a second archive has otherwise than a first: one that was written, and what was read back.
///
/// Values are walked without recursion, each once; memory goes with their number. Elements are
/// compared bit by bit while they are streamed.
public struct ArchiveComparison: Sendable {
  /// What the second archive is compared as.
  public struct Options: Sendable {
    /// Whether the second is of a format without nesting, in which names stand for paths.
    public var isFlat = false
    /// Whether byte orders count.
    public var comparesByteOrder = true
    /// What may be decoded or expanded.
    public var limits = DecodingLimits()

    /// Creates the documented defaults.
    public init() {}
  }

  /// The differences: what is about the whole, then tensor by tensor, then elements.
  public let differences: [ObservedDifference]

  /// Compares two archives.
  /// - Throws: what reading elements throws.
  public init(
    _ left: TensorArchive, _ right: TensorArchive, options: Options = Options()
  ) throws(TensorIOError) {
    var notes = DifferenceNotes()
    let pairs: [TensorPair]
    if options.isFlat {
      var flat = FlatComparison(left, right, options)
      pairs = try flat.compare(&notes)
    } else {
      NameComparison(left, right).compare(&notes)
      var graphs = GraphComparison(left.values, right.values, names: left.entries)
      try graphs.compare(left.values.root, right.values.root, &notes)
      pairs = graphs.tensors
      GlobalComparison.compare(left, right, &notes)
    }
    MetadataComparison.compare(left, right, &notes)
    for pair in pairs { pair.compareFacts(options, &notes) }
    SharingComparison(pairs, keepsStorages: !options.isFlat).compare(&notes)
    try TensorPair.compareElements(pairs, limits: options.limits, &notes)
    differences = notes.all
  }
}

/// The differences that were found so far.
struct DifferenceNotes {
  private(set) var all: [ObservedDifference] = []

  mutating func add(
    _ axis: ComparisonAxis, _ name: String, _ left: String?, _ right: String?,
    isDeclarable: Bool = true
  ) {
    all.append(
      ObservedDifference(axis, name, left?.cut, right?.cut, isDeclarable: isDeclarable))
  }
}

extension String {
  /// The text without what nobody would read.
  fileprivate var cut: String {
    utf8.count <= 160 ? self : String(prefix(80)) + "… (\(utf8.count) bytes)"
  }
}

/// Texts about the whole, whatever their order.
enum MetadataComparison {
  static func compare(
    _ left: TensorArchive, _ right: TensorArchive, _ notes: inout DifferenceNotes
  ) {
    func text(_ archive: TensorArchive) -> String {
      archive.notes.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ", ")
    }
    let (before, after) = (text(left), text(right))
    if before == after { return }
    notes.add(.metadata, "", before, after.isEmpty ? nil : after, isDeclarable: after.isEmpty)
  }
}

/// Classes and functions that the second archive names out of nowhere.
enum GlobalComparison {
  static func compare(
    _ left: TensorArchive, _ right: TensorArchive, _ notes: inout DifferenceNotes
  ) {
    let before = Set(left.globals.map(\.name.modern)).union(names(in: left.values))
    var seen: Set<GlobalName> = []
    for use in right.globals where use.verdict != .known && !before.contains(use.name.modern) {
      guard seen.insert(use.name).inserted else { continue }
      notes.add(.globals, "", nil, "\(use.name)", isDeclarable: false)
    }
  }

  /// What the values name, whatever is known of the file that they came from.
  private static func names(in values: ValueGraph) -> Set<GlobalName> {
    var names: Set<GlobalName> = []
    for id in values.reachable() {
      if let type = values.traits(of: id)?.type { names.insert(type.modern) }
      if case .object(let object) = values[id], case .global(let name) = object.origin {
        names.insert(name.modern)
      }
    }
    return names
  }
}
