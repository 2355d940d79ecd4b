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
}
