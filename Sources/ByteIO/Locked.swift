internal import Glibc

/// A value that one thread at a time uses.
///
/// Does what `Mutex` does with a lock of the system's, which ThreadSanitizer understands: of `Mutex`
/// it sees neither locking nor unlocking on Linux, and reports races that are none.
@safe
package final class Locked<Value>: @unchecked Sendable {
  // SAFETY: both are made in `init` and freed in `deinit`; the value is touched under the lock alone.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  package init(_ value: sending Value) {
    unsafe lock = .allocate(capacity: 1)
    unsafe lock.initialize(to: pthread_mutex_t())
    _ = unsafe pthread_mutex_init(lock, nil)
    self.value = value
  }

  deinit {
    _ = unsafe pthread_mutex_destroy(lock)
    unsafe lock.deallocate()
  }

  /// Runs `body` when no other thread does.
  package func withLock<R, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> R
  ) throws(Failure) -> R {
    _ = unsafe pthread_mutex_lock(lock)
    defer { _ = unsafe pthread_mutex_unlock(lock) }
    return try body(&value)
  }
}
