import Foundation
import TensorIO
import TestSupport
import Testing

/// Pickles, PyTorch archives and legacy streams made to run code, to crash a reader, or to be read in
/// two ways.
@Suite struct HostileTreeTests {
  /// What opens without a word although `validate` refuses it, and why that is right for opening.
  private static let silent = [
    "torchscript.pt": "its code is listed and not run, its tensors are data",
    "glob_functools__partial.pkl": "runs nothing by itself; what it would call is named beside it",
    "global_crlf.pkl": "no module has this name; it is listed as inert",
    "global_homoglyph.pkl": "another name than the known one, compared as bytes; listed as inert",
    "global_unicode_equiv.pkl": "another name than the composed one; listed as inert",
    "global_empty.pkl": "no module has this name; it is listed as inert",
    "persid_text.pkl": "the id of something outside stays an id",
    "binpersid_plain.pkl": "the id of something outside stays an id",
    "cycle_list.pkl": "Python makes the same; walks go round once",
    "cycle_tuple.pkl": "Python makes the same; walks go round once",
    "cyclic.pt": "Python makes the same; walks go round once",
    "pkl_not_dict.pt": "a value that is no dictionary is a value",
  ]

  /// What is worth a warning and gets none when it is opened, and why.
  private static let unwarned = [
    "nested_pickle_bytes.pkl": "bytes are bytes; `scan` looks into them",
    "hash_collide.pkl": "costs no more than other integers here",
    "int_key.pt": "an optimizer's state has such keys",
    "size_stride0_4tib.pt": "costs nothing until the elements are asked for, which is refused",
  ]

  private struct Row {
    let name: String
    let expected: String
    let why: String
    let path: String
  }

  private func rows() throws -> [Row]? {
    guard let shared = Repository.shared else {
      print("the hostile files are not at hand: ../shared does not exist")
      return nil
    }
    let folder = shared.appending(path: "hostile")
    return try Table.rows(folder.appending(path: "index.tsv")).compactMap { row in
      guard let name = row["name"], let expected = row["expected"], let why = row["why"],
        ["pt", "pkl", "tar"].contains(URL(filePath: name).pathExtension)
      else { return nil }
      return Row(
        name: name, expected: expected, why: why,
        path: folder.appending(path: "files/\(name)").path)
    }
  }

  /// A walk over everything that can be seen of an archive.
  private func look(at archive: TensorArchive) throws {
    for value in archive.otherValues {
      if case .bytes(let source) = value.node { _ = try source.bytes() }
    }
    for entry in archive.entries { _ = entry.tensor.description }
    _ = try archive.loaded()
  }

  @Test func nothingHostileIsReadInSilence() throws {
    guard let rows = try rows() else { return }
    var counts: [String: Int] = [:]
    var open: Set<String> = []
    for row in rows {
      do throws(TensorIOError) {
        let archive = try TensorArchive(contentsOf: row.path)
        let dangers = archive.globals.filter { $0.verdict == .dangerous }
        // Whoever looks at the findings alone sees every danger.
        #expect(
          archive.findings.count { $0.code == .dangerousGlobal } == dangers.count, "\(row.name)")
        do {
          try look(at: archive)
        } catch let error as TensorIOError {
          throw error
        } catch {
          Issue.record("\(row.name): \(error)")
        }
        if archive.findings.isEmpty { open.insert(row.name) }
        counts["\(row.expected): opened", default: 0] += 1
        if row.expected == "accept" { #expect(archive.findings.isEmpty, "\(row.name)") }
      } catch {
        #expect(row.expected == "reject", "\(row.name): \(error)")
        #expect(error.place.file == row.path, "\(row.name): \(error)")
        #expect(!error.reason.isEmpty, "\(row.name)")
        counts["\(row.expected): refused", default: 0] += 1
      }
    }
    let expected = Set(rows.filter { $0.expected == "reject" }.map(\.name))
    #expect(open.intersection(expected) == Set(Self.silent.keys))
    let warned = Set(rows.filter { $0.expected == "accept-but-warn" }.map(\.name))
    #expect(open.intersection(warned) == Set(Self.unwarned.keys))
    print("hostile pickles and archives: \(counts.sorted { $0.key < $1.key })")
    #expect(rows.count > 200)
  }

  /// The search goes on behind faults, and finds every name that the table of attacks says.
  @Test func everyAttackIsFoundByTheScan() throws {
    guard let rows = try rows() else { return }
    let harmless = [
      "glob_functools__partial.pkl",
      // A name that no line end follows is none for Python either.
      "global_no_newline.pkl",
    ]
    var (found, faults, refused) = (0, 0, 0)
    for row in rows {
      do throws(TensorIOError) {
        let scan = try GlobalScan(contentsOf: row.path)
        faults += scan.errors.isEmpty ? 0 : 1
        if row.expected == "accept" {
          #expect(scan.dangerous.isEmpty && scan.errors.isEmpty, "\(row.name)")
        }
        // "GLOBAL os system: not on the allow-list…", "os.system in data.pkl"
        let words = row.why.split(separator: " ")
        guard words.first == "GLOBAL" || row.name.hasPrefix("payload") else { continue }
        found += 1
        let names = scan.uses.map(\.global.name.description)
        if words.first == "GLOBAL", row.name.hasPrefix("glob_") {
          let name = "\(words[1]).\(words[2].dropLast())"
          #expect(names.contains(name), "\(row.name): \(names)")
        }
        #expect(!scan.dangerous.isEmpty || harmless.contains(row.name), "\(row.name)")
      } catch {
        #expect(row.expected == "reject", "\(row.name): \(error)")
        #expect(error.place.file == row.path, "\(row.name): \(error)")
        refused += 1
      }
    }
    print("hostile scans: \(found) attacks found, \(faults) with faults, \(refused) refused")
    #expect(found > 40)
  }

  /// In bounds, 24 bytes, and four terabytes when written out.
  @Test func anExpandedViewIsListedAndNotWrittenOut() throws {
    guard let rows = try rows(), let row = rows.first(where: { $0.name.contains("4tib") }) else {
      return
    }
    let archive = try TensorArchive(contentsOf: row.path)
    let tensor = try archive.onlyTensor()
    #expect(tensor.storage.byteCount == 24)
    #expect(throws: TensorIOError(.limit, "")) { try tensor.streamElements { _ in } }
    let folder = try TemporaryFolder()
    #expect(throws: TensorIOError(.limit, "")) { try archive.write(to: folder.path("a.npz")) }
    #expect(try folder.contents().isEmpty)
    // A PyTorch archive keeps the view as it is.
    try archive.write(to: folder.path("a.pt"))
    #expect(try TensorArchive(contentsOf: folder.path("a.pt")).onlyTensor().shape == tensor.shape)
  }
}
