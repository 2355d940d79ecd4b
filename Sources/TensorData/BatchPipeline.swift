internal import ByteIO
internal import Dispatch
internal import TensorIO

/// Makes batches ahead of whoever takes them, on other threads, and hands them on in order.
///
/// Workers make one batch after the other and end when enough are made; the consumer starts them again
/// when it takes one, so that no thread ever waits for it. While its batch is being made, it makes
/// another one: two threads on two cores hand over little, and with little memory there may be no other.
final class BatchPipeline: Sendable {
  private let core: Core

  init(_ batches: TensorBatches) throws(TensorIOError) {
    core = Core(try BatchPlan(batches), prefetch: batches.prefetch)
  }

  deinit { core.stop() }

  /// The next batch; nil after the last one.
  func next() async throws -> TensorBatch? {
    try Task.checkCancellation()
    return try await withTaskCancellationHandler {
      try await core.next()
    } onCancel: {
      core.cancel()
    }
  }
}

/// Which rows the batches of an iteration have.
private struct BatchPlan: Sendable {
  let reader: BatchReader
  let order: RowOrder
  let places: Range<Int>
  let batches: TensorBatches

  init(_ batches: TensorBatches) throws(TensorIOError) {
    let places = try batches.places()
    let start = try batches.startPlace(in: places)
    self.batches = batches
    self.places = start..<places.upperBound
    order = RowOrder(
      count: batches.dataset.count, shuffle: batches.shuffle, epoch: batches.epoch)
    // Those under way, and two in the consumer's hands.
    reader = try BatchReader(
      batches.dataset, keeping: batches.prefetch + 2, device: batches.device)
  }

  /// The number of batches.
  var count: Int { places.count / batches.size + (places.count % batches.size == 0 ? 0 : 1) }

  func batch(_ index: Int) throws -> TensorBatch {
    let start = places.lowerBound + index * batches.size
    let end = start + min(batches.size, places.upperBound - start)
    let position = BatchPosition(
      rowCount: order.count, shuffle: order.shuffle, epoch: order.epoch, shard: batches.shard,
      shardCount: batches.shardCount, next: end)
    return try reader.batch(order.rows(at: start..<end), position: position)
  }
}

/// The state that the consumer and the workers share.
private final class Core: Sendable {
  private let plan: BatchPlan
  private let prefetch: Int
  private let state = Locked(State())

  private struct State {
    /// The batch that is handed on next.
    var next = 0
    /// The first batch that nobody has begun.
    var unclaimed = 0
    /// The end of the batches that may be made before another one is asked for.
    var end = 0
    /// Batches that were made and not handed on.
    var made: [Int: Result<TensorBatch, any Error>] = [:]
    /// Workers that are running, or will be.
    var workers = 0
    /// The consumer, when it waits for the next batch.
    var waiter: CheckedContinuation<TensorBatch?, any Error>?
    var isStopped = false
  }

  init(_ plan: BatchPlan, prefetch: Int) {
    self.plan = plan
    self.prefetch = prefetch
  }

  /// Has no more batches made.
  func stop() { state.withLock { $0.isStopped = true } }

  /// Stops, and lets the consumer go.
  func cancel() {
    let waiter = state.withLock { state in
      state.isStopped = true
      return state.waiter.take()
    }
    waiter?.resume(throwing: CancellationError())
  }

  /// What the consumer does about its batch.
  private enum Turn {
    case end
    case ready(Result<TensorBatch, any Error>)
    case make(Int)
    case wait
  }

  func next() async throws -> TensorBatch? {
    startWorkers()
    turns: while true {
      switch turn() {
      case .end: return nil
      case .ready(let result): return try result.get()
      case .make(let index): hand(Result { try plan.batch(index) }, of: index)
      case .wait: break turns
      }
    }
    return try await withCheckedThrowingContinuation { continuation in
      // Between the two locks the batch may have come.
      let result = state.withLock { state -> Result<TensorBatch?, any Error>? in
        if state.isStopped { return .failure(CancellationError()) }
        if let made = state.made.removeValue(forKey: state.next) {
          state.next += 1
          return made.map { $0 }
        }
        state.waiter = continuation
        return nil
      }
      if let result { continuation.resume(with: result) }
    }
  }

  private func turn() -> Turn {
    state.withLock { state in
      if state.isStopped { return .ready(.failure(CancellationError())) }
      guard state.next < plan.count else { return .end }
      if let made = state.made.removeValue(forKey: state.next) {
        state.next += 1
        return .ready(made)
      }
      // Rather than wait for one batch, the consumer makes another one.
      guard state.unclaimed < state.end else { return .wait }
      state.unclaimed += 1
      return .make(state.unclaimed - 1)
    }
  }

  /// Starts as many workers as there are batches to be made, one for each core but the consumer's.
  private func startWorkers() {
    let count = state.withLock { state in
      guard !state.isStopped else { return 0 }
      state.end = min(state.next + prefetch + 1, plan.count)
      // The consumer makes one of them.
      let batches = state.end - max(state.unclaimed, state.next + 1)
      let count = max(0, min(batches, Parallel.coreCount - 1 - state.workers))
      state.workers += count
      return count
    }
    for _ in 0..<count {
      DispatchQueue.global(qos: .userInitiated).async { [self] in work() }
    }
  }

  /// Makes batches until no more are wanted.
  private func work() {
    while let index = claim() { hand(Result { try plan.batch(index) }, of: index) }
  }

  private func claim() -> Int? {
    state.withLock { state in
      guard !state.isStopped, state.unclaimed < state.end else {
        state.workers -= 1
        return nil
      }
      state.unclaimed += 1
      return state.unclaimed - 1
    }
  }

  private func hand(_ result: Result<TensorBatch, any Error>, of index: Int) {
    let waiter = state.withLock { state -> CheckedContinuation<TensorBatch?, any Error>? in
      guard index == state.next, let waiter = state.waiter.take() else {
        if !state.isStopped { state.made[index] = result }
        return nil
      }
      state.next += 1
      return waiter
    }
    waiter?.resume(with: result.map { $0 })
  }
}
