internal import Dispatch
internal import Synchronization

/// Loops over all cores.
package enum Parallel {
  /// The number of cores, or of threads that there is address space for.
  ///
  /// Dispatch tries again and again to make a thread, for ever where a limit (`ulimit -v`) leaves no
  /// room for one: its stack, and the arena that it allocates from.
  package static let coreCount: Int = {
    let threadBytes = 192 << 20
    let most = SystemCall.addressSpaceLeft.map { max(1, $0 / threadBytes) }
    return min(SystemCall.processorCount, most ?? .max)
  }()

  /// Runs `body` for 0..<count, on all cores, and returns when all have ended.
  /// - Throws: the error of the lowest index that failed; later indexes may not have run.
  package static func forEach(
    _ count: Int, _ body: @Sendable (Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    guard count > 1, coreCount > 1 else {
      for index in 0..<count { try body(index) }
      return
    }
    let failure = FirstFailure()
    DispatchQueue.concurrentPerform(iterations: count) { index in
      failure.run(index) { () throws(TensorIOError) in try body(index) }
    }
    try failure.throwIfAny()
  }

  /// Runs `body` for 0..<count as ``forEach(_:_:)`` does, with memory to work in: so many bytes for
  /// each core, aligned to 64, which hold anything at first.
  /// - Parameter batch: how many indexes that follow each other a core takes at a time.
  package static func forEach(
    _ count: Int, batch: Int = 1, scratchBytes: Int = 0,
    _ body: @Sendable (Int, UnsafeMutableRawBufferPointer) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let next = Atomic<Int>(0)
    let failure = FirstFailure()
    try forEach(min((count + batch - 1) / batch, coreCount)) { (_) throws(TensorIOError) in
      let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(1, scratchBytes), alignment: 64)
      defer { unsafe scratch.deallocate() }
      while true {
        let start = next.add(batch, ordering: .relaxed).oldValue
        guard start < count else { return }
        for index in start..<min(start + batch, count) {
          failure.run(index) { () throws(TensorIOError) in unsafe try body(index, scratch) }
        }
      }
    }
    try failure.throwIfAny()
  }

  /// The failure of the lowest index in a loop.
  private final class FirstFailure: Sendable {
    private let first = Locked<(index: Int, error: TensorIOError)?>(nil)

    /// Runs `body`, unless a lower index has failed.
    func run(_ index: Int, _ body: () throws(TensorIOError) -> Void) {
      if first.withLock({ $0.map { $0.index < index } ?? false }) { return }
      do throws(TensorIOError) {
        try body()
      } catch {
        first.withLock { first in
          if first.map({ index < $0.index }) ?? true { first = (index, error) }
        }
      }
    }

    func throwIfAny() throws(TensorIOError) {
      if let (_, error) = first.withLock({ $0 }) { throw error }
    }
  }

  /// What cores should write at a time of new memory: several of the pages of 2 MiB that it comes in,
  /// so that no two cores clear the same one.
  package static let writtenBytes = 8 << 20

  /// Runs `body` on another thread, some time soon; with one core, now.
  static func later(_ body: @escaping @Sendable () -> Void) {
    guard coreCount > 1 else { return body() }
    DispatchQueue.global(qos: .utility).async(execute: body)
  }

  /// Work that runs on another core from now on, for a verdict that is asked for later.
  package final class Check: Sendable {
    private let check: @Sendable () throws(TensorIOError) -> Void
    private let failure = ResultSlots<TensorIOError?>(count: 1, initial: nil)
    private let group = DispatchGroup()
    private let isTaken = Atomic<Bool>(false)

    /// Starts the work; with one core, waiting does it.
    package init(_ check: @escaping @Sendable () throws(TensorIOError) -> Void) {
      self.check = check
      guard coreCount > 1 else { return }
      DispatchQueue.global(qos: .userInitiated).async(group: group) { [self] in
        _ = runUnlessTaken()
      }
    }

    /// Does the work, unless another thread has begun it.
    private func runUnlessTaken() -> Bool {
      if isTaken.exchange(true, ordering: .acquiringAndReleasing) { return false }
      do throws(TensorIOError) {
        try check()
      } catch {
        failure[0] = error
      }
      return true
    }

    /// Returns when the work has ended.
    ///
    /// Does the work where no other thread has begun it: with little memory none ever will, since
    /// Dispatch tries to make one again and again.
    /// - Throws: what the work threw.
    package func wait() throws(TensorIOError) {
      if !runUnlessTaken() { group.wait() }
      if let error = failure[0] { throw error }
    }
  }

  /// Cuts `buffer` into chunks and runs `body` for each, on all cores.
  package static func forEachChunk(
    of buffer: UnsafeMutableRawBufferPointer, size: Int,
    _ body: @Sendable (UnsafeMutableRawBufferPointer, Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    // SAFETY: the chunks do not overlap, and `buffer` outlives the call.
    nonisolated(unsafe) let buffer = unsafe buffer
    unsafe try forEach((buffer.count + size - 1) / size) { (index) throws(TensorIOError) in
      let start = index * size
      let end = unsafe min(start + size, buffer.count)
      unsafe try body(UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end]), start)
    }
  }
}

extension Parallel {
  /// Does work for 0..<count on several threads, and hands the results on in order, on the caller's.
  ///
  /// The caller's thread works too: with little memory there may be no other, so none is waited for
  /// that has not begun. Nothing new is begun once `body` throws.
  package static func inOrder<Outcome: Sendable>(
    _ count: Int, width: Int, work: @escaping @Sendable (Int) -> Outcome,
    _ body: (Int, Outcome) throws -> Void
  ) throws {
    let slots = (0..<count).map { _ in OutcomeSlot<Outcome>() }
    let (next, isStopped) = (SharedCounter(), Locked(false))
    let doNext = { @Sendable () -> Bool in
      let index = next.takeNext()
      guard index < count, !isStopped.withLock({ $0 }) else { return false }
      slots[index].fill(work(index))
      return true
    }
    for _ in 1..<max(1, min(width, count)) {
      DispatchQueue.global(qos: .userInitiated).async { while doNext() {} }
    }
    defer { isStopped.withLock { $0 = true } }
    for (index, slot) in slots.enumerated() {
      while !slot.isFilled, doNext() {}
      try body(index, slot.wait())
    }
  }
}

extension Parallel {
  /// Runs `body` for 0..<count on several threads until it answers false, and returns when all that
  /// was begun has ended.
  ///
  /// The caller's thread works too: with little memory there may be no other, so none is waited for
  /// that has not begun.
  package static func untilStopped(
    _ count: Int, width: Int, _ body: @escaping @Sendable (Int) -> Bool
  ) {
    let (next, crew) = (SharedCounter(), Crew())
    let work = { @Sendable () -> Void in
      guard crew.enter() else { return }
      defer { crew.leave() }
      while true {
        let index = next.takeNext()
        guard index < count, crew.isWorking else { return }
        if !body(index) { crew.stop() }
      }
    }
    for _ in 1..<max(1, min(width, count)) {
      DispatchQueue.global(qos: .userInitiated).async(execute: work)
    }
    work()
    crew.waitForOthers()
  }
}

/// The threads that work on one loop.
private final class Crew: Sendable {
  private let state = Locked<(active: Int, isStopped: Bool)>((0, false))
  private let ending = DispatchSemaphore(value: 0)

  /// Whether more is to be begun.
  var isWorking: Bool { !state.withLock { $0.isStopped } }

  func stop() { state.withLock { $0.isStopped = true } }

  /// Joins, unless it is too late.
  func enter() -> Bool {
    state.withLock { state in
      if !state.isStopped { state.active += 1 }
      return !state.isStopped
    }
  }

  func leave() {
    state.withLock { $0.active -= 1 }
    ending.signal()
  }

  /// Lets nobody join any more, and returns when all have left.
  func waitForOthers() {
    stop()
    while state.withLock({ $0.active > 0 }) { ending.wait() }
  }
}

/// Numbers from 0 on, each given out once.
private final class SharedCounter: Sendable {
  private let value = Atomic<Int>(0)
  func takeNext() -> Int { value.add(1, ordering: .relaxed).oldValue }
}

/// A result that somebody waits for, once.
private final class OutcomeSlot<Outcome: Sendable>: Sendable {
  private let outcome = Locked<Outcome?>(nil)
  private let filling = DispatchSemaphore(value: 0)

  /// Whether the result is there and was not handed on yet.
  var isFilled: Bool { outcome.withLock { $0 != nil } }

  func fill(_ value: Outcome) {
    outcome.withLock { $0 = value }
    filling.signal()
  }

  func wait() -> Outcome {
    while true {
      filling.wait()
      // Results are not kept once they were handed on.
      if let value = outcome.withLock({ $0.take() }) { return value }
    }
  }
}
