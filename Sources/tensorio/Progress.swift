internal import ByteIO
internal import Glibc

/// A bar on standard error while bytes are written, where that is a terminal: how much of them, how
/// fast of late, and how long the rest will take.
///
/// Several threads may advance it.
final class Progress: Sendable {
  private struct State {
    var done = 0
    var shownPercent = -1
    /// When how much was done, of the last seconds.
    var samples: [(time: ContinuousClock.Instant, done: Int)] = []
  }

  private let total: Int
  private let isShown: Bool
  private let state: Locked<State>

  /// How much of the past makes the rate.
  private static let window = Duration.seconds(5)
  /// How long a bar stays as it is while no percent is added.
  private static let pause = Duration.milliseconds(250)

  /// - Parameter total: in bytes.
  init(total: Int) {
    self.total = total
    // Small conversions are over before a bar could be read.
    isShown = Stream.error.isTerminal && total > 64 << 20
    state = Locked(State(samples: [(ContinuousClock.now, 0)]))
  }

  func advance(_ bytes: Int) {
    guard isShown else { return }
    state.withLock { state in
      state.done = min(total, state.done.addingSaturated(bytes))
      let now = ContinuousClock.now
      let percent = Int(100 * Double(state.done) / Double(max(1, total)))
      let isDue = state.samples.last.map { now - $0.time > Self.pause } ?? true
      guard percent != state.shownPercent || isDue else { return }
      state.shownPercent = percent
      state.samples.append((now, state.done))
      // The oldest that is kept is just before the window.
      while state.samples.count > 2, now - state.samples[1].time > Self.window {
        state.samples.removeFirst()
      }
      show(state)
    }
  }

  /// Prints something else without mixing both.
  func paused<R>(_ body: () -> R) -> R {
    guard isShown else { return body() }
    return state.withLock { state in
      erase()
      defer { show(state) }
      return body()
    }
  }

  func finish() {
    if isShown { state.withLock { _ in erase() } }
  }

  private func erase() { try? Stream.error.write("\r\u{1b}[K") }

  private func show(_ state: State) {
    let percent = max(0, state.shownPercent)
    let bar =
      String(repeating: "=", count: percent / 4) + String(repeating: " ", count: 25 - percent / 4)
    let text = "[\(bar)] \(percent)% of \(total.byteText)" + rateText(state)
    try? Stream.error.write("\r\(text)\u{1b}[K")
  }

  /// `, 512.0 MB/s, 0:42 left`, once there is something to tell it from.
  private func rateText(_ state: State) -> String {
    guard let first = state.samples.first, let last = state.samples.last else { return "" }
    let (seconds, fraction) = (last.time - first.time).components
    let time = Double(seconds) + Double(fraction) / 1e18
    guard time > 0, last.done > first.done else { return "" }
    let rate = Double(last.done - first.done) / time
    let left = (Double(total - state.done) / rate).rounded(.up)
    guard rate < 1e18, left < 1e9 else { return "" }
    return ", \(Int(rate).byteText)/s, \(Self.timeText(Int(left))) left"
  }

  /// `0:07`, `1:02:03`.
  private static func timeText(_ seconds: Int) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
    return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":" + two(seconds % 60)
  }
}

/// The part of a bar that one of several files has: as much as its input is large, whatever is
/// written of it.
final class ProgressShare: Sendable {
  private let size: Int
  private let progress: Progress
  private let state = Locked<(written: Double, shown: Int)>((0, 0))

  init(of size: Int, _ progress: Progress) {
    self.size = size
    self.progress = progress
  }

  /// - Parameter total: how many bytes will be written.
  func advance(_ bytes: Int, of total: Int) {
    let step = state.withLock { state in
      state.written += Double(bytes)
      let share = min(1, state.written / Double(max(1, total)))
      let shown = Int(Double(size) * share)
      defer { state.shown = max(shown, state.shown) }
      return max(0, shown - state.shown)
    }
    if step > 0 { progress.advance(step) }
  }

  /// The rest of it, however the file ended.
  func finish() {
    let rest = state.withLock { state in
      defer { state.shown = size }
      return size - state.shown
    }
    if rest > 0 { progress.advance(rest) }
  }
}
