import Foundation
import TensorIO
import TestSupport
import Testing

/// The bar, through a pseudo terminal.
@Suite struct ProgressTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func input(_ name: String, megabytes: Int) throws -> String {
    let tensor = try Tensor(
      dtype: .uint8, shape: [megabytes << 20], strides: [0], storage: Tensor([7 as UInt8]).storage)
    try tensor.write(to: folder.path(name))
    return folder.path(name)
  }

  /// What a command prints on a terminal as standard error.
  private func terminal(_ arguments: String...) throws -> String {
    let script = Repository.root.appending(path: "Tests/Oracle/terminal.py").path
    guard let python = Oracle.python else { throw Oracle.Missing() }
    return try run(python, [script, Command.path] + arguments).output
  }

  /// The percents of a bar, which has to be of this form each time it is drawn, and has to go in the
  /// end.
  private func percents(_ printed: String, of total: String) throws -> [Int] {
    let bars = printed.split(separator: "\r").map(String.init).filter { $0.hasPrefix("[") }
    let form = try Regex(
      #"\[(=*) *\] ([0-9]+)% of "# + total
        + #"(, [0-9.]+ [kMGT]?B/s, [0-9:]+ left)?\u{1b}\[K"#)
    var percents: [Int] = []
    for bar in bars {
      let match = try #require(try form.wholeMatch(in: bar), "\(bar.debugDescription)")
      let percent = try #require(match.output[2].substring.flatMap { Int($0) })
      #expect(match.output[1].substring?.count == percent / 4)
      percents.append(percent)
    }
    #expect(bars.contains { $0.contains("B/s") && $0.contains(" left") })
    // Erased in the end, with nothing but messages behind.
    let rest = printed.components(separatedBy: "\r\u{1b}[K").last ?? ""
    #expect(!rest.contains("% of"))
    return percents
  }

  @Test func oneFile() throws {
    let big = try input("big.npy", megabytes: 96)
    let shown = try percents(terminal("convert", big, folder.path("out.npz")), of: "100.7 MB")
    #expect(shown == shown.sorted() && shown.last == 100 && shown.count > 10)
  }

  /// A storage that two tensors share is written once.
  @Test func tiedTensors() throws {
    let tensor = try Tensor.zeros([80 << 20], dtype: .uint8)
    let tied = folder.path("tied.pt")
    try TensorArchive([("a", tensor), ("b", tensor)]).write(to: tied)
    let shown = try percents(terminal("convert", tied, folder.path("out.pt")), of: "83.9 MB")
    #expect(shown == shown.sorted() && shown.last == 100)
  }

  /// Several jobs advance one bar, and what is up to date or fails counts as done.
  @Test(arguments: ["1", "4"])
  func manyFiles(_ jobs: String) throws {
    for number in 0..<4 { _ = try input("f\(number).npy", megabytes: 24) }
    let files = (0..<4).map { folder.path("f\($0).npy") }
    let cut = try folder.write(Array(try bytes(of: files[0]).prefix(20 << 20)), "cut.npy")
    let out = folder.path("out")
    for dtype in ["float32", "uint8"] {
      // Twice and four times as many bytes as are read, or as many.
      let printed = try terminal(
        "convert", "--out-dir", out, "--to", "npz", "--jobs", jobs, "--dtype", "*=\(dtype)",
        files[0], files[1], cut, files[2], files[3])
      let shown = try percents(printed, of: "121.6 MB")
      #expect(shown == shown.sorted() && shown.last == 100)
      #expect(printed.contains("5 files: 4 converted, 0 up to date, 1 failed"))
      #expect(printed.contains("cut.npy: "))
    }
  }

  @Test func noTerminalNoBar() throws {
    let big = try input("big.npy", megabytes: 70)
    let result = try Command.run("convert", big, folder.path("out.npz"))
    #expect(result.status == 0 && result.errors.isEmpty)
    let batch = try Command.run("convert", "--out-dir", folder.path("o"), "--to", "npz", big)
    #expect(batch.errors == "tensorio: 1 file: 1 converted, 0 up to date, 0 failed\n")
  }
}
