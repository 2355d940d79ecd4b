import Foundation
import TestSupport
import Testing

/// The command on every hostile file, in a process with little memory and time.
@Suite struct HostileProcessTests {
  /// Bytes of address space and seconds.
  private static let (memory, time) = (1 << 30, 60)

  private func list(_ path: String, isLimited: Bool) throws -> ProgramResult {
    let limits = isLimited ? "ulimit -v \(Self.memory >> 10); ulimit -t \(Self.time);" : ""
    return try run("/bin/sh", ["-c", "\(limits) exec \"$0\" ls --json \"$1\"", Command.path, path])
  }

  @Test func noFileCrashesTheCommand() throws {
    guard let shared = Repository.shared else {
      print("the hostile files are not at hand: ../shared does not exist")
      return
    }
    let folder = shared.appending(path: "hostile")
    // A build with sanitizers needs more address space than there is.
    let benign = Repository.testFile("npy/valid/dtype-bool.npy")
    let isLimited = try list(benign, isLimited: true).status == 0
    if !isLimited { print("hostile files: the command does not start in \(Self.memory) bytes") }
    var counts: [Int32: Int] = [:]
    for row in try Table.rows(folder.appending(path: "index.tsv")) {
      guard let name = row["name"] else { continue }
      let path = folder.appending(path: "files/\(name)").path
      let result = try list(path, isLimited: isLimited)
      #expect(!result.wasKilled && (0...2).contains(result.status), "\(name): \(result)")
      if result.status == 2 { #expect(result.errors.contains("error: "), "\(name)") }
      counts[result.status, default: 0] += 1
    }
    print("hostile files in processes, by status: \(counts.sorted { $0.key < $1.key })")
    #expect(counts.values.reduce(0, +) > 300)
  }
}
