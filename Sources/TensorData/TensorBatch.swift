internal import ByteIO
public import TensorIO

/// Some rows of a dataset: one tensor a column, with as many rows.
///
/// The memory of a batch is used for a later one when the last of its tensors is gone.
public struct TensorBatch: Sendable {
  /// The columns in the order of the dataset.
  public let columns: [(name: String, tensor: Tensor)]
  /// The numbers of the rows in the dataset.
  public let rows: [Int]
  /// Where to go on after this batch; nil for rows that no ``TensorBatches`` chose.
  public let position: BatchPosition?

  /// The number of rows.
  public var count: Int { rows.count }

  /// The rows of a column.
  /// - Throws: `invalidArgument` for a name that is no column.
  public subscript(name: String) -> Tensor {
    get throws(TensorIOError) {
      if let column = columns.first(where: { $0.name == name }) { return column.tensor }
      throw .invalidArgument(
        "there is no column '\(name)'; there are "
          + columns.map { "'\($0.name)'" }.joined(separator: ", "))
    }
  }
}

/// A place in an epoch: what a training run saves to go on exactly there.
public struct BatchPosition: Sendable, Hashable, Codable {
  /// The number of rows of the dataset.
  public let rowCount: Int
  /// How rows are shuffled; nil for the order of the dataset.
  public let shuffle: Shuffle?
  /// The number of the pass over the data.
  public let epoch: Int
  /// The part of the rows that one worker takes, and of how many.
  public let (shard, shardCount): (Int, Int)
  /// The place in the epoch's order at which the next batch begins.
  public let next: Int
}

/// Gathers batches of a dataset, on any thread.
struct BatchReader: Sendable {
  private let names: [String]
  private let readers: [ColumnReader]
  private let pool: BytePool
  private let device: Device

  /// - Parameter kept: buffers of each size that wait to be used again.
  init(
    _ dataset: TensorDataset, keeping kept: Int, device: Device = .cpu
  ) throws(TensorIOError) {
    names = dataset.names
    var readers: [ColumnReader] = []
    for column in dataset.columns { readers.append(try ColumnReader(column)) }
    self.readers = readers
    pool = BytePool(mostKept: kept * readers.count)
    self.device = device
    count = dataset.count
  }

  private let count: Int

  func batch(_ rows: [Int], position: BatchPosition?) throws -> TensorBatch {
    if let row = rows.first(where: { $0 < 0 || $0 >= count }) {
      throw TensorIOError.invalidArgument("row \(row) of a dataset of \(count)")
    }
    var columns: [(name: String, tensor: Tensor)] = []
    for (name, reader) in zip(names, readers) {
      var tensor = try reader.tensor(of: rows, from: pool)
      if device != .cpu { tensor = try tensor.to(device) }
      columns.append((name, tensor))
    }
    return TensorBatch(columns: columns, rows: rows, position: position)
  }
}
