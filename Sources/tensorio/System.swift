// The libc calls of the command: standard streams, signals, the environment.

internal import Glibc
internal import Synchronization

/// A standard stream, written with every error noticed: `print` to a full disk reports nothing.
enum Stream: Int32 {
  case output = 1
  case error = 2

  /// Whether a person reads along.
  var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Whether bold text is wanted: on a terminal, unless `NO_COLOR` is set.
  var isStyled: Bool {
    guard isTerminal, let term = Environment["TERM"], term != "dumb" else { return false }
    return (Environment["NO_COLOR"] ?? "").isEmpty
  }

  /// Writes all of a text.
  /// - Throws: ``StreamError`` when the stream takes no more.
  func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[done...])
        let step = unsafe Glibc.write(rawValue, rest.baseAddress, rest.count)
        if step < 0, errno == EINTR { continue }
        guard step > 0 else { throw StreamError(reason: unsafe String(cString: strerror(errno))) }
        done += step
      }
    }
  }

  /// Writes a line; on standard error, failing is nothing that could be reported.
  func line(_ text: String) throws { try write(text + "\n") }
}

/// Standard output took no more.
struct StreamError: Error, CustomStringConvertible {
  let reason: String
  var description: String { "writing the output failed: \(reason)" }
}

/// The environment's variables.
enum Environment {
  static subscript(name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }
}

/// What the command does when it is interrupted or the ground gives way.
enum Signals {
  private static let interrupted = Atomic<Bool>(false)

  /// Whether the user asked to stop.
  static var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

  static func install() {
    // A write past the file-size limit is to be an error like any other.
    _ = signal(SIGXFSZ, SIG_IGN)
    // Touching a mapped page that another process has cut off the file.
    _ = signal(SIGBUS) { _ in
      let message: StaticString =
        "tensorio: error: an input file became shorter while it was being read; run it again\n"
      _ = unsafe Glibc.write(2, message.utf8Start, message.utf8CodeUnitCount)
      _exit(2)
    }
  }

  /// Turns the first interrupt into a flag that ``isInterrupted`` shows, so that what was begun is
  /// cleaned up; the second ends the process at once.
  static func catchInterrupts() {
    _ = isInterrupted  // Initialised here, not in the handler.
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let previous = signal(number) { number in
        if Signals.interrupted.exchange(true, ordering: .relaxed) { _exit(128 + number) }
      }
      // nohup and shells in the background ask for a signal to be ignored.
      if previous.isIgnored { _ = signal(number, SIG_IGN) }
    }
  }
}

extension Optional where Wrapped == @convention(c) (Int32) -> Void {
  fileprivate var isIgnored: Bool {
    unsafe unsafeBitCast(self, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}

/// Folders of the file system.
enum Folder {
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
