internal import ByteIO
public import TensorIO
public import TensorModel

/// Tensors of an archive whose first axes have the same length: what belongs to one row is in each.
public struct SharedRows: Sendable {
  /// The number of rows.
  public let count: Int
  /// The tensors, in the order of the archive.
  public let entries: [TensorArchive.Entry]
}

extension TensorArchive {
  /// The parts of sparse and nested tensors: their first axes are not the rows of what they make up.
  package var entriesOfComposites: [Entry] {
    let parts = values.partsOfObjects
    return entries.filter { parts.contains($0.id) }
  }

  /// The tensors that have axes, those of the same number of rows together, in the order of the file.
  ///
  /// Parts of sparse and nested tensors are not among them.
  public var sharedRows: [SharedRows] {
    let parts = values.partsOfObjects
    var order: [Int] = []
    var groups: [Int: [Entry]] = [:]
    for entry in entries {
      guard let count = entry.tensor.shape.first, !parts.contains(entry.id) else { continue }
      if groups[count] == nil { order.append(count) }
      groups[count, default: []].append(entry)
    }
    return order.map { SharedRows(count: $0, entries: groups[$0] ?? []) }
  }

  /// The tensors whose rows are the archive's.
  /// - Parameter name: one of them, where others have more or fewer rows; nil where all that have
  ///   axes agree.
  /// - Throws: `invalidArgument` when nothing has rows or they do not agree.
  public func sharedRows(along name: String?) throws(TensorIOError) -> SharedRows {
    let groups = sharedRows
    if let name {
      let entry = try entry(name)
      guard let group = groups.first(where: { $0.entries.contains { $0.id == entry.id } }) else {
        throw TensorIOError(
          .invalidArgument,
          entry.tensor.rank == 0
            ? "it has no axes and so no rows"
            : "it is a part of a sparse or nested tensor, which has no rows of its own",
          at: .init(tensor: entry.name))
      }
      return group
    }
    guard let first = groups.first else {
      throw TensorIOError(
        .invalidArgument,
        entries.isEmpty
          ? "there are no tensors" : "no tensor has an axis, so there are no rows")
    }
    guard groups.count == 1 else {
      let counts = groups.prefix(4).map { group in
        "\(group.count) (\(group.entries[0].name.escapedForDisplay)"
          + (group.entries.count > 1 ? " and \(group.entries.count - 1) more)" : ")")
      }
      throw TensorIOError(
        .invalidArgument,
        "the tensors differ in their rows: \(counts.joined(separator: ", "))"
          + (groups.count > 4 ? ", …" : "")
          + "; name one whose rows count with --along, which takes the others whole, or choose some "
          + "with --include and --exclude")
    }
    return first
  }

  /// The archive with some tensors' rows at some indexes, and all else as it is.
  ///
  /// Rows that follow each other stay views; all other tensors get storages of their own, which are
  /// read when somebody asks.
  /// - Throws: as ``TensorModel/Tensor/rows(_:limits:)``; `invalidArgument` for an index outside of an
  ///   array of Python objects.
  public func selectingRows<Indexes: RandomAccessCollection & Sendable>(
    _ indexes: Indexes, of rows: SharedRows, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> TensorArchive where Indexes.Element == Int {
    var values = values
    for (id, entry) in Dictionary(rows.entries.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    {
      try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        if entry.tensor.dtype.containsObjects {
          try values.selectRows(indexes, ofObjects: entry.tensor, id)
        } else if let range = indexes as? Range<Int> {
          values.replace(id, with: .tensor(try entry.tensor.rows(range)))
        } else {
          values.replace(id, with: .tensor(try entry.tensor.rows(indexes, limits: limits)))
        }
      }
    }
    return try replacing(values)
  }
}

extension ValueGraph {
  /// Python objects are values beside their tensor.
  fileprivate mutating func selectRows(
    _ indexes: some RandomAccessCollection<Int>, ofObjects tensor: Tensor, _ id: ID
  ) throws(TensorIOError) {
    guard var traits = traits(of: id), traits.elements.count == tensor.count,
      tensor.dtype == .object, indexes.count <= tensor.shape[0]
    else { throw .unsupported("rows of \(tensor.dtype)") }
    let size = tensor.shape.dropFirst().reduce(1, *)
    var elements: [ID] = []
    elements.reserveCapacity(indexes.count * size)
    for index in indexes {
      guard index >= 0, index < tensor.shape[0] else {
        throw .invalidArgument("row \(index) is asked for, and there are \(tensor.shape[0])")
      }
      elements += traits.elements[index * size..<(index + 1) * size]
    }
    traits.elements = elements
    setTraits(traits, of: id)
    let part = try tensor.sliced([.slice(from: 0, to: indexes.count, step: 1)])
    replace(id, with: .tensor(part))
  }
}
