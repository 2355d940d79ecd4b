internal import ByteIO
internal import Synchronization
public import TensorIO

/// How the contents of two files differ.
///
/// Tensors belong together that have the same name, or the same in a `state_dict()`; a lone tensor on
/// each side whatever their names. Formats, byte orders and strides make no difference.
public struct ArchiveDifference: Sendable {
  /// Every tensor of both files: in the order of the left, then those on the right alone.
  public let tensors: [TensorDifference]
  /// The values that differ, in the same order.
  public let values: [ValueDifference]

  /// Compares two archives, in bounded memory, whatever their size.
  /// - Parameters:
  ///   - left: one archive.
  ///   - right: the other, which tolerances and relative errors refer to.
  ///   - options: which tensors are compared, and how.
  ///   - leftFile: the path of the one, for errors.
  ///   - rightFile: the path of the other, for errors.
  /// - Throws: `invalidArgument` for a pattern or an old name that matches nothing; `limit` for too many
  ///   values; what reading bytes among the values throws. A tensor that cannot be read is a
  ///   ``TensorDifference/Status/failed`` one.
  public init(
    between left: TensorArchive, and right: TensorArchive,
    options: DifferenceOptions = DifferenceOptions(), leftFile: String? = nil,
    rightFile: String? = nil
  ) throws(TensorIOError) {
    var filter = NameFilter(options)
    let entries = Self.chosen(left, &filter)
    let others = Self.chosen(right, &filter)
    let pairs = Self.pairs(entries, others, &filter)
    let comparison = PairedTensors(
      left: (left, entries, leftFile), right: (right, others, rightFile), options: options)
    let values =
      options.comparesValues
      ? try Self.values(left, right, &filter, options, leftFile, rightFile) : []
    if !options.comparesValues {
      // Patterns about values alone are of use all the same.
      for archive in [left, right] {
        for value in archive.otherValues { _ = filter.isChosen(value.path, value.stateDictPath) }
      }
    }
    try filter.requireMatches()
    self.values = values
    tensors = comparison.compare(pairs)
  }

  /// How many tensors have a status.
  public func count(of status: TensorDifference.Status) -> Int {
    tensors.count { $0.status == status }
  }

  /// Whether nothing counts as a difference.
  public var isSame: Bool { values.isEmpty && !tensors.contains(where: \.isDifference) }

  private static func chosen(
    _ archive: TensorArchive, _ filter: inout NameFilter
  ) -> [TensorArchive.Entry] {
    archive.entries.filter { entry in
      let short =
        entry.stateDictName.utf8.count == entry.name.utf8.count
        ? entry.path : entry.stateDictName.split(separator: ".").map(String.init)
      return filter.isChosen(entry.path, short)
    }
  }

  private static func pairs(
    _ left: [TensorArchive.Entry], _ right: [TensorArchive.Entry], _ filter: inout NameFilter
  ) -> [(left: Int?, right: Int?)] {
    let names = left.map { entry in
      filter.renamed(ValueNames(full: entry.name, short: entry.stateDictName))
    }
    if left.count == 1, right.count == 1 { return [(0, 0)] }
    return NamePairs(
      names, right.map { ValueNames(full: $0.name, short: $0.stateDictName) }
    ).pairs
  }

  private static func values(
    _ left: TensorArchive, _ right: TensorArchive, _ filter: inout NameFilter,
    _ options: DifferenceOptions, _ leftFile: String?, _ rightFile: String?
  ) throws(TensorIOError) -> [ValueDifference] {
    func listed(
      _ archive: TensorArchive, _ file: String?
    ) throws(TensorIOError) -> [ListedValues.Item] {
      try locating(.init(file: file)) { () throws(TensorIOError) in
        try ListedValues(archive, options.limits).items
      }
    }
    let items = try listed(left, leftFile).filter { filter.isChosen($0.path, $0.shortPath) }
    let others = try listed(right, rightFile).filter { filter.isChosen($0.path, $0.shortPath) }
    let names = items.map { filter.renamed($0.names) }
    var found: [ValueDifference] = []
    for (one, other) in NamePairs(names, others.map(\.names)).pairs {
      let (item, partner) = (one.map { items[$0] }, other.map { others[$0] })
      if let item, let partner, try item.content.isSame(as: partner.content, options) { continue }
      found.append(
        ValueDifference(
          name: partner?.names.full ?? item?.names.full ?? "", left: item?.content.text,
          right: partner?.content.text))
    }
    return found
  }
}

/// Compares pairs of tensors, several at a time.
private struct PairedTensors {
  let left: (archive: TensorArchive, entries: [TensorArchive.Entry], file: String?)
  let right: (archive: TensorArchive, entries: [TensorArchive.Entry], file: String?)
  let options: DifferenceOptions

  /// From here on, all cores go together at one pair where that is possible.
  private static let largeBytes = 2 << 20
  /// Each takes a few MiB while it streams.
  private static let mostWorkers = 8

  func compare(_ pairs: [(left: Int?, right: Int?)]) -> [TensorDifference] {
    let results = ResultSlots<TensorDifference?>(count: pairs.count, initial: nil)
    var small: [Int] = []
    for (index, pair) in pairs.enumerated() {
      if isLarge(pair) {
        results[index] = compare(pair)
      } else {
        small.append(index)
      }
    }
    let rest = small
    let next = Atomic<Int>(0)
    // Nothing is thrown: what fails is a status.
    try? Parallel.forEach(min(rest.count, Self.mostWorkers)) { (_) throws(TensorIOError) in
      while true {
        let position = next.add(1, ordering: .relaxed).oldValue
        guard position < rest.count else { return }
        results[rest[position]] = compare(pairs[rest[position]])
      }
    }
    return withAliases(results.all.compactMap { $0 }).map(judged)
  }

  private func isLarge(_ pair: (left: Int?, right: Int?)) -> Bool {
    guard let one = pair.left.map({ left.entries[$0].tensor }),
      let other = pair.right.map({ right.entries[$0].tensor })
    else { return false }
    return one.hasParts && other.hasParts && max(one.byteCount, other.byteCount) >= Self.largeBytes
  }

  private func compare(_ pair: (left: Int?, right: Int?)) -> TensorDifference {
    switch (pair.left.map { left.entries[$0] }, pair.right.map { right.entries[$0] }) {
    case (let one?, let other?):
      TensorDifference(
        (one, left.archive, left.file), (other, right.archive, right.file), options)
    case (let one, nil): TensorDifference(one, nil, .onlyLeft)
    case (nil, let other): TensorDifference(nil, other, .onlyRight)
    }
  }

  /// Adds to the layouts which tensors share their storage on one side and not on the other.
  private func withAliases(_ differences: [TensorDifference]) -> [TensorDifference] {
    var first: [ObjectIdentifier: String] = [:]
    var otherFirst: [ObjectIdentifier: String] = [:]
    return differences.map { difference in
      guard let one = difference.left, let other = difference.right else { return difference }
      // Both sides call the pair by one name.
      func partner(
        _ tensor: Tensor, _ first: inout [ObjectIdentifier: String]
      ) -> String? {
        let storage = ObjectIdentifier(tensor.storage)
        if let name = first[storage] { return name }
        first[storage] = difference.name
        return nil
      }
      let (shared, otherShared) = (partner(one.tensor, &first), partner(other.tensor, &otherFirst))
      guard shared != otherShared else { return difference }
      var changed = difference
      func text(_ name: String?) -> String { name.map { "'\($0)'" } ?? "none before it" }
      changed.layout.append("shares the storage of \(text(shared)) / \(text(otherShared))")
      return changed
    }
  }

  /// Whether it counts.
  private func judged(_ difference: TensorDifference) -> TensorDifference {
    var judged = difference
    let isAccepted =
      switch difference.status {
      case .equal: true
      case .close: options.tolerances != .exact
      default: false
      }
    judged.isDifference = !isAccepted || options.isLayoutStrict && !difference.layout.isEmpty
    return judged
  }
}
