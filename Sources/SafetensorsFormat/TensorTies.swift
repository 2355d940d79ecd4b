internal import ByteIO
internal import JSONText
internal import TensorModel

/// Where a tensor lies in another that is written before it.
struct TensorTie: Equatable {
  /// The number of the other among the entries.
  let base: Int
  /// The first element, and the strides, in elements of the other in row-major order.
  let offset: Int
  let strides: [Int]
}

/// Which tensors of an archive share storages in a way that can be said in few words: one is a part of
/// another, or both are the same.
struct TensorTies {
  /// What shares with something that is written, by the numbers of the entries.
  private(set) var ties: [Int: TensorTie] = [:]
  /// What is not kept of sharing.
  private(set) var losses: [Loss] = []
  private var partsOfLargest: Set<Int> = []

  /// What tensors need to have in common to share.
  private struct Kind: Hashable {
    let dtype: DType
    let byteOrder: ByteOrder
    let isConjugated: Bool
    let isNegated: Bool
  }

  init(of archive: TensorArchive, _ policy: TiePolicy) {
    var groups: [ObjectIdentifier: [Int]] = [:]
    var order: [ObjectIdentifier] = []
    for (index, entry) in archive.entries.enumerated()
    where entry.tensor.byteCount > 0 && entry.tensor.hasElements {
      let storage = ObjectIdentifier(entry.tensor.storage)
      if groups[storage] == nil { order.append(storage) }
      groups[storage, default: []].append(index)
    }
    let entries = archive.entries
    for storage in order {
      guard let group = groups[storage], group.count > 1 else { continue }
      if policy != .clone { tie(group, entries) }
      let first = ties[group[0]]?.base ?? group[0]
      for index in group.dropFirst() where (ties[index]?.base ?? index) != first {
        losses.append(
          Loss(
            .aliasing, of: entries[index].name,
            "that it shares its storage with '\(entries[group[0]].name)'; each gets a copy"))
      }
    }
  }

  /// Whether a tensor that is a part of another keeps its strides there.
  func keepStrides(of index: Int) -> Bool { partsOfLargest.contains(index) }

  private mutating func tie(_ group: [Int], _ entries: [TensorArchive.Entry]) {
    var kinds: [Kind: [Int]] = [:]
    for index in group {
      let tensor = entries[index].tensor
      let kind = Kind(
        dtype: tensor.dtype, byteOrder: tensor.byteOrder, isConjugated: tensor.isConjugated,
        isNegated: tensor.isNegated)
      kinds[kind, default: []].append(index)
    }
    for (kind, members) in kinds where members.count > 1 {
      let isPlain = !kind.isConjugated && !kind.isNegated && kind.dtype.bitWidth % 8 == 0
      let rest = isPlain ? tieToLargest(members, entries) : members
      tieEqual(rest, entries)
    }
  }

  /// Ties what lies within the largest tensor without gaps.
  /// - Returns: the others.
  private mutating func tieToLargest(
    _ members: [Int], _ entries: [TensorArchive.Entry]
  ) -> [Int] {
    var largest: Int?
    for index in members where entries[index].tensor.isContiguous {
      if let known = largest, entries[known].tensor.count >= entries[index].tensor.count {
        continue
      }
      largest = index
    }
    guard let largest else { return members }
    let start = entries[largest].tensor.offset
    let range = start..<start + entries[largest].tensor.count
    return members.filter { index in
      if index == largest { return false }
      let tensor = entries[index].tensor
      guard let hull = Outline(tensor).hull, range.contains(hull.lowerBound),
        hull.upperBound <= range.upperBound
      else { return true }
      partsOfLargest.insert(index)
      ties[index] = TensorTie(base: largest, offset: tensor.offset - start, strides: tensor.strides)
      return false
    }
  }

  /// Ties what is the same to the first of them.
  private mutating func tieEqual(_ members: [Int], _ entries: [TensorArchive.Entry]) {
    var firsts: [Outline: Int] = [:]
    for index in members {
      let outline = Outline(entries[index].tensor)
      guard let first = firsts[outline] else {
        firsts[outline] = index
        continue
      }
      ties[index] = TensorTie(
        base: first, offset: 0, strides: Shape.rowMajorStrides(outline.shape))
    }
  }
}

/// The text in the metadata that says which tensors shared a storage.
///
/// A JSON object: the name of a tensor → `{"of": the other, "shape", "offset", "strides"}`, the last
/// two in elements of the other.
enum TieRecord {
  static let key = "tensorio.ties"

  /// One line of the record.
  struct Line {
    let name: String
    let base: String
    let shape: [Int]
    let offset: Int
    let strides: [Int]
  }

  static func text(_ lines: [Line]) -> String {
    let pairs = lines.map { line -> (key: String, value: JSON) in
      (
        line.name,
        .object([
          ("of", .string(line.base)), ("shape", .array(line.shape.map { .int($0) })),
          ("offset", .int(line.offset)), ("strides", .array(line.strides.map { .int($0) })),
        ])
      )
    }
    return JSON.object(pairs).text
  }

  /// - Throws: `malformed` for what is no such record; `limit` for more lines than a file may have
  ///   tensors.
  static func lines(of text: String, limits: DecodingLimits) throws(TensorIOError) -> [Line] {
    var scanner = JSONScanner(Array(text.utf8))
    var lines: [Line] = []
    try scanner.require("{", "it is no JSON object")
    if !scanner.take("}") {
      repeat {
        let name = try scanner.string("a name is no string")
        try scanner.require(":", "a name has no value")
        lines.append(try line(name, &scanner, limits))
        guard lines.count <= limits.memberCount else {
          throw .limit(
            "the number of ties", lines.count, over: limits.memberCount, raise: "memberCount")
        }
      } while scanner.take(",")
      try scanner.require("}", "the object is not closed")
    }
    try scanner.requireEnd()
    return lines
  }

  private static func line(
    _ name: String, _ scanner: inout JSONScanner, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Line {
    var (base, shape, offset, strides): (String?, [Int]?, Int?, [Int]?)
    try scanner.require("{", "'\(name.escapedForDisplay)' is no object")
    if !scanner.take("}") {
      repeat {
        let field = try scanner.string("a field is no string")
        try scanner.require(":", "a field has no value")
        switch field {
        case "of": base = try scanner.string("'of' is no string")
        case "shape": shape = try integers(&scanner)
        case "offset": offset = try scanner.count("the offset")
        case "strides": strides = try integers(&scanner)
        default: try JSON.skip(&scanner, limits: limits)
        }
      } while scanner.take(",")
      try scanner.require("}", "the object of '\(name.escapedForDisplay)' is not closed")
    }
    guard let base, let shape, let offset, let strides else {
      throw .malformed("'\(name.escapedForDisplay)' is not said where it lies")
    }
    return Line(name: name, base: base, shape: shape, offset: offset, strides: strides)
  }

  private static func integers(
    _ scanner: inout JSONScanner
  ) throws(TensorIOError) -> [Int] {
    try scanner.require("[", "a list is missing")
    var numbers: [Int] = []
    if scanner.take("]") { return numbers }
    repeat {
      _ = scanner.peek()
      guard let number = Int(try scanner.number()) else {
        throw scanner.failure("a number is no integer of 63 bits")
      }
      numbers.append(number)
    } while scanner.take(",")
    try scanner.require("]", "a list is not closed")
    return numbers
  }
}
