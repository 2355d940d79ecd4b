internal import Glibc
internal import Synchronization

/// A bar on standard error while a conversion runs, where that is a terminal.
final class Progress: Sendable {
  private struct State {
    var done = 0
    var shown = -1
  }

  private let total: Int
  private let isShown: Bool
  private let state = Mutex(State())

  /// - Parameter total: in bytes.
  init(total: Int) {
    self.total = total
    // Small conversions are over before a bar could be read.
    isShown = Stream.error.isTerminal && total > 64 << 20
  }

  func advance(_ bytes: Int) {
    guard isShown else { return }
    let percent = state.withLock { state -> Int? in
      state.done += bytes
      let percent = min(100, state.done * 100 / max(1, total))
      defer { state.shown = percent }
      return percent == state.shown ? nil : percent
    }
    guard let percent else { return }
    let bar =
      String(repeating: "=", count: percent / 4) + String(repeating: " ", count: 25 - percent / 4)
    try? Stream.error.write("\r[\(bar)] \(percent)% of \(total.byteText)")
  }

  func finish() {
    if isShown { try? Stream.error.write("\r\u{1b}[K") }
  }
}
