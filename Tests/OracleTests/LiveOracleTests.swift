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

  private func compare(_ archive: TensorArchive, with file: GoldenFile) throws {
    for array in file.distinctTensors {
      guard let tensor = archive[array.name] else {
        Issue.record("\(file.file): no tensor '\(array.name)'")
        continue
      }
      for difference in try array.differences(from: tensor) {
        Issue.record("\(file.file) '\(array.name)': \(difference)")
      }
    }
  }

  @Test func aThousandArraysThereAndBack() throws {
    guard hasOracle() else { return }
    let folder = try TemporaryFolder()
    let seed = Int.random(in: 0..<1_000_000)
    print("live oracle, npy: seed \(seed)")
    _ = try Oracle.run([
      Self.script, "write", "--seed", "\(seed)", "--count", "1000", folder.url.path,
    ])
    let files = try manifest(folder)
    #expect(files.count == 1000)
    for file in files {
      let archive = try TensorArchive(contentsOf: folder.path(file.file))
      try compare(archive, with: file)
      let copy = folder.path(file.file.replacingOccurrences(of: ".npy", with: ".out.npy"))
      try archive.write(to: copy)
    }
    let output = try Oracle.run([Self.script, "check", folder.url.path])
    let verdict = try JSONDecoder().decode(Verdict.self, from: Data(output.utf8))
    print(
      "live oracle, npy: \(verdict.equal) equal, \(verdict.identical_files ?? -1) identical of \(verdict.count)"
    )
    #expect(verdict.equal == 1000, "\(verdict.failures)")
    #expect(verdict.identical_files == 1000, "\(verdict.failures)")
  }

  @Test func twoHundredArchivesThereAndBack() throws {
    guard hasOracle() else { return }
    let folder = try TemporaryFolder()
    let seed = Int.random(in: 0..<1_000_000)
    print("live oracle, npz: seed \(seed)")
    _ = try Oracle.run([
      Self.script, "write-npz", "--seed", "\(seed)", "--count", "200", folder.url.path,
    ])
    let files = try manifest(folder)
    #expect(files.count == 200)
    for (index, file) in files.enumerated() {
      let archive = try TensorArchive(contentsOf: folder.path(file.file))
      try compare(archive, with: file)
      var options = WritingOptions()
      options.compressionLevel = index % 2 == 0 ? nil : 1 + index % 12
      let copy = folder.path(file.file.replacingOccurrences(of: ".npz", with: ".out.npz"))
      try archive.write(to: copy, options: options)
    }
    let output = try Oracle.run([Self.script, "check-npz", folder.url.path])
    let verdict = try JSONDecoder().decode(Verdict.self, from: Data(output.utf8))
    print("live oracle, npz: \(verdict.equal) equal of \(verdict.count)")
    #expect(verdict.equal == 200, "\(verdict.failures)")
  }
}
