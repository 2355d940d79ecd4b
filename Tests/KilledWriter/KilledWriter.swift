// A program that writes until it is killed. The tests do that, and look at what it left.

internal import Glibc
internal import TensorIO

/// `killed-writer npy FILE WIDTH`, `killed-writer npz FILE`.
@main
enum KilledWriter {
  static func main() throws {
    let arguments = CommandLine.arguments
    switch arguments.dropFirst().first {
    case "npy": try appendRows(to: arguments[2], width: Int(arguments[3]) ?? 1)
    case "npz": try edit(arguments[2])
    default: say("usage: killed-writer npy FILE WIDTH | npz FILE")
    }
  }

  /// Appends rows of which every element is its own index, and says after each flush how many rows are
  /// in the file.
  private static func appendRows(to path: String, width: Int) throws {
    let writer = try NPYWriter(appendingTo: path)
    say("opened \(writer.count)")
    var random = SystemRandomNumberGenerator()
    while true {
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let rows = Int.random(in: 1...200, using: &random)
        let start = writer.count * width
        try writer.append(
          try Tensor((start..<start + rows * width).map(Int64.init), shape: [rows, width]))
      }
      try writer.flush()
      say("flushed \(writer.count)")
    }
  }

  /// Edits an archive again and again, and says after each commit which it was.
  ///
  /// In edit n the array `round` becomes n, `m<n>` is added, and `m<n - 3>` is removed.
  private static func edit(_ path: String) throws {
    var random = SystemRandomNumberGenerator()
    var round = try Int(TensorArchive(contentsOf: path).tensor("round").array(of: Int64.self)[0])
    while true {
      round += 1
      let editor = try NPZEditor(path, compressionLevel: round % 2 == 0 ? nil : 1)
      let count = Int.random(in: 1...20_000, using: &random)
      let members = [Int64](repeating: Int64(round), count: count)
      try editor.add("m\(round)", try Tensor(members))
      try editor.replace("round", try Tensor([Int64(round)]))
      if editor.contains("m\(round - 3)") { try editor.remove("m\(round - 3)") }
      try editor.commit()
      say("committed \(round)")
    }
  }

  /// One write, so that a line is whole or missing.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
  }
}
