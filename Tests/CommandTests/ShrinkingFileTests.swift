import Foundation
import TensorIO
import TestSupport
import Testing

/// Input files that another process cuts short or writes to while they are read.
@Suite struct ShrinkingFileTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// A sparse npy file of 2 GiB, in row-major or column-major order.
  private func big(isFortran: Bool) throws -> String {
    let side = 1 << 14
    let text =
      "{'descr': '<f8', 'fortran_order': \(isFortran ? "True" : "False"), "
      + "'shape': (\(side), \(side)), }"
    let padded = text + String(repeating: " ", count: 117 - text.utf8.count) + "\n"
    let header =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(padded.utf8.count), 0] + Array(padded.utf8)
    let path = try folder.write(header, "big.npy")
    let grown = unsafe truncate(path, header.count + side * side * 8)
    #expect(grown == 0)
    return path
  }

  /// A line and status 2, whatever the moment and the way in which the bytes are read.
  @Test(arguments: [
    ["hash"], ["stats"], ["show", "--slice", "16000:16010,16000:16010"], ["convert"],
  ])
  func aFileCutShortIsAnError(_ verb: [String]) throws {
    var (failed, passed) = (0, 0)
    for round in 0..<6 {
      let path = try big(isFortran: round % 2 == 1)
      let output = folder.path("out.npz")
      let errors = try folder.write([], "errors")
      let program = try RunningProgram(
        Command.path,
        [verb[0], path] + verb.dropFirst() + (verb == ["convert"] ? [output] : []), errors: errors)
      usleep(UInt32([2_000, 30_000, 60_000, 90_000, 150_000, 300_000][round]))
      _ = unsafe truncate(path, 5000)
      let ending = try program.wait()
      let text = String(decoding: try bytes(of: errors), as: UTF8.self)
      if ending == .exit(0) {
        // All that was asked for had been read.
        passed += 1
      } else {
        failed += 1
        #expect(ending == .exit(2), "\(verb), round \(round)")
        #expect(text.contains("tensorio: error: "), "\(verb), round \(round): \(text)")
        #expect(!FileManager.default.fileExists(atPath: output))
      }
      try? FileManager.default.removeItem(atPath: output)
      #expect(Set(try folder.contents()) == ["big.npy", "errors"])
    }
    print("cut short under \(verb[0]): \(failed) errors, \(passed) ended before")
  }
}
