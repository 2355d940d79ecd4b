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
    default: break
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

  /// One write, so that a line is whole or missing.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
  }
}
