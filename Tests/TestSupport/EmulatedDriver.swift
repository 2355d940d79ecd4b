internal import Foundation
internal import Glibc
internal import Synchronization

/// The emulated CUDA driver, built from `Tests/EmulatedCUDA`.
///
/// It is no product of the package, which would offer it to every user; the compiler that SwiftPM
/// builds C with makes it when a test first needs it, beside the test bundle.
@safe
public final class EmulatedDriver: Sendable {
  /// Something that the driver was not able to do.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// The path of a copy of the library, with a state of its own.
  public let path: String
  private let folder: TemporaryFolder
  // SAFETY: the address of a library that stays loaded.
  private nonisolated(unsafe) let library: UnsafeMutableRawPointer

  /// Loads a driver of its own.
  public init() throws {
    folder = try TemporaryFolder()
    path = folder.path("libcuda-emulated.so")
    try FileManager.default.copyItem(atPath: try Self.built.get(), toPath: path)
    guard let library = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw Failure(description: "\(path) cannot be opened")
    }
    unsafe self.library = library
  }

  /// The library on the disk, for processes that load it themselves.
  public static let built: Result<String, any Error> = Result { try build() }

  private static func build() throws -> String {
    let sources = Repository.root.appending(path: "Tests/EmulatedCUDA")
    let names = try FileManager.default.contentsOfDirectory(atPath: sources.path).sorted()
    let files = names.filter { $0.hasSuffix(".c") }.map { sources.appending(path: $0).path }
    guard !files.isEmpty else { throw Failure(description: "\(sources.path) has no sources") }
    let folder = URL(filePath: Command.path).deletingLastPathComponent()
    let library = folder.appending(path: "libcuda-emulated.so").path
    // Two processes may be at it at once.
    let unfinished = library + ".\(getpid())"
    let arguments =
      [
        "clang", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-fPIC",
        "-shared", "-pthread", "-o", unfinished,
      ] + sanitizer + files
    let result = try run("/usr/bin/env", arguments)
    guard result.status == 0 else {
      throw Failure(description: "clang: \(result.errors)")
    }
    guard unsafe rename(unfinished, library) == 0 else {
      throw Failure(description: "\(library) cannot be written")
    }
    return library
  }

  /// The sanitizer that the tests themselves run under.
  private static var sanitizer: [String] {
    let this = unsafe dlopen(nil, RTLD_NOW)
    if unsafe dlsym(this, "__tsan_init") != nil { return ["-fsanitize=thread"] }
    if unsafe dlsym(this, "__asan_init") != nil {
      return ["-fsanitize=address"]
    }
    return []
  }

  private func function(_ name: String) -> UnsafeMutableRawPointer {
    guard let symbol = unsafe dlsym(library, name) else {
      fatalError("the emulated driver has no \(name)")
    }
    return unsafe symbol
  }

  /// Forgets everything; no call may be under way.
  public func reset() {
    typealias Function = @convention(c) () -> Void
    unsafe unsafeBitCast(function("tio_emulated_reset"), to: Function.self)()
  }

  /// Changes how the driver behaves; the names are in `Tests/EmulatedCUDA/state.c`.
  public func set(_ name: String, _ value: Int) {
    typealias Function = @convention(c) (UnsafePointer<CChar>, Int64) -> Void
    unsafe unsafeBitCast(function("tio_emulated_set"), to: Function.self)(name, Int64(value))
  }

  /// Makes the n-th call of a function from now on fail.
  public func fail(_ call: String, nth: Int = 1, status: Int = 719) {
    typealias Function = @convention(c) (UnsafePointer<CChar>, Int64, Int64) -> Void
    unsafe unsafeBitCast(function("tio_emulated_fail"), to: Function.self)(
      call, Int64(nth), Int64(status))
  }

  /// A count, by its name in `Tests/EmulatedCUDA/state.c`.
  public subscript(name: String) -> Int {
    typealias Function = @convention(c) (UnsafePointer<CChar>) -> Int64
    return unsafe Int(unsafeBitCast(function("tio_emulated_get"), to: Function.self)(name))
  }

  /// The first thing that no program may do, or an empty text.
  public var misuse: String {
    typealias Function = @convention(c) () -> UnsafePointer<CChar>
    return unsafe String(
      cString: unsafeBitCast(function("tio_emulated_misuse"), to: Function.self)())
  }

  /// Hands out device memory, as a kernel would see it.
  public func withMemory(
    _ address: UInt64, _ byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void
  ) {
    typealias Function = @convention(c) (UInt64, Int) -> UnsafeMutableRawPointer?
    let start = unsafe unsafeBitCast(function("tio_emulated_host"), to: Function.self)(
      address, byteCount)
    unsafe body(UnsafeMutableRawBufferPointer(start: start, count: start == nil ? 0 : byteCount))
  }

  /// What is still held, and what was done wrong; empty when all is well.
  public var complaints: [String] {
    let held = [
      "live_allocations", "live_pinned", "live_streams", "live_events", "live_contexts",
    ].filter { self[$0] != 0 }.map { "\($0)=\(self[$0])" }
    let wrong = misuse.isEmpty ? [] : ["misuse: \(misuse)"]
    let slow = self["pageable_copies"] == 0 ? [] : ["copies of memory that is not pinned"]
    return held + wrong + slow
  }
}
