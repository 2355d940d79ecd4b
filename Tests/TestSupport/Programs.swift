internal import Foundation

/// What a program printed and how it ended.
public struct ProgramResult: Sendable {
  public let status: Int32
  /// Whether a signal ended it.
  public let wasKilled: Bool
  public let output: String
  public let errors: String
}

/// Runs a program to its end.
public func run(
  _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
) throws -> ProgramResult {
  // Files hold any amount of output; pipes would fill up and block.
  let folder = try TemporaryFolder()
  try folder.write([], "out")
  try folder.write([], "err")
  let ending = try RunningProgram(
    program, arguments, input: try folder.write(Array(input.utf8), "in"),
    output: folder.path("out"), errors: folder.path("err"), environment: environment
  ).wait()
  let (status, wasKilled) =
    switch ending {
    case .exit(let status): (status, false)
    case .signal(let signal): (signal, true)
    }
  return ProgramResult(
    status: status, wasKilled: wasKilled,
    output: String(decoding: try bytes(of: folder.path("out")), as: UTF8.self),
    errors: String(decoding: try bytes(of: folder.path("err")), as: UTF8.self))
}

/// The command under test, built beside the tests.
public enum Command {
  /// The executable.
  public static let path: String = {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(filePath: tests).deletingLastPathComponent().appending(path: "tensorio").path
  }()

  /// Runs `tensorio` with arguments.
  public static func run(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) throws -> ProgramResult {
    try TestSupport.run(path, arguments, input: input, environment: environment)
  }

  /// Runs `tensorio` with a list of arguments.
  public static func run(list arguments: [String]) throws -> ProgramResult {
    try TestSupport.run(path, arguments)
  }
}

/// The real NumPy and PyTorch.
public enum Oracle {
  /// A Python with NumPy, or nil where `script/bootstrap` has not made one.
  public static let python: String? = {
    let environment = ProcessInfo.processInfo.environment
    let home = environment["HOME"] ?? "/root"
    let path = environment["TENSORIO_PYTHON"] ?? "\(home)/.cache/tensorio/venv/bin/python"
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  /// Whether that Python has PyTorch, which `script/bootstrap --with-torch` installs.
  public static let hasTorch: Bool = {
    let probe = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)"
    return (try? run(["-c", probe])) != nil
  }()

  /// Runs Python.
  /// - Throws: ``Missing`` when there is none; ``Failed`` when it fails.
  public static func run(_ arguments: [String]) throws -> String {
    guard let python else { throw Missing() }
    let result = try TestSupport.run(python, arguments)
    guard result.status == 0 else { throw Failed(errors: result.errors) }
    return result.output
  }

  /// There is no Python with NumPy; `script/bootstrap` makes one.
  public struct Missing: Error {
    public init() {}
  }
  /// Python failed.
  public struct Failed: Error { public let errors: String }
}
