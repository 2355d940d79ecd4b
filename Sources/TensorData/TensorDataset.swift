internal import ByteIO
public import TensorIO
internal import TensorModel

/// Named columns of tensors that have as many rows: parts along their first axis.
///
/// Nothing is read before rows are asked for, and files may be larger than memory:
/// ```swift
/// let train = try TensorDataset(opening: "mnist.npz", columns: ["x_train", "y_train"])
///   .scaling("x_train", by: 1.0 / 255)
/// for try await batch in train.batches(of: 64, shuffle: .seeded(7), epoch: 3) {
///   let (images, labels) = (try batch["x_train"], try batch["y_train"])
/// }
/// ```
public struct TensorDataset: Sendable {
  /// The columns, in the order in which they were named.
  public let columns: [DatasetColumn]
  /// The number of rows.
  public let count: Int

  /// A dataset of columns.
  /// - Throws: `invalidArgument` for no columns, two of one name, or different numbers of rows.
  init(columns: [DatasetColumn]) throws(TensorIOError) {
    guard let first = columns.first else {
      throw .invalidArgument("a dataset has one column at least")
    }
    var names: Set<String> = []
    for column in columns {
      guard names.insert(column.name).inserted else {
        throw .invalidArgument("two columns are called '\(column.name)'")
      }
      guard column.count == first.count else {
        throw .invalidArgument(
          "'\(first.name)' has \(first.count) rows and '\(column.name)' \(column.count); name the "
            + "columns that belong together, such as columns: [\"\(first.name)\"]")
      }
    }
    self.columns = columns
    count = first.count
  }

  /// A dataset of tensors in memory or in files.
  /// - Throws: `invalidArgument` for tensors without axes or with different numbers of rows.
  public init(_ tensors: KeyValuePairs<String, Tensor>) throws(TensorIOError) {
    var columns: [DatasetColumn] = []
    for (name, tensor) in tensors { columns.append(try DatasetColumn(name, [tensor])) }
    try self.init(columns: columns)
  }

  /// A dataset of an archive's tensors.
  /// - Parameters:
  ///   - archive: where the tensors are.
  ///   - names: the tensors, in this order; nil for all.
  ///   - loneName: what a lone array is called, which has no name.
  /// - Throws: `invalidArgument` for a name that is not there, tensors without axes, and tensors with
  ///   different numbers of rows.
  public init(
    _ archive: TensorArchive, columns names: [String]? = nil, loneName: String = "array"
  ) throws(TensorIOError) {
    let isLone = archive.entries.count == 1 && archive.entries[0].name.isEmpty
    var columns: [DatasetColumn] = []
    let parts = Set(archive.entriesOfComposites.map(\.id))
    for name in names ?? archive.names {
      let entry = try archive.entry(isLone && name == loneName ? "" : name)
      guard !parts.contains(entry.id) else {
        throw TensorIOError(
          .unsupported,
          "it is a part of a sparse or nested tensor, which has no rows of its own; name the columns",
          at: .init(tensor: entry.name))
      }
      let tensor = entry.tensor
      columns.append(try DatasetColumn(isLone ? loneName : name, [tensor]))
    }
    guard !columns.isEmpty else { throw .invalidArgument("there are no tensors in it") }
    try self.init(columns: columns)
  }
}

// MARK: Columns

extension TensorDataset {
  /// The names of the columns.
  public var names: [String] { columns.map(\.name) }

  /// The place of a column.
  private func index(_ name: String) throws(TensorIOError) -> Int {
    if let index = columns.firstIndex(where: { $0.name == name }) { return index }
    throw .invalidArgument(
      "there is no column '\(name)'; there are " + names.map { "'\($0)'" }.joined(separator: ", "))
  }

  private func changing(
    _ name: String, _ change: (DatasetColumn) -> DatasetColumn
  ) throws(TensorIOError) -> TensorDataset {
    let index = try index(name)
    var columns = columns
    columns[index] = change(columns[index])
    return try TensorDataset(columns: columns)
  }

  /// The dataset with a column's numbers as another dtype, as
  /// ``/TensorIO/Tensor/converted(to:policy:limits:)`` makes them.
  /// - Throws: `invalidArgument` for a name that is no column.
  public func converting(
    _ name: String, to dtype: DType, policy: CastPolicy = .checked
  ) throws(TensorIOError) -> TensorDataset {
    try changing(name) { $0.appending(.convert(dtype, policy)) }
  }

  /// The dataset with a column's numbers times a factor, plus an offset: `.scaling("x", by: 1.0 / 255)`.
  ///
  /// Numbers become `dtype` first; both operations round in it, as NumPy's do.
  /// - Parameters:
  ///   - name: the column.
  ///   - dtype: float32 or float64.
  ///   - factor: what each number is multiplied by.
  ///   - offset: what is added then.
  /// - Throws: `invalidArgument` for a name that is no column or another dtype.
  public func scaling(
    _ name: String, to dtype: DType = .float32, by factor: Double, adding offset: Double = 0
  ) throws(TensorIOError) -> TensorDataset {
    guard dtype == .float32 || dtype == .float64 else {
      throw .invalidArgument("numbers are scaled as float32 or float64, not \(dtype)")
    }
    return try changing(name) {
      $0.appending(.convert(dtype, .checked)).appending(.scale(factor, adding: offset))
    }
  }

  /// The dataset with a column's rows put through a function: labels become one-hot vectors, images
  /// are cut.
  /// - Parameters:
  ///   - name: the column.
  ///   - transform: gets some rows as one tensor and answers as many; runs on several threads at once.
  /// - Throws: `invalidArgument` for a name that is no column.
  public func mapping(
    _ name: String, _ transform: @escaping @Sendable (Tensor) throws -> Tensor
  ) throws(TensorIOError) -> TensorDataset {
    try changing(name) { $0.appending(.map(transform)) }
  }

  /// The dataset with another name for a column.
  /// - Throws: `invalidArgument` for a name that is no column, or one that is taken.
  public func renaming(
    _ name: String, to newName: String
  ) throws(TensorIOError) -> TensorDataset {
    try changing(name) { $0.renamed(newName) }
  }

  /// The dataset with these columns alone, in this order.
  /// - Throws: `invalidArgument` for a name that is no column.
  public func selecting(_ names: [String]) throws(TensorIOError) -> TensorDataset {
    var chosen: [DatasetColumn] = []
    for name in names { chosen.append(columns[try index(name)]) }
    return try TensorDataset(columns: chosen)
  }

  /// The dataset with the columns of another one beside its own.
  /// - Throws: `invalidArgument` when the row counts differ, or for a name that both have.
  public func joined(with other: TensorDataset) throws(TensorIOError) -> TensorDataset {
    try TensorDataset(columns: columns + other.columns)
  }
}

// MARK: Rows

extension TensorDataset {
  /// Some of the rows as a dataset: views, nothing is read.
  /// - Throws: `invalidArgument` for rows outside of the dataset.
  public subscript(rows: Range<Int>) -> TensorDataset {
    get throws(TensorIOError) {
      guard rows.lowerBound >= 0, rows.upperBound <= count else {
        throw .invalidArgument("the rows \(rows) of a dataset of \(count)")
      }
      var slices: [DatasetColumn] = []
      for column in columns { slices.append(try column.slice(rows)) }
      return try TensorDataset(columns: slices)
    }
  }

  /// One row by the names of the columns, without the first axis; negative rows count from the end.
  ///
  /// Columns without conversions are views into the file.
  /// - Throws: `invalidArgument` for a row outside of the dataset; what converting and mapping throw.
  public subscript(row: Int) -> [String: Tensor] {
    get throws {
      let index = row < 0 ? row + count : row
      guard index >= 0, index < count else {
        throw TensorIOError.invalidArgument("row \(row) of a dataset of \(count)")
      }
      let rows = try self[index..<index + 1]
      return try Dictionary(
        uniqueKeysWithValues: names.map { name in (name, try rows.tensor(name)[0]) })
    }
  }

  /// All rows of a column as one tensor: a view where the column is one tensor and nothing is done to
  /// it, otherwise in memory.
  ///
  /// What the rows are put through gets those of a file at a time.
  /// - Throws: `invalidArgument` for a name that is no column, `limit` for more than
  ///   `limits.decodedBytes`; what reading, converting and mapping throw.
  public func tensor(_ name: String, limits: DecodingLimits = DecodingLimits()) throws -> Tensor {
    let column = columns[try index(name)]
    var parts: [TensorBlock] = []
    for (part, start) in zip(column.parts, column.starts) {
      let made = try column.applying(column.steps[...], to: part, limits: limits)
      if column.parts.count == 1 { return made }
      parts.append(
        TensorBlock(offsets: [start] + made.shape.dropFirst().map { _ in 0 }, tensor: made))
    }
    let shape = [column.count] + parts[0].tensor.shape.dropFirst()
    return try Tensor(
      joining: parts, dtype: parts[0].tensor.dtype, shape: shape, requiresGrad: false,
      limits: limits
    ).loaded(limits: limits)
  }

  /// Any rows, gathered into one tensor a column.
  /// - Throws: `invalidArgument` for rows outside of the dataset; what reading, converting and mapping
  ///   throw.
  public func batch(at rows: [Int]) throws -> TensorBatch {
    try BatchReader(self, keeping: 0).batch(rows, position: nil)
  }
}
