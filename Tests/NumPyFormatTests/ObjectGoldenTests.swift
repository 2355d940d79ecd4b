import ByteIO
import TensorIO
import TestSupport
import Testing

/// Arrays of Python objects in npy and npz files against what NumPy said of them.
@Suite struct ObjectGoldenTests {
  /// Read by NumPy, refused here, and why.
  private static let refused = [
    "objects/valid/strings.npy": "text with a lone surrogate, which no UTF-8 can say"
  ]

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// What differs between the objects of an archive and the golden entry.
  private func differences(_ archive: TensorArchive, _ file: GoldenFile) throws -> [String] {
    var found = try file.differences(from: archive)
    let golden = try TreeGolden.all("objects").first { $0.file == file.file }
    for array in golden?.entry["tensors"]?.items ?? [] {
      guard let name = array["name"]?.text, array["objects"] != nil else { continue }
      let entry = try archive.entry(name)
      let objects = try TreeDescription.objects(of: entry.id, in: archive.values)
      for key in ["objects", "shared_objects", "object_count"] {
        let (left, right) = (objects[key] ?? .null, array[key] ?? .null)
        found += left.comparable.differences(
          from: right.comparable, at: "\(file.file) '\(name)' \(key)")
      }
    }
    return found
  }

  private func open(_ file: GoldenFile) throws -> TensorArchive {
    var options = ReadingOptions()
    if file.file.contains("latin1") { options.legacyEncoding = .latin1 }
    return try TensorArchive(contentsOf: file.path, options: options)
  }

  private func check(_ body: (GoldenFile) throws -> Void) throws {
    let files = try GoldenFile.all("objects")
    #expect(files.count > 30)
    for file in files {
      if Self.refused[file.file] != nil {
        #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: file.path) }
      } else {
        do { try body(file) } catch { Issue.record("\(file.file): \(error)") }
      }
    }
  }

  @Test func objectsAreWhatNumPySaysTheyAre() throws {
    try check { file in
      let archive = try open(file)
      for difference in try differences(archive, file).prefix(6) { Issue.record("\(difference)") }
    }
  }

  /// Written, read again, and the same; written twice, and the same bytes.
  @Test func objectsSurviveWriting() throws {
    try check { file in
      let archive = try open(file)
      let ending = file.file.hasSuffix("npz") ? "npz" : "npy"
      let (one, two) = (folder.path("one.\(ending)"), folder.path("two.\(ending)"))
      #expect(try archive.losses(writingTo: one).isEmpty, "\(file.file)")
      try archive.write(to: one)
      let copy = try TensorArchive(contentsOf: one)
      for difference in try differences(copy, file).prefix(6) {
        Issue.record("written: \(difference)")
      }
      try copy.write(to: two)
      let isSame = try bytes(of: one) == bytes(of: two)
      #expect(isSame, "\(file.file): written again, the bytes are others")
    }
  }

  /// A subclass of NumPy's array, whoever made it, is not written as a plain array; found by fuzzing.
  @Test func aSubclassOfAnotherPackageIsKept() throws {
    func text(_ text: String) -> [UInt8] {
      [0x58, UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
    }
    var pickle: [UInt8] = [0x80, 3] + Array("cnumpy.core.multiarray\n_reconstruct\n".utf8)
    pickle += Array("cmine\nArray\n".utf8) + [0x4b, 0, 0x85, 0x43, 1, 0x62, 0x87, 0x52]
    pickle += [0x28, 0x4b, 1, 0x4b, 1, 0x85] + Array("cnumpy\ndtype\n".utf8)
    pickle += text("O8") + [0x89, 0x88, 0x87, 0x52, 0x28, 0x4b, 3] + text("|")
    pickle += [0x4e, 0x4e, 0x4e] + Array("J\u{7f}\u{7f}\u{7f}\u{7f}J\u{7f}\u{7f}\u{7f}\u{7f}".utf8)
    pickle += [0x4b, 0x3f, 0x74, 0x62, 0x89, 0x5d, 0x4e, 0x61, 0x74, 0x62, 0x2e]
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    let magic = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
    let path = try folder.write(magic + Array(header.utf8) + pickle, "in.npy")
    let archive = try TensorArchive(contentsOf: path)
    for name in ["out.npy", "out.npz"] {
      try archive.write(to: folder.path(name))
      let copy = try TensorArchive(contentsOf: folder.path(name))
      let type = copy.values.traits(of: copy.entries[0].id)?.type
      #expect(type == GlobalName("mine", "Array"), "\(name)")
    }
  }
}
