import ByteIO
import Foundation
import TensorIO
import TestSupport
import Testing
import ZIPContainer

/// Places of files where pickles hide.
@Suite final class GlobalScanTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "scan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func bytes(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
  }

  private var evil: [UInt8] { bytes("cos\nsystem\n)R.") }

  private func scan(_ bytes: [UInt8], _ name: String) throws -> GlobalScan {
    let url = folder.appending(path: name)
    try Data(bytes).write(to: url)
    return try GlobalScan(contentsOf: url.path)
  }

  private func lines(_ scan: GlobalScan) -> [String] {
    scan.uses.map { use in
      "\(use.global.name) \(use.global.verdict) \(use.global.member ?? "-") @\(use.global.offset)"
    }
  }

  private func array(_ type: String, _ elements: [UInt8]) -> [UInt8] {
    let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (1,), }"
    let padded = text + String(repeating: " ", count: 117 - text.utf8.count) + "\n"
    return bytes("\u{93}NUMPY\u{1}\u{0}\u{76}\u{0}\(padded)") + elements
  }

  @Test func arraysThatFollow() throws {
    let number = array("|u1", [7])
    let names = try scan(number + array("|O", evil) + number + array("|O", evil), "a.npy")
    #expect(names.pickleCount == 2)
    #expect(lines(names) == ["os.system dangerous - @257", "os.system dangerous - @528"])
    #expect(names.errors.isEmpty && names.findings.isEmpty)
    // What is no array is a pickle for NumPy.
    #expect(lines(try scan(number + evil, "a.npy")) == ["os.system dangerous - @129"])
    #expect(
      lines(try scan(array("|O", bytes("N.")) + evil, "a.npy")) == ["os.system dangerous - @130"])
    #expect(try scan(number + [0, 0, 0], "a.npy").uses.isEmpty)
    let cut = try scan(number + array("|u1", []), "a.npy")
    #expect(cut.findings.map(\.code) == ["trailing-bytes"])
  }

  private func archive(_ members: [(String, [UInt8])], level: Int? = nil) throws
    -> [UInt8]
  {
    let url = folder.appending(path: "part.zip")
    let file = try AtomicFile(path: url.path)
    let writer = ZIPWriter(file, level: level)
    for (name, contents) in members {
      try writer.add(name, byteCount: contents.count) { (sink) throws(TensorIOError) in
        try sink(contents.span)
      }
    }
    try writer.finish()
    try file.commit()
    return Array(try Data(contentsOf: url))
  }

  @Test(arguments: [nil, 6]) func archivesInArchives(level: Int?) throws {
    let padding = [UInt8](repeating: 1, count: 1000)
    var whole = try archive([("data.pkl", evil), ("x", padding)], level: level)
    for _ in 0..<3 { whole = try archive([("in", whole), ("y", padding)], level: level) }
    let deep = try scan(whole, "deep.zip")
    #expect(lines(deep) == ["os.system dangerous in/in/in/data.pkl @0"])
    #expect(deep.errors.isEmpty)
    let deeper = try scan(try archive([("in", whole)], level: level), "deep.zip")
    #expect(deeper.uses.isEmpty)
    #expect(deeper.errors.map(\.place.member) == ["in/in/in/in"])
    #expect(deeper.errors.map(\.code) == [.unsupported])
  }

  @Test func streamsInArchives() throws {
    let stream =
      bytes("\u{80}\u{2}\u{8a}\u{a}\u{6c}\u{fc}\u{9c}\u{46}\u{f9}\u{20}\u{6a}\u{a8}\u{50}\u{19}.")
      + bytes("\u{80}\u{2}M\u{e9}\u{3}.\u{80}\u{2}}.\u{80}\u{2}") + evil + bytes("\u{80}\u{2}].")
    let found = try scan(try archive([("model.pt", stream)]), "all.zip")
    #expect(lines(found) == ["os.system dangerous model.pt @27"])
    #expect(found.pickleCount == 5)
  }

  private func tar(_ members: [(String, [UInt8])]) -> [UInt8] {
    var file: [UInt8] = []
    for (name, contents) in members {
      var header = [UInt8](repeating: 0, count: 512)
      header.replaceSubrange(0..<name.utf8.count, with: Array(name.utf8))
      let digits = String(contents.count, radix: 8)
      header.replaceSubrange(124..<124 + digits.utf8.count, with: Array(digits.utf8))
      header[156] = 0x30
      header.replaceSubrange(257..<262, with: Array("ustar".utf8))
      file += header + contents
      file += [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }
    return file + [UInt8](repeating: 0, count: 1024)
  }

  private func number(_ value: UInt8) -> [UInt8] { [value, 0, 0, 0, 0, 0, 0, 0] }

  @Test func tablesOfTarArchives() throws {
    let storage = bytes("(K\u{1}Vcpu\nctorch\nByteStorage\nt.") + number(2) + [7, 8]
    let other = bytes("(K\u{2}Vcpu\nctorch\nByteStorage\nt.") + number(1) + [9]
    let storages = bytes("K\u{2}.") + storage + other
    let tensor =
      bytes("(K\u{3}K\u{1}ctorch\nByteTensor\nt.") + number(1) + number(2) + number(1) + number(0)
    let object = bytes("cm\nn\n.")
    let views = bytes("(lcos\nsystem\n0.")
    let found = try scan(
      tar([
        ("storages", storages + views), ("tensors", bytes("K\u{1}.") + tensor), ("pickle", object),
      ]), "old.tar")
    #expect(
      lines(found) == [
        "m.n inert pickle @0", "torch.ByteStorage known storages @11",
        "os.system dangerous storages @\(storages.count + 2)", "torch.ByteTensor known tensors @8",
      ])
    #expect(found.errors.isEmpty)
    #expect(found.pickleCount == 7)
    // What was found before the fault is kept, and inside another archive too.
    let broken = tar([
      ("storages", bytes("K\u{3}.") + storage + bytes("cos\nsystem\n.")), ("pickle", object),
    ])
    let cut = try scan(broken, "old.tar")
    #expect(cut.dangerous.map(\.global.member) == ["storages"])
    #expect(cut.errors.map(\.place.member) == ["storages"])
    let inner = try scan(try archive([("old.tar", broken)]), "all.zip")
    #expect(inner.dangerous.map(\.global.member) == ["old.tar/storages"])
    #expect(inner.errors.map(\.place.member) == ["old.tar/storages"])
  }
}
