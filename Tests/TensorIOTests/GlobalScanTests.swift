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
    #expect(cut.findings.map(\.code) == [.trailingBytes])
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
      TarArchive.of([
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
    let broken = TarArchive.of([
      ("storages", bytes("K\u{3}.") + storage + bytes("cos\nsystem\n.")), ("pickle", object),
    ])
    let cut = try scan(broken, "old.tar")
    #expect(cut.dangerous.map(\.global.member) == ["storages"])
    #expect(cut.errors.map(\.place.member) == ["storages"])
    let inner = try scan(try archive([("old.tar", broken)]), "all.zip")
    #expect(inner.dangerous.map(\.global.member) == ["old.tar/storages"])
    #expect(inner.errors.map(\.place.member) == ["old.tar/storages"])
  }

  private let magic =
    "\u{80}\u{2}\u{8a}\u{a}\u{6c}\u{fc}\u{9c}\u{46}\u{f9}\u{20}\u{6a}\u{a8}\u{50}\u{19}."

  private func tarOfTorch(_ object: [UInt8]) -> [UInt8] {
    TarArchive.of([
      ("storages", bytes("K\u{0}.].")), ("tensors", bytes("K\u{0}.")), ("pickle", object),
    ])
  }

  @Test func tarArchivesThatAreSomethingElseToo() throws {
    let rest = tarOfTorch(evil)
    // PyTorch asks the checksum only; the first name may be pickles of a legacy stream.
    let stream = bytes(magic + "\u{80}\u{2}M\u{e9}\u{3}.\u{80}\u{2}}.\u{80}\u{2}N.\u{80}\u{2}].")
    let legacy = try scan(
      TarArchive.entry(stream, [], patch: (257, [0, 0, 0, 0, 0])) + rest, "a.pt")
    #expect(lines(legacy).contains("os.system dangerous pickle @0"))
    #expect(legacy.findings.contains { $0.code == .trailingBytes })
    // Or a pickle, for those who unpickle it.
    let pickle = try scan(
      TarArchive.entry(bytes("cos\nsystem\n)R."), []) + tarOfTorch(bytes("N.")), "a.tar")
    #expect(lines(pickle) == ["os.system dangerous - @0"])
    // Names of members are no pickles.
    let honest = try scan(tarOfTorch(bytes("N.")), "a.tar")
    #expect(honest.errors.isEmpty && honest.findings.isEmpty && honest.uses.isEmpty)
    // A reader of tensors takes it for the archive too.
    let url = folder.appending(path: "a.pt")
    try Data(TarArchive.entry(stream, []) + rest).write(to: url)
    #expect(try TensorArchive(contentsOf: url.path).format == "torch-tar")
  }

  @Test func tarArchivesThatPythonReadsInAnotherWay() throws {
    let clean = [UInt8](tarOfTorch(bytes("N.")).dropLast(1024))
    let attributes: [(String, String)] = [
      ("18 path=pickle___\n", "attributes"), ("15 path=pickle\n", "attributes"),
      ("11 size=09\n", "attributes"), ("11 size=0", "broken"), ("path=pickle\n", "broken"),
      ("99 mtime=1\n", "broken"), ("2 ", "broken"),
    ]
    var cases: [([UInt8], String)] = attributes.map { text, reason in
      (TarArchive.entry(bytes("x"), bytes(text), kind: "x"), reason)
    }
    for kind: Character in ["1", "2", "3", "7", "L", "K", "S", "g", "X"] {
      cases.append((TarArchive.entry(bytes("pickle"), [], kind: kind), "kind"))
    }
    cases.append((TarArchive.entry(bytes("d"), [1], kind: "5"), "kind"))
    cases.append((TarArchive.entry(bytes("n"), [], patch: (345, bytes("p"))), "prefix"))
    cases.append((TarArchive.entry(bytes("n"), [], patch: (124, [0x80])), "octal"))
    cases.append((TarArchive.entry(bytes("n"), [], patch: (124, bytes("0o1"))), "number"))
    cases.append((TarArchive.entry(bytes("n"), [], patch: (124, bytes("-1"))), "number"))
    cases.append((TarArchive.entry(bytes("n"), [], patch: (124, bytes("7777777"))), "past its end"))
    cases.append((TarArchive.entry(bytes("pickle"), evil), "twice"))
    cases.append(([1] + Array(TarArchive.entry(bytes("n"), []).dropFirst()), "broken"))
    for (odd, reason) in cases {
      let file: [UInt8] = clean + odd + TarArchive.entry(bytes("notes"), evil) + TarArchive.end
      let found = try scan(file, "a.tar")
      #expect(found.errors.count == 1, "\(reason)")
      #expect(found.errors.first?.reason.contains(reason) == true, "\(found.errors) \(reason)")
    }
    // What Python itself writes of a file's time, folders, blanks around a size.
    let plain = [
      TarArchive.entry(bytes("x"), bytes("28 mtime=1732669830.9404912\n"), kind: "x"),
      TarArchive.entry(bytes("d"), [], kind: "5"),
      TarArchive.entry(bytes("d/"), [], patch: (156, [0])),
      TarArchive.entry(bytes("n"), [], patch: (124, bytes(" 0 "))), TarArchive.entry([0xff], []),
    ]
    for odd in plain {
      #expect(try scan(clean + odd + TarArchive.end, "a.tar").errors.isEmpty)
    }
  }

  @Test func streamsThatAreCutOrGoOn() throws {
    let object = "(Vstorage\nctorch\nFloatStorage\nVk\nVcpu\nK\u{2}tQ."
    let stream = bytes(magic + "M\u{e9}\u{3}.}.\(object)(lVk\na.") + number(2)
    let whole = stream + [UInt8](repeating: 7, count: 8)
    let honest = try scan(whole, "a.pt")
    #expect(honest.errors.isEmpty && honest.findings.isEmpty && honest.pickleCount == 5)
    for count in stream.count - 7..<whole.count {
      let cut = try scan(Array(whole.prefix(count)), "a.pt")
      #expect(cut.errors.map(\.code) == [.malformed], "\(count)")
    }
    let longer = try scan(whole + [1, 2], "a.pt")
    #expect(longer.findings.map(\.code) == [.trailingBytes])
    #expect(longer.findings.map(\.offset) == [whole.count])
    // A fault that is none for Python does not hide the pickles behind it.
    let surrogate = "\u{8c}\u{3}\u{ed}\u{a0}\u{80}."
    let hidden = try scan(
      bytes(magic + "M\u{e9}\u{3}.\(surrogate)") + evil + bytes("]."), "a.pt")
    #expect(lines(hidden) == ["os.system dangerous - @25"])
    #expect(hidden.errors.count == 1 && hidden.pickleCount == 5)
  }

  @Test func brokenPicklesBehindArraysAndInArchives() throws {
    let hidden = bytes(
      "\u{80}\u{4}\u{8c}\u{3}\u{ed}\u{a0}\u{80}0\u{8c}\u{1}m\u{8c}\u{1}n\u{8c}\u{1}x0\u{93}.")
    let array = try scan(array("|u1", [7]) + hidden, "a.npy")
    #expect(lines(array) == ["m.n inert - @147"])
    #expect(array.errors.count == 1)
    let member = try scan(try archive([("b.bin", hidden)]), "a.zip")
    #expect(lines(member) == ["m.n inert b.bin @18"])
    // What is no pickle is told, as by the reader.
    let rest = try scan(self.array("|u1", [7]) + [0, 0, 0], "a.npy")
    #expect(rest.findings.map(\.code) == [.trailingBytes])
  }

  @Test func namesOfFilesThatSayAnotherFormat() throws {
    #expect(try scan(bytes("N."), "a.npy").findings.map(\.code) == [.wrongExtension])
    #expect(try scan(bytes("N."), "a.pkl").findings.isEmpty)
    #expect(try scan(bytes("N."), "a").findings.isEmpty)
    // Inside an archive names say nothing.
    let inner = try archive([("a.npy", array("|u1", [7]))])
    #expect(try scan(inner, "a.npz").findings.isEmpty)
    #expect(try scan(try archive([("a.npy", inner)]), "a.npz").findings.isEmpty)
  }

  @Test func otherContentIsCalledByItsName() throws {
    let cases: [([UInt8], String)] = [
      (number(0x30) + bytes("{\"a\":1}"), "header has 48 bytes"),
      (number(0x90) + bytes("{\"a\":1}"), "header has 144 bytes"),
      (bytes("\u{89}HDF\r\n"), "HDF5"), (bytes("GGUF\u{3}\u{0}"), "GGUF"),
      (TarArchive.entry(bytes("./"), [], kind: "5") + TarArchive.end, "tar archive"),
      (bytes("\u{1}23"), "unknown"),
      (bytes("0oops"), "unknown"),
    ]
    for (content, name) in cases {
      let error = #expect(throws: TensorIOError.self) { try scan(content, "a") }
      #expect(error?.reason.contains(name) == true, "\(name)")
    }
    // One that names something is searched, broken or not.
    #expect(lines(try scan(bytes("cm\nn\n"), "a")) == ["m.n inert - @0"])
    #expect(lines(try scan(bytes("\u{80}\u{2}"), "a")) == [])
  }

  /// A whole file of tensors that Python runs as a pickle under another name: its length is SHORT_BINSTRING,
  /// and such strings cover the header.
  @Test func safetensorsThatArePicklesToo() throws {
    let place = "\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12]}}"
    let covered = String(repeating: "U~" + String(repeating: "a", count: 126), count: 32)
    let last = place + String(repeating: " ", count: 73 - place.utf8.count)
    let header = "{\"" + String(repeating: "a", count: 8) + covered + "UI" + last
    #expect(header.utf8.count == 0x1055)
    let length: [UInt8] = [0x55, 0x10, 0, 0, 0, 0, 0, 0]
    let file = length + bytes(header) + bytes("cos\nsystem\n.")
    #expect(lines(try scan(file, "a.pt")) == ["os.system dangerous - @4189"])
    // The same with elements that are no pickle.
    let plain = length + bytes(header) + [UInt8](repeating: 7, count: 12)
    #expect(lines(try scan(plain, "a.safetensors")) == [])
    #expect(try scan(plain, "a.safetensors").findings.isEmpty)
  }
}
