internal import Foundation

/// A program that runs beside the tests.
///
/// Foundation's `Process` waits in the run loop of its thread; with several threads that start
/// programs, one of them was seen to wait for ever. This waits for the process itself, and no
/// longer than it is told to.
public struct RunningProgram: Sendable {
  /// How a program ended.
  public enum Ending: Sendable, Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  /// A program that could not be started.
  public struct NotStarted: Error {
    public let program: String
    public let code: Int32
  }

  /// A program that did not end in time, and was ended.
  public struct TimedOut: Error {
    public let program: String
    public let arguments: [String]
    public let seconds: Double
  }

  private let identifier: pid_t
  private let program: String
  private let arguments: [String]

  /// Starts a program that blocks and ignores no signal.
  ///
  /// `input`, `output` and `errors` are paths; `environment` adds to that of the tests.
  public init(
    _ program: String, _ arguments: [String], input: String = "/dev/null",
    output: String = "/dev/null", errors: String = "/dev/null",
    environment: [String: String] = [:]
  ) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    let written = O_WRONLY | O_CREAT | O_APPEND
    unsafe posix_spawn_file_actions_addopen(&actions, 1, output, written, 0o644)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, errors, written, 0o644)

    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var (all, none) = (sigset_t(), sigset_t())
    unsafe sigfillset(&all)
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    var identifier: pid_t = 0
    let code = unsafe withCStrings([program] + arguments) { words in
      unsafe withCStrings(variables.map { "\($0)=\($1)" }) { variables in
        unsafe posix_spawn(&identifier, program, &actions, &attributes, words, variables)
      }
    }
    guard code == 0 else { throw NotStarted(program: program, code: code) }
    (self.identifier, self.program, self.arguments) = (identifier, program, arguments)
  }

  /// Sends a signal, which may come too late.
  public func send(_ signal: Int32) {
    kill(identifier, signal)
  }

  /// Waits for the end, once.
  /// - Throws: ``TimedOut`` after so many seconds.
  public func wait(atMost seconds: Double = 1200) throws -> Ending {
    let start = Date()
    var (status, pause): (Int32, UInt32) = (0, 200)
    while unsafe waitpid(identifier, &status, WNOHANG) == 0 {
      guard Date().timeIntervalSince(start) < seconds else {
        send(SIGKILL)
        _ = unsafe waitpid(identifier, &status, 0)
        throw TimedOut(program: program, arguments: arguments, seconds: seconds)
      }
      usleep(pause)
      pause = min(pause * 2, 5_000)
    }
    let signal = status & 0x7f
    return signal == 0 ? .exit((status >> 8) & 0xff) : .signal(signal)
  }
}

/// Strings as C has lists of them: pointers and a null.
private func withCStrings<Result>(
  _ strings: [String],
  _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  let copies = unsafe strings.map { unsafe strdup($0) } + [nil]
  defer { unsafe copies.forEach { unsafe free($0) } }
  return unsafe copies.withUnsafeBufferPointer { list in
    // An array with a null in it has a first element.
    unsafe body(list.baseAddress.unsafelyUnwrapped)
  }
}
