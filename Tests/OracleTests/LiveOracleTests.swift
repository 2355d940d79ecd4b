import Foundation
import TensorIO
import TestSupport
import Testing

/// Random files written by the real NumPy and read here, written here and read by NumPy.
@Suite struct LiveOracleTests {
  private static let script = Repository.root.appending(path: "Tests/Oracle/live_oracle.py").path

  private struct Manifest: Decodable { let files: [GoldenFile] }
  private struct Verdict: Decodable {
    let count: Int
    let equal: Int
    let identical_files: Int?
    let failures: [Failure]
  }
  /// A failure in the script's own words.
  private struct Failure: Decodable, CustomStringConvertible {
    let description: String
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        description = text
      } else {
        description = "\(try container.decode([String: String].self))"
      }
    }
  }

  /// Whether to go on: without Python the run says so, and in CI fails.
  private func hasOracle() -> Bool {
    if Oracle.python != nil { return true }
    if Repository.isCI {
      Issue.record("no Python with NumPy: script/bootstrap makes one")
    } else {
      print("LIVE ORACLE LEFT OUT: no Python with NumPy; script/bootstrap makes one")
    }
    return false
  }

  private func manifest(_ folder: TemporaryFolder) throws -> [GoldenFile] {
    let data = try Data(contentsOf: folder.url.appending(path: "manifest.json"))
    return try JSONDecoder().decode(Manifest.self, from: data).files
  }

  /// Has NumPy write random files, hands each to `copy` to be compared and written again, and answers
  /// what NumPy says of the copies.
  private func exchange(
    _ suffix: String, ending: String, count: Int,
    _ copy: (_ archive: TensorArchive, _ index: Int, _ path: String) throws -> Void
  ) throws -> Verdict {
    let folder = try TemporaryFolder()
    let seed = Int.random(in: 0..<1_000_000)
    print("live oracle, \(ending): seed \(seed)")
    _ = try Oracle.run([
      Self.script, "write\(suffix)", "--seed", "\(seed)", "--count", "\(count)", folder.url.path,
    ])
    let files = try manifest(folder)
    #expect(files.count == count)
    for (index, file) in files.enumerated() {
      let archive = try TensorArchive(contentsOf: folder.path(file.file))
      for difference in try file.differences(from: archive) { Issue.record("\(difference)") }
      let name = file.file.replacingOccurrences(of: ".\(ending)", with: ".out.\(ending)")
      try copy(archive, index, folder.path(name))
    }
    let output = try Oracle.run([Self.script, "check\(suffix)", folder.url.path])
    let verdict = try JSONDecoder().decode(Verdict.self, from: Data(output.utf8))
    print("live oracle, \(ending): \(verdict.equal) equal of \(verdict.count)")
    #expect(verdict.equal == count, "\(verdict.failures)")
    return verdict
  }

  @Test func aThousandArraysThereAndBack() throws {
    guard hasOracle() else { return }
    let verdict = try exchange("", ending: "npy", count: 1000) { archive, _, path in
      try archive.write(to: path)
    }
    print("live oracle, npy: \(verdict.identical_files ?? -1) identical to np.save's")
    #expect(verdict.identical_files == 1000, "\(verdict.failures)")
  }

  @Test func twoHundredArchivesThereAndBack() throws {
    guard hasOracle() else { return }
    _ = try exchange("-npz", ending: "npz", count: 200) { archive, index, path in
      var options = WritingOptions()
      options.compressionLevel = index % 2 == 0 ? nil : 1 + index % 12
      try archive.write(to: path, options: options)
    }
  }
}
