internal import ByteIO
internal import Dispatch
internal import TensorIO

/// Makes batches ahead of whoever takes them, on other threads, and hands them on in order.
///
/// One job makes one batch, and the job of a batch is queued when the one so many before it is taken:
/// no thread ever waits for the consumer, and nothing runs ahead of it. Where no thread takes a job up
/// in time, the consumer's own makes the batch.
final class BatchPipeline: Sendable {
  private let core: Core

  init(_ batches: TensorBatches) throws(TensorIOError) {
    core = Core(try BatchPlan(batches), prefetch: max(0, batches.prefetch))
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
      batches.dataset, keeping: max(0, batches.prefetch) + 2, device: batches.device)
  }

  /// The number of batches.
  var count: Int { places.count / batches.size + (places.count % batches.size == 0 ? 0 : 1) }

  func batch(_ index: Int) throws -> TensorBatch {
    let start = places.lowerBound + index * batches.size
    let end = min(start + batches.size, places.upperBound)
    let position = BatchPosition(
      rowCount: order.count, shuffle: order.shuffle, epoch: order.epoch, shard: batches.shard,
      shardCount: batches.shardCount, next: end)
    return try reader.batch(order.rows(at: start..<end), position: position)
  }
}

/// The state that the consumer and the jobs share.
private final class Core: Sendable {
  private let plan: BatchPlan
  private let prefetch: Int
  private let state = Locked(State())

  private struct State {
    /// The batch that is handed on next.
    var next = 0
    /// The first batch whose job is not queued.
    var queued = 0
    /// Batches that a thread is making, or has made.
    var begun: [Int: Result<TensorBatch, any Error>?] = [:]
    /// The consumer, when it waits for the next batch.
    var waiter: CheckedContinuation<TensorBatch?, any Error>?
    var isStopped = false

    /// The next batch was handed on.
    mutating func finish() {
      begun[next] = nil
      next += 1
    }
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
    queueJobs()
    switch turn() {
    case .end: return nil
    case .ready(let result): return try taken(result)
    case .make(let index):
      let result = Result { try plan.batch(index) }
      return try taken(result)
    case .wait: break
    }
    return try await withCheckedThrowingContinuation { continuation in
      // Between the two locks the batch may have come.
      let result = state.withLock { state -> Result<TensorBatch?, any Error>? in
        if state.isStopped { return .failure(CancellationError()) }
        if let made = state.begun[state.next] ?? nil {
          state.finish()
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
      switch state.begun[state.next] {
      case .some(.some(let result)): return .ready(result)
      case .some(.none): return .wait
      case .none:
        state.begun[state.next] = .some(.none)
        return .make(state.next)
      }
    }
  }

  /// Hands a batch to the consumer.
  private func taken(_ result: Result<TensorBatch, any Error>) throws -> TensorBatch {
    state.withLock { $0.finish() }
    return try result.get()
  }

  /// Queues the jobs of the batches that may be made now.
  private func queueJobs() {
    let indexes = state.withLock { state -> Range<Int> in
      guard prefetch > 0, !state.isStopped else { return 0..<0 }
      let end = min(state.next + prefetch + 1, plan.count)
      let start = max(state.queued, state.next)
      state.queued = max(state.queued, end)
      return start < end ? start..<end : 0..<0
    }
    for index in indexes {
      DispatchQueue.global(qos: .userInitiated).async { [self] in make(index) }
    }
  }

  /// Makes a batch, unless somebody has begun it.
  private func make(_ index: Int) {
    let isMine = state.withLock { state in
      guard !state.isStopped, index >= state.next, state.begun[index] == nil else { return false }
      state.begun[index] = .some(.none)
      return true
    }
    guard isMine else { return }
    let result = Result { try plan.batch(index) }
    let waiter = state.withLock { state -> CheckedContinuation<TensorBatch?, any Error>? in
      guard index == state.next, let waiter = state.waiter.take() else {
        if !state.isStopped { state.begun[index] = .some(result) }
        return nil
      }
      state.finish()
      return waiter
    }
    waiter?.resume(with: result.map { $0 })
  }
}
