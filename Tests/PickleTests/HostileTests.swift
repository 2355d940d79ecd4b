import ByteIO
import Foundation
import Pickle
import TestSupport
import Testing

/// The hostile pickles beside the repository, which must never trap, and of which we say what is
/// wrong.
@Suite struct HostileTests {
  /// Those that `index.tsv` calls bad and a scan does not, each with the reason.
  private static let lenient = [
    // A call of it while loading calls nothing; what it would run is a name of its own.
    "glob_functools__partial.pkl": "inert",
    // Names that only look like others are names of modules that Python does not find.
    "global_crlf.pkl": "inert", "global_homoglyph.pkl": "inert",
    "global_unicode_equiv.pkl": "inert", "global_empty.pkl": "inert",
    // Whether persistent ids mean something is for the reader of the container to say.
    "persid_text.pkl": "clean", "binpersid_plain.pkl": "clean",
    // Python reads these, and an arena holds them at the same cost as all others.
    "cycle_list.pkl": "clean", "cycle_tuple.pkl": "clean", "deep_tuple_1m.pkl": "clean",
    "deep_reduce.pkl": "known", "laughs_tuple.pkl": "clean", "hash_collide.pkl": "clean",
    // Keys are compared by who reads the dictionary.
    "dup_dict_key.pkl": "clean", "key_1_True.pkl": "clean",
  ]

  private func verdict(_ scan: PickleScan) -> String {
    if scan.error != nil || !scan.findings.isEmpty || !scan.dangerous.isEmpty { return "bad" }
    if scan.globals.contains(where: { $0.verdict == .inert }) { return "inert" }
    return scan.globals.isEmpty ? "clean" : "known"
  }

  @Test func everyHostilePickleIsToldApart() throws {
    guard let shared = Repository.shared else {
      print("the hostile files are not at hand: ../shared does not exist")
      return
    }
    let folder = shared.appending(path: "hostile")
    var count = 0
    for row in try Table.rows(folder.appending(path: "index.tsv")) {
      guard let name = row["name"], let expected = row["expected"], name.hasSuffix(".pkl") else {
        continue
      }
      let scan = try look(bytes(of: folder.appending(path: "files/\(name)").path))
      let right = Self.lenient[name] ?? (expected == "accept" ? "clean" : "bad")
      #expect(verdict(scan) == right, "\(name)")
      if let error = scan.error { #expect(error.place.offset != nil, "\(name)") }
      if name.hasPrefix("glob_"), Self.lenient[name] == nil {
        #expect(scan.dangerous.count == 1 && scan.dangerous[0].isReachable, "\(name)")
      }
      count += 1
    }
    print("hostile pickles: \(count)")
    #expect(count > 110)
  }

  /// What the samples of two scanners are made to hide.
  private static let samples = [
    "mmaitre314__picklescan/GHSA-4675-36f9-wf6r.pkl": "ctypes.CDLL",
    "mmaitre314__picklescan/GHSA-f54q-57x4-jg88.pkl": "lib2to3.pgen2.grammar.Grammar.loads",
    "mmaitre314__picklescan/GHSA-jgw4-cr84-mqxg.bin":
      "asyncio.unix_events._UnixSubprocessTransport._start",
    "mmaitre314__picklescan/GHSA-jhph-76pp-mggw.pkl": "torch.utils.collect_env.run",
    "mmaitre314__picklescan/GHSA-vqmv-47xg-9wpr.pkl": "pty.spawn",
    "mmaitre314__picklescan/malicious13a.pkl": "pickle.loads",
    "mmaitre314__picklescan/malicious17.pkl": "torch._inductor.codecache.compile_file",
    "mmaitre314__picklescan/malicious23.pkl": "os.system",
    "mmaitre314__picklescan/malicious7.pkl": "socket.create_connection",
    "mmaitre314__picklescan/pytorch_magic_bypass.pt": "posix.system",
    "promptfoo__modelaudit/decode_exec_chain.pkl": "builtins.print",
    "promptfoo__modelaudit/evil.pickle": "posix.system",
    "promptfoo__modelaudit/nested_pickle_hex.pkl": "builtins.print",
  ]

  @Test func samplesOfOtherScanners() throws {
    guard let shared = Repository.shared else { return }
    for (path, name) in Self.samples {
      let file = shared.appending(path: "corpus/files/\(path)").path
      let scan = try look(bytes(of: file))
      #expect(scan.dangerous.contains { $0.name.description == name }, "\(path)")
    }
  }

  @Test func honestPicklesOfTheCorpusHaveNothingDangerous() throws {
    guard let shared = Repository.shared else { return }
    let corpus = shared.appending(path: "corpus")
    var count = 0
    for row in try Table.rows(corpus.appending(path: "MANIFEST.tsv")) {
      guard let path = row["path"], row["kind"] == "pickle-raw", Self.samples[path] == nil else {
        continue
      }
      let scan = try look(bytes(of: corpus.appending(path: "files/\(path)").path))
      #expect(scan.dangerous.isEmpty, "\(path)")
      count += 1
    }
    #expect(count > 8)
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
