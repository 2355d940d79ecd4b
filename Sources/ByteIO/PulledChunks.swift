internal import Dispatch

/// The chunks of a stream that runs on a thread of its own, one at a time, for whoever asks for them:
/// how two streams are read side by side.
///
/// For one reader, who closes it in the end.
@safe
package final class PulledChunks: Sendable {
  /// What hands chunks to its argument.
  package typealias Stream =
    @Sendable ((UnsafeRawBufferPointer) throws(TensorIOError) -> Void) throws(TensorIOError) -> Void

  @safe
  private struct State {
    var chunk: UnsafeRawBufferPointer?
    var error: TensorIOError?
    /// Whether the reader has the chunk.
    var isHandedOut = false
    var isEnded = false
    var isClosed = false
  }

  private let state = Locked(State())
  private let filled = DispatchSemaphore(value: 0)
  private let taken = DispatchSemaphore(value: 0)

  /// Starts the stream; it waits with every chunk until that is asked for, and let go of again.
  package init(_ stream: @escaping Stream) {
    // A queue of its own: a thread of a pool that all wait for each other would never come.
    DispatchQueue(label: "tensorio.stream").async { [self] in
      var failure: TensorIOError?
      do throws(TensorIOError) {
        unsafe try stream { (chunk) throws(TensorIOError) in unsafe try hand(chunk) }
      } catch {
        failure = error
      }
      state.withLock {
        $0.error = failure
        $0.isEnded = true
      }
      filled.signal()
    }
  }

  private func hand(_ chunk: UnsafeRawBufferPointer) throws(TensorIOError) {
    if unsafe chunk.isEmpty { return }
    // SAFETY: whoever asks for the chunk lets go of it before the stream goes on.
    state.withLock { unsafe $0.chunk = chunk }
    filled.signal()
    taken.wait()
    if state.withLock({ $0.isClosed }) { throw TensorIOError(.io, "nobody reads on") }
  }

  /// The next chunk, which is valid until the next call; nil at the end.
  /// - Throws: what the stream throws.
  package func next() throws(TensorIOError) -> UnsafeRawBufferPointer? {
    letGo()
    filled.wait()
    let (chunk, error, isEnded) = unsafe state.withLock { state in
      state.isHandedOut = !state.isEnded
      return unsafe (state.chunk, state.error, state.isEnded)
    }
    // The end is told as often as somebody asks.
    if isEnded { filled.signal() }
    if let error { throw error }
    return unsafe chunk
  }

  /// Ends the stream, wherever it is; returns when it has ended.
  package func close() {
    state.withLock { $0.isClosed = true }
    letGo()
    while true {
      filled.wait()
      let isEnded = state.withLock { state in
        state.isHandedOut = !state.isEnded
        return state.isEnded
      }
      if isEnded { return }
      letGo()
    }
  }

  private func letGo() {
    let hadChunk = state.withLock { state in
      defer { state.isHandedOut = false }
      if state.isHandedOut { unsafe state.chunk = nil }
      return state.isHandedOut
    }
    if hadChunk { taken.signal() }
  }
}
