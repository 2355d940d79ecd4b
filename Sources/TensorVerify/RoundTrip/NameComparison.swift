internal import ByteIO
internal import TensorIO

/// Which of the names that were promised there are, and in which order.
struct NameMatching {
  /// Indexes of equal names.
  private(set) var pairs: [(left: Int, right: Int)] = []
  private(set) var missing: [Int] = []
  private(set) var extra: [Int] = []

  /// Of names that occur several times the first goes with the first.
  init(_ left: [String], _ right: [String]) {
    var places: [ByteKey: [Int]] = [:]
    for (index, name) in right.enumerated().reversed() {
      places[ByteKey(name), default: []].append(index)
    }
    for (index, name) in left.enumerated() {
      if let place = places[ByteKey(name)]?.popLast() {
        pairs.append((index, place))
      } else {
        missing.append(index)
      }
    }
    extra = places.values.flatMap { $0 }.sorted()
  }

  /// Which tensors those of an archive became where each has one name: of a module that in its
  /// state_dict(), and of a nameless one whatever the format makes of it.
  init(of entries: [TensorArchive.Entry], in written: [TensorArchive.Entry]) {
    let names = entries.map { $0.path.isEmpty ? "" : $0.stateDictName }
    self.init(names, written.map(\.name))
    if missing.count > 0 { self.init(entries.map(\.name), written.map(\.name)) }
    _ = pairRenamed()
    pairs.sort { $0.left < $1.left }
  }

  /// Takes what has lost its name for what came under another, in order, where there are as many.
  mutating func pairRenamed() -> [(left: Int, right: Int)] {
    guard missing.count == extra.count else { return [] }
    let renamed = Array(zip(missing, extra)).map { (left: $0, right: $1) }
    pairs = (pairs + renamed).sorted { $0.left < $1.left }
    (missing, extra) = ([], [])
    return renamed
  }

  /// The first pair that comes earlier on the right than the one before it.
  var disorder: Int? {
    pairs.indices.dropFirst().first { pairs[$0].right < pairs[$0 - 1].right }
  }
}

/// Compares the names of tensors where all have to stay.
struct NameComparison {
  private let left: [TensorArchive.Entry]
  private let right: [TensorArchive.Entry]

  init(_ left: TensorArchive, _ right: TensorArchive) {
    self.left = left.entries
    self.right = right.entries
  }

  func compare(_ notes: inout DifferenceNotes) {
    let matching = NameMatching(left.map(\.name), right.map(\.name))
    Self.note(matching, left, right, &notes)
  }

  static func note(
    _ matching: NameMatching, _ left: [TensorArchive.Entry], _ right: [TensorArchive.Entry],
    _ notes: inout DifferenceNotes
  ) {
    for index in matching.missing {
      notes.add(.names, left[index].name, "a tensor", nil, isDeclarable: false)
    }
    for index in matching.extra {
      notes.add(.names, right[index].name, nil, "a tensor", isDeclarable: false)
    }
    if let place = matching.disorder {
      let (before, after) = (matching.pairs[place - 1], matching.pairs[place])
      notes.add(
        .order, left[after.left].name, "after '\(left[before.left].name)'",
        "before '\(right[before.right].name)'")
    }
  }
}
