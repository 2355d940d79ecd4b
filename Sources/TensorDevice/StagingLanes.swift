internal import ByteIO

/// How much pinned memory copies go through.
package struct Staging: Sendable, Hashable {
  /// The bytes of one buffer.
  ///
  /// 4 MiB take some 160 µs on PCIe 4: a hundred times what it costs to start a copy, and little to
  /// wait for.
  package var bufferBytes = 4 << 20
  /// The buffers of a lane: one is filled while another is copied.
  package var buffersPerLane = 2
  /// How many threads fill buffers, each with a lane of its own.
  ///
  /// A core copies some 8 GB/s out of the page cache, PCIe takes 25 to 55.
  package var laneCount = min(8, Parallel.coreCount)

  package init() {}
}

/// The lanes of a device: those at rest are kept, because pinning memory takes milliseconds.
final class StagingLanes: Sendable {
  let context: CUDAContext
  let staging: Staging
  private let idle = Locked<[Resting]>([])

  /// A lane that no thread uses.
  private struct Resting: @unchecked Sendable {
    // SAFETY: a lane is in the list or with one thread, never both.
    let lane: StagingLane
  }

  init(_ context: CUDAContext, _ staging: Staging) {
    self.context = context
    self.staging = staging
  }

  /// Lends a lane.
  ///
  /// After an error it is not used again: its stream may be broken.
  func withLane<R>(
    _ body: (StagingLane) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    let resting = idle.withLock { $0.popLast() }
    let lane: StagingLane
    if let resting { lane = resting.lane } else { lane = try StagingLane(context, staging) }
    let result = try body(lane)
    try lane.finish()
    _ = lane.takeDone()
    let kept = Resting(lane: lane)
    idle.withLock { if $0.count < staging.laneCount { $0.append(kept) } }
    return result
  }
}

/// A stream with its pinned buffers, for one thread at a time.
///
/// Buffers take turns: each copy uses the one whose turn it is, and the lane goes on to the next.
final class StagingLane {
  /// A copy to the device that is done.
  struct Copy {
    /// Whatever the caller calls it.
    let tag: Int
    let byteCount: Int
  }

  private struct Slot {
    let buffer: PinnedBuffer
    let event: CUDAEvent
    /// The copy that uses the buffer.
    var pending: Copy?
  }

  private let stream: CUDAStream
  private var slots: [Slot] = []
  private var turn = 0
  private var done: [Copy] = []

  init(_ context: CUDAContext, _ staging: Staging) throws(TensorIOError) {
    stream = try CUDAStream(context)
    for _ in 0..<max(2, staging.buffersPerLane) {
      slots.append(
        Slot(
          buffer: try PinnedBuffer(context, byteCount: staging.bufferBytes),
          event: try CUDAEvent(context)))
    }
  }

  /// No buffer goes while a copy uses it.
  deinit { stream.settle() }

  /// The buffer whose turn it is; waits for the copy that used it last.
  func buffer() throws(TensorIOError) -> UnsafeMutableRawBufferPointer {
    try complete(turn)
    return unsafe slots[turn].buffer.region
  }

  /// Goes on to the next buffer without copying the one whose turn it was, and answers that.
  func skip() -> UnsafeMutableRawBufferPointer {
    defer { turn = (turn + 1) % slots.count }
    return unsafe slots[turn].buffer.region
  }

  /// Starts to copy the first bytes of the buffer whose turn it is.
  func send(_ count: Int, to address: UInt64, tag: Int) throws(TensorIOError) {
    try stream.copy(count, of: slots[turn].buffer, to: address)
    try started(Copy(tag: tag, byteCount: count))
  }

  /// Starts to copy into the buffer whose turn it is, after waiting for it.
  /// - Returns: what ``received(_:in:)`` wants to know.
  func request(_ count: Int, from address: UInt64) throws(TensorIOError) -> Int {
    try complete(turn)
    try stream.copy(count, from: address, to: slots[turn].buffer)
    let slot = turn
    try started(Copy(tag: 0, byteCount: count))
    return slot
  }

  /// Waits for a copy from the device; the bytes stay until the buffer has its turn again.
  func received(_ count: Int, in slot: Int) throws(TensorIOError) -> UnsafeRawBufferPointer {
    try complete(slot)
    return unsafe UnsafeRawBufferPointer(rebasing: slots[slot].buffer.region[..<count])
  }

  private func started(_ copy: Copy) throws(TensorIOError) {
    try slots[turn].event.record(in: stream)
    slots[turn].pending = copy
    turn = (turn + 1) % slots.count
  }

  private func complete(_ index: Int) throws(TensorIOError) {
    guard let copy = slots[index].pending else { return }
    slots[index].pending = nil
    try slots[index].event.synchronize()
    done.append(copy)
  }

  /// The copies that were found done since this was last asked.
  func takeDone() -> [Copy] {
    defer { done.removeAll(keepingCapacity: true) }
    return done
  }

  /// Waits for all copies.
  func finish() throws(TensorIOError) {
    for index in slots.indices { try complete(index) }
    try stream.synchronize()
  }
}
