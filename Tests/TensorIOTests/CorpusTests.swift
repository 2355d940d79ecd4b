import Foundation
import TensorIO
import TestSupport
import Testing

/// Real files from public projects against what NumPy says of them.
@Suite struct CorpusTests {
  private static let formats = ["npy", "npz"]

  private func rows(_ table: URL) throws -> [[String: String]] {
    let lines = try String(contentsOf: table, encoding: .utf8).split(separator: "\n")
    let titles = lines[0].split(separator: "\t").map(String.init)
    return lines.dropFirst().map { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(zip(titles, cells), uniquingKeysWith: { first, _ in first })
    }
  }

  @Test func everyArrayOfTheCorpusMatchesItsOracle() throws {
    guard let shared = Repository.shared else {
      print("the corpus is not at hand: ../shared does not exist")
      return
    }
    let corpus = shared.appending(path: "corpus")
    var counts: [String: Int] = [:]
    for row in try rows(corpus.appending(path: "MANIFEST.tsv")) {
      guard let path = row["path"], Self.formats.contains(row["kind"] ?? "") else { continue }
      let oracle = try JSONDecoder().decode(
        GoldenFile.self, from: Data(contentsOf: corpus.appending(path: "oracle/\(path).json")))
      let file = corpus.appending(path: "files/\(path)").path
      counts[oracle.expected, default: 0] += 1
      if oracle.expected == "malformed" {
        #expect(throws: TensorIOError.self, "\(path)") {
          try TensorArchive(contentsOf: file).loaded()
        }
        continue
      }
      let archive = try TensorArchive(contentsOf: file)
      #expect(archive.entries.count == oracle.tensors.count, "\(path)")
      for difference in try oracle.differences(from: archive) { Issue.record("\(difference)") }
    }
    print("corpus files compared: \(counts.sorted { $0.key < $1.key })")
    #expect(counts.values.reduce(0, +) > 100)
  }

  @Test func hostileFilesAreRefusedOrReadAsNumPyReadsThem() throws {
    guard let shared = Repository.shared else {
      print("the hostile files are not at hand: ../shared does not exist")
      return
    }
    let folder = shared.appending(path: "hostile")
    var (refused, accepted, lenient) = (0, 0, [String]())
    for row in try rows(folder.appending(path: "index.tsv")) {
      guard let name = row["name"], let expected = row["expected"],
        Self.formats.contains(URL(filePath: name).pathExtension)
      else { continue }
      let file = folder.appending(path: "files/\(name)").path
      do throws(TensorIOError) {
        let archive = try TensorArchive(contentsOf: file)
        for value in archive.otherValues {
          if case .bytes(let source) = value.node { _ = try source.bytes() }
        }
        _ = try archive.loaded()
        // Opening follows NumPy where a strict reading rejects; it says so.
        if expected == "reject" { #expect(!archive.findings.isEmpty, "\(name)") }
        if expected == "reject" { lenient.append(name) } else { accepted += 1 }
        if expected == "accept" { #expect(archive.findings.isEmpty, "\(name)") }
        if expected == "accept-but-warn" {
          #expect(!archive.findings.isEmpty, "\(name)")
        }
      } catch {
        #expect(expected == "reject", "\(name): \(error)")
        #expect(error.place.file == file, "\(name): \(error)")
        refused += 1
      }
    }
    print("hostile files: \(refused) refused, \(accepted) accepted, lenient: \(lenient.sorted())")
    #expect(refused > 80)
  }
}
