import Foundation
import TensorIO
import TestSupport
import Testing

@testable import SafetensorsFormat

/// Real files of public projects against what the official reader says of them.
@Suite struct SafetensorsCorpusTests {
  private struct Oracle: Decodable {
    struct Entry: Decodable {
      let name: String
      let dtype: String
      let shape: [Int]
      let sha256: String
    }
    let expected: String
    let tensors: [Entry]
  }

  @Test func everyFileMatchesItsOracle() throws {
    guard let shared = Repository.shared else {
      print("the corpus is not at hand: ../shared does not exist")
      return
    }
    let corpus = shared.appending(path: "corpus")
    let folder = try TemporaryFolder()
    var counts: [String: Int] = [:]
    var tensors = 0
    for row in try Table.rows(corpus.appending(path: "MANIFEST.tsv"))
    where row["kind"] == "safetensors" {
      guard let path = row["path"] else { continue }
      let oracle = try JSONDecoder().decode(
        Oracle.self, from: Data(contentsOf: corpus.appending(path: "oracle/\(path).json")))
      let file = corpus.appending(path: "files/\(path)").path
      counts[oracle.expected, default: 0] += 1
      if oracle.expected == "malformed" {
        #expect(throws: TensorIOError.self, "\(path)") { try TensorArchive(contentsOf: file) }
        continue
      }
      // Read, written and read again.
      let archive = try TensorArchive(contentsOf: file)
      let copy = folder.path("copy.safetensors")
      try archive.write(to: copy)
      for archive in [archive, try TensorArchive(contentsOf: copy)] {
        #expect(archive.entries.count == oracle.tensors.count, "\(path)")
        for expected in oracle.tensors {
          let tensor = try archive.tensor(expected.name)
          let place = "\(path): \(expected.name)"
          #expect(SafetensorsDType(tensor.dtype)?.rawValue == expected.dtype, "\(place)")
          #expect(tensor.shape == expected.shape || tensor.dtype == .float4E2M1FNx2, "\(place)")
          #expect(try tensor.goldenHash() == expected.sha256, "\(place)")
          tensors += 1
        }
      }
    }
    print("corpus safetensors: \(counts.sorted { $0.key < $1.key }), \(tensors) tensors compared")
    #expect(counts.values.reduce(0, +) > 10)
  }
}
