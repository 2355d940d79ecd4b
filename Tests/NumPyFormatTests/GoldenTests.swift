import ByteIO
import Crypto
import TensorIO
import TestSupport
import Testing

/// Every file of the test data, valid and invalid, against what NumPy said of it.
@Suite struct GoldenTests {
  /// Valid for NumPy, refused here, and why.
  private static let refused = [
    "npy/valid/handmade-escape-named.npy": "characters by their Unicode names",
    "npz/valid/path-nul.npz": "a name with a NUL byte",
  ]
  /// Refused by NumPy for its header limit, which is lower than ours.
  private static func isAcceptedHere(_ file: GoldenFile) -> Bool { file.limit == "header" }

  @Test(arguments: ["npy", "npz"])
  func opensWhatNumPyOpens(_ format: String) throws {
    let files = try GoldenFile.all(format).filter { ["ok", "object"].contains($0.expected) }
    #expect(files.count > 50)
    for file in files where !file.file.contains("/invalid/") {
      if Self.refused[file.file] != nil {
        #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: file.path) }
        continue
      }
      let archive = try TensorArchive(contentsOf: file.path)
      for array in file.distinctTensors {
        // A file of several arrays is a list here; NumPy reads the first.
        guard let tensor = archive[array.name] ?? archive.entries.first?.tensor else {
          Issue.record("\(file.file): no tensor '\(array.name)'")
          continue
        }
        for difference in try array.differences(from: tensor) {
          Issue.record("\(file.file) '\(array.name)': \(difference)")
        }
      }
    }
  }

  @Test(arguments: ["npy", "npz"])
  func writesWhatNumPyWrites(_ format: String) throws {
    var compared = 0
    let folder = try TemporaryFolder()
    for file in try GoldenFile.all(format) where file.expected == "ok" {
      guard Self.refused[file.file] == nil, !file.file.contains("/invalid/") else { continue }
      let archive = try TensorArchive(contentsOf: file.path)
      for array in file.distinctTensors {
        guard let expected = array.resaved_sha256, let tensor = archive[array.name] else {
          continue
        }
        try tensor.write(to: folder.path("a.npy"))
        let written = SHA256.hash(data: try bytes(of: folder.path("a.npy"))).hexadecimal
        #expect(written == expected, "\(file.file) '\(array.name)'")
        compared += 1
      }
    }
    #expect(compared > 100)
  }

  /// Structural faults that only a strict reading minds: the data read is what NumPy reads.
  private static let lenient: Set = [
    "after-end", "crc-descriptor", "crc-local-only", "descriptor-missing", "descriptor-size",
    "end-comment-longer", "end-words-in-comment", "gap-before-directory", "gap-between",
    "hidden-local-member", "size-local-differs",
  ]

  @Test(arguments: ["npy", "npz"])
  func refusesWhatNumPyRefuses(_ format: String) throws {
    let files = try GoldenFile.all(format).filter { $0.file.contains("/invalid/") }
    #expect(files.count > 100)
    for file in files where !Self.isAcceptedHere(file) && file.expected != "object" {
      if Self.lenient.contains(file.stem) {
        #expect(throws: Never.self, "\(file.file)") {
          try TensorArchive(contentsOf: file.path).loaded()
        }
        continue
      }
      let error = #expect(throws: TensorIOError.self, "\(file.file)") {
        let archive = try TensorArchive(contentsOf: file.path)
        for entry in archive.entries { _ = try entry.tensor.loaded() }
        for value in archive.otherValues {
          if case .bytes(let source) = value.node { _ = try source.loaded() }
        }
      }
      guard let error else { continue }
      #expect([.malformed, .unsupported, .limit].contains(error.code), "\(file.file): \(error)")
      #expect(error.place.file == file.path, "\(file.file): \(error)")
      #expect(!error.reason.isEmpty)
    }
  }

  @Test func arraysOfObjectsHaveNoBytes() throws {
    var count = 0
    for name in ["npy", "npz"] {
      for file in try GoldenFile.all(name) where file.expected == "object" {
        if file.file.hasPrefix("npy/invalid/") {
          #expect(throws: TensorIOError(.malformed, "")) {
            try TensorArchive(contentsOf: file.path)
          }
          continue
        }
        let archive = try TensorArchive(contentsOf: file.path)
        let objects = archive.entries.filter { $0.tensor.dtype.containsObjects }
        #expect(!objects.isEmpty)
        for entry in objects {
          #expect(throws: TensorIOError(.unsupported, "")) { try entry.tensor.loaded() }
          #expect(
            entry.tensor.description.contains("object") || entry.tensor.description.contains("?"))
          count += 1
        }
      }
    }
    #expect(count > 3)
  }
}
