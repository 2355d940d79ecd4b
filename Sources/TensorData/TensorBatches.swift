internal import ByteIO
public import TensorIO

extension TensorDataset {
  /// The rows of one epoch in batches, read ahead on other threads.
  ///
  /// ```swift
  /// for try await batch in dataset.batches(of: 64, shuffle: .seeded(7), epoch: 3) { … }
  /// ```
  /// The order is a function of the row count, the shuffle and the epoch, and the same everywhere
  /// (``RowOrder``). No more than `prefetch` batches are made ahead of the one that was asked for last.
  /// - Parameters:
  ///   - size: rows in a batch, 1 at least; the last one may have fewer.
  ///   - shuffle: nil for the order of the dataset.
  ///   - epoch: the number of this pass; each has another order.
  ///   - dropLast: leaves out the last batch when it is short; with shards also what keeps them from
  ///     having equally many rows, so that workers that wait for each other make as many steps.
  ///   - prefetch: batches that are made ahead; 0 makes each when it is asked for.
  ///   - device: where the tensors of the batches go.
  public func batches(
    of size: Int, shuffle: Shuffle? = nil, epoch: Int = 0, dropLast: Bool = false,
    prefetch: Int = 4, on device: Device = .cpu
  ) -> TensorBatches {
    TensorBatches(
      dataset: self, size: size, shuffle: shuffle, epoch: epoch, dropLast: dropLast,
      prefetch: prefetch, device: device)
  }
}

/// The batches of one epoch; each iteration begins anew.
///
/// An iteration throws `invalidArgument` for a size below 1 or shards that make no sense,
/// `CancellationError` when its task was cancelled, and what reading, converting, mapping and uploading
/// throw; after an error it is at its end.
public struct TensorBatches: AsyncSequence, Sendable {
  let dataset: TensorDataset
  let size: Int
  let shuffle: Shuffle?
  let epoch: Int
  let dropLast: Bool
  let prefetch: Int
  let device: Device
  var (shard, shardCount) = (0, 1)
  var start: BatchPosition?

  init(
    dataset: TensorDataset, size: Int, shuffle: Shuffle?, epoch: Int, dropLast: Bool,
    prefetch: Int, device: Device
  ) {
    self.dataset = dataset
    self.size = size
    self.shuffle = shuffle
    self.epoch = epoch
    self.dropLast = dropLast
    // More than anybody can use, and far from what sums of it could not hold.
    self.prefetch = Swift.max(0, Swift.min(prefetch, 1 << 16))
    self.device = device
  }

  /// The part of the epoch that one of several workers takes: equal runs of the epoch's order, which
  /// differ by one row at most.
  ///
  /// All workers have the same dataset, shuffle and epoch; together they take every row once.
  public func shard(_ index: Int, of count: Int) -> TensorBatches {
    var batches = self
    (batches.shard, batches.shardCount) = (index, count)
    return batches
  }

  /// The batches that follow a position that was saved.
  ///
  /// With the same size they are the ones that would have come.
  /// - Throws: `invalidArgument` when the position belongs to another dataset, shuffle, epoch or shard.
  public func resumed(at position: BatchPosition) throws(TensorIOError) -> TensorBatches {
    for (isSame, what, was, now) in [
      (
        position.rowCount == dataset.count, "rows of the dataset", "\(position.rowCount)",
        "\(dataset.count)"
      ),
      (
        position.shuffle == shuffle, "shuffle", String(describing: position.shuffle),
        String(describing: shuffle)
      ),
      (position.epoch == epoch, "epoch", "\(position.epoch)", "\(epoch)"),
      (
        (position.shard, position.shardCount) == (shard, shardCount), "shard",
        "\(position.shard) of \(position.shardCount)", "\(shard) of \(shardCount)"
      ),
    ] where !isSame {
      throw .invalidArgument("the position was saved with other \(what): \(was), not \(now)")
    }
    var batches = self
    batches.start = position
    return batches
  }

  /// The number of batches of the whole epoch, or of the shard of it.
  public var count: Int {
    guard let rows = try? places(), size > 0 else { return 0 }
    return rows.count / size + (dropLast || rows.count % size == 0 ? 0 : 1)
  }

  /// The places in the epoch's order that batches are made of, from the first batch on.
  func places() throws(TensorIOError) -> Range<Int> {
    guard size > 0 else { throw .invalidArgument("batches of \(size) rows") }
    guard shardCount > 0, shard >= 0, shard < shardCount else {
      throw .invalidArgument("shard \(shard) of \(shardCount); they are counted from 0")
    }
    let (least, more) = dataset.count.quotientAndRemainder(dividingBy: shardCount)
    let first = shard * least + Swift.min(shard, more)
    let rows = first..<first + least + (!dropLast && shard < more ? 1 : 0)
    return dropLast ? rows.lowerBound..<rows.lowerBound + rows.count / size * size : rows
  }

  /// Where the rows of an iteration begin.
  func startPlace(in places: Range<Int>) throws(TensorIOError) -> Int {
    guard let start else { return places.lowerBound }
    guard (start.shard, start.shardCount) == (shard, shardCount) else {
      throw .invalidArgument("resumed(at:) comes after shard(_:of:)")
    }
    // The end of the epoch is a position too, wherever it lay with another size.
    guard start.next >= places.lowerBound else {
      throw .invalidArgument("the position \(start.next) lies before the shard")
    }
    return Swift.min(start.next, places.upperBound)
  }

  public func makeAsyncIterator() -> Iterator { Iterator(self) }

  /// Goes over the batches of one epoch.
  public struct Iterator: AsyncIteratorProtocol {
    private let pipeline: Result<BatchPipeline, TensorIOError>
    private var isAtEnd = false

    init(_ batches: TensorBatches) {
      pipeline = Result { () throws(TensorIOError) in try BatchPipeline(batches) }
    }

    public mutating func next() async throws -> TensorBatch? {
      if isAtEnd { return nil }
      do {
        let batch = try await pipeline.get().next()
        isAtEnd = batch == nil
        return batch
      } catch {
        isAtEnd = true
        throw error
      }
    }
  }
}
