import ByteIO
import Foundation
import Pickle
import TestSupport
import Testing

/// The hostile pickles, which must never trap, and of which we say what is wrong.
@Suite struct HostileTests {
  @Test func list() throws {
    guard let shared = Repository.shared else { return }
    let folder = shared.appending(path: "hostile")
    for row in try Table.rows(folder.appending(path: "index.tsv")) {
      guard let name = row["name"], name.hasSuffix(".pkl") else { continue }
      let s = try look(bytes(of: folder.appending(path: "files/\(name)").path))
      let e = s.error.map { "\($0)" } ?? "-"
      print(
        "ROW \(row["expected"] ?? "") \(name) | \(e.prefix(70)) | \(s.globals.map { "\($0.name)=\($0.verdict)@\($0.offset)\($0.path)\($0.isReachable)".escapedForDisplay.prefix(100) }) | \(s.findings.map(\.code))"
      )
    }
    let corpus = shared.appending(path: "corpus")
    for row in try Table.rows(corpus.appending(path: "MANIFEST.tsv")) {
      guard let path = row["path"] else { continue }
      if row["kind"] == "pickle-raw" || row["kind"] == "other" {
        let s = try look(bytes(of: corpus.appending(path: "files/\(path)").path))
        let e = s.error.map { "\($0)" } ?? "-"
        print(
          "COR \(path) | \(e.prefix(70)) | \(s.globals.filter{$0.verdict != .known}.map { "\($0.name)=\($0.verdict)@\($0.offset)\($0.path)\($0.isReachable)".escapedForDisplay.prefix(100) }.prefix(8)) | \(s.findings.map(\.code)) \(s.pickleCount)"
        )
      }
      struct G: Decodable { let globals: [String]? }
      let o = try JSONDecoder().decode(
        G.self, from: Data(contentsOf: corpus.appending(path: "oracle/\(path).json")))
      for g in o.globals ?? [] {
        let parts = g.split(separator: ".")
        let n = GlobalName(parts.dropLast().joined(separator: "."), String(parts.last ?? ""))
        if n.verdict == .dangerous { print("DNG \(path) \(g)") }
      }
    }
  }
}

/// Tables of tab-separated values with titles.
enum Table {
  static func rows(_ table: URL) throws -> [[String: String]] {
    let lines = try String(contentsOf: table, encoding: .utf8).split(separator: "\n")
    let titles = lines[0].split(separator: "\t").map(String.init)
    return lines.dropFirst().map { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(zip(titles, cells), uniquingKeysWith: { first, _ in first })
    }
  }
}
