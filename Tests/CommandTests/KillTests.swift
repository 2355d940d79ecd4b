import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio convert`, killed at any moment, and beside others that write the same file.
@Suite(.serialized) struct KillTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// An archive of a few MB that says which one it is.
  private func input(_ number: Int, megabytes: Int) throws -> String {
    let path = folder.path("in-\(number).npz")
    let names = (0..<8).map { "t\($0)" }
    let count = megabytes << 17
    let values = [Float](repeating: Float(number), count: count / 4)
    let tensors = try names.map { ($0, try Tensor(values)) }
    try TensorArchive(tensors).write(to: path)
    return path
  }

  private func start(_ arguments: String...) throws -> RunningProgram {
    try RunningProgram(Command.path, arguments)
  }

  /// What remains is the whole old file or the whole new one.
  ///
  /// `TENSORIO_KILLS` sets how often, `TENSORIO_SEED` when.
  @Test(arguments: ["out.npz", "out.pt"])
  func aKilledConversionLeavesAWholeFile(_ name: String) throws {
    let environment = ProcessInfo.processInfo.environment
    let kills = (environment["TENSORIO_KILLS"].flatMap { Int($0) } ?? 40) / 2
    let seed = environment["TENSORIO_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...(.max))
    print("kills of \(name): seed \(seed)")
    var random = SplitMix(state: seed)
    let inputs = try (0..<2).map { try input($0, megabytes: 8) }
    let output = folder.path(name)
    // Conversions are deterministic, so whole files are known byte by byte.
    var whole: [[UInt8]] = []
    var longest = 0.0
    for input in inputs {
      let start = Date()
      #expect(try Command.run("convert", input, output, "--force").status == 0)
      longest = max(longest, Date().timeIntervalSince(start))
      whole.append(try bytes(of: output))
    }
    var (old, ended, strays) = (1, 0, [String]())
    var (kept, replaced) = (0, 0)
    for index in 0..<kills {
      let process = try start("convert", inputs[index % 2], output, "--force")
      usleep(UInt32(random.next() % UInt64(longest * 1.2e6)))
      process.send(SIGKILL)
      if try process.wait() != .signal(SIGKILL) { ended += 1 }
      let found = try whole.firstIndex(of: bytes(of: output))
      #expect(found != nil, "kill \(index): the output is neither file")
      if let found {
        if found == old { kept += 1 } else { replaced += 1 }
        old = found
      }
      let names = Set(try folder.contents()).subtracting(["in-0.npz", "in-1.npz", name])
      strays += names
      for stray in names { _ = unsafe unlink(folder.path(stray)) }
    }
    print(
      "kills of \(name): \(kills), \(ended) too late, \(kept) kept the output, \(replaced) "
        + "replaced it, stray files \(strays)")
    // A name of its own exists between two system calls only, and says what it is.
    #expect(strays.allSatisfy { $0.hasPrefix(".\(name).tensorio-") && $0.hasSuffix(".tmp") })
  }

  /// Of several writers of one file the last wins, and its file is whole.
  @Test func writersOfOneFileDoNotMix() throws {
    let inputs = try (0..<4).map { try input($0, megabytes: 1) }
    let output = folder.path("out.npz")
    var whole: [[UInt8]] = []
    for input in inputs {
      #expect(try Command.run("convert", input, output, "--force").status == 0)
      whole.append(try bytes(of: output))
    }
    var winners: Set<Int> = []
    let rounds = 15
    for round in 0..<rounds {
      let processes = try inputs.map { try start("convert", $0, output, "--force") }
      for process in processes {
        #expect(try process.wait() == .exit(0))
        let found = try whole.firstIndex(of: bytes(of: output))
        #expect(found != nil, "round \(round): the output is none of the files")
        if let found { winners.insert(found) }
      }
    }
    print("writers of one file: \(rounds * inputs.count), winners \(winners.sorted())")
    #expect(try folder.contents() == (0..<4).map { "in-\($0).npz" } + ["out.npz"])
  }
}
