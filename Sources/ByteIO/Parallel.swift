internal import Dispatch
internal import Synchronization

/// Loops over all cores.
package enum Parallel {
  /// The number of cores.
  package static let coreCount = SystemCall.processorCount

  /// Runs `body` for 0..<count, on all cores, and returns when all have ended.
  /// - Throws: the error of the lowest index that failed; later indexes may not have run.
  package static func forEach(
    _ count: Int, _ body: @Sendable (Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    guard count > 1, coreCount > 1 else {
      for index in 0..<count { try body(index) }
      return
    }
    let failure = Mutex<(index: Int, error: TensorIOError)?>(nil)
    DispatchQueue.concurrentPerform(iterations: count) { index in
      if failure.withLock({ $0.map { $0.index < index } ?? false }) { return }
      do throws(TensorIOError) {
        try body(index)
      } catch {
        failure.withLock { first in
          if first.map({ index < $0.index }) ?? true { first = (index, error) }
        }
      }
    }
    if let (_, error) = failure.withLock({ $0 }) { throw error }
  }

  /// Runs `body` on another thread, some time soon.
  static func later(_ body: @escaping @Sendable () -> Void) {
    DispatchQueue.global(qos: .utility).async(execute: body)
  }

  /// Runs `check` on another core while `body` runs here, and returns when both have ended.
  /// - Throws: what `check` throws, else what `body` throws.
  package static func checking<R>(
    _ check: @escaping @Sendable () throws(TensorIOError) -> Void,
    _ body: () throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    guard coreCount > 1 else {
      try check()
      return try body()
    }
    let failure = ResultSlots<TensorIOError?>(count: 1, initial: nil)
    let group = DispatchGroup()
    DispatchQueue.global(qos: .userInitiated).async(group: group) {
      do throws(TensorIOError) {
        try check()
      } catch {
        failure[0] = error
      }
    }
    let outcome = Result { () throws(TensorIOError) in try body() }
    group.wait()
    if let error = failure[0] { throw error }
    return try outcome.get()
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
