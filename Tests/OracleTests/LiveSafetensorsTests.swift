import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// The official safetensors reads what we write, and we read what it writes.
@Suite struct LiveSafetensorsTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let script = Repository.root.appending(path: "Tests/Oracle/safetensors_sets.py")
    .path

  /// 500 random sets of tensors: the same values, and the same bytes of the file, both ways.
  @Test func randomSetsAreTheSame() throws {
    guard Oracle.hasTorch else {
      print("LIVE SAFETENSORS LEFT OUT: script/bootstrap --with-torch makes a Python with torch")
      if ProcessInfo.processInfo.environment["TENSORIO_WITH_TORCH"] != nil {
        Issue.record("PyTorch is demanded and missing")
      }
      return
    }
    let seed =
      ProcessInfo.processInfo.environment["TENSORIO_SEED"] ?? "\(UInt32.random(in: 0...(.max)))"
    print("safetensors sets: seed \(seed)")
    let count = 500
    _ = try Oracle.run([Self.script, "write", folder.url.path, "\(count)", seed])
    for index in 0..<count {
      let official = folder.path("\(index).safetensors")
      let archive = try TensorArchive(contentsOf: official)
      #expect(archive.findings.allSatisfy { $0.code == .oddName }, "\(index): \(archive.findings)")
      let copy = folder.path("\(index).copy.safetensors")
      try archive.write(to: copy)
      #expect(try bytes(of: copy) == bytes(of: official), "set \(index) of seed \(seed)")
      // What we say of it, for the other side to compare with what it knows.
      let hashes = try archive.hashes(limits: DecodingLimits())
      let lines = zip(archive.entries, hashes).map { entry, hash in
        let fields: [Any] = [
          entry.name, entry.tensor.dtype.description, entry.tensor.shape, hash ?? "",
        ]
        return fields
      }
      let json = try JSONSerialization.data(
        withJSONObject: [
          "tensors": lines, "metadata": archive.metadata.map { [$0.key, $0.value] },
        ])
      try json.write(to: folder.url.appending(path: "\(index).json"))
    }
    let report = try Oracle.run([Self.script, "check", folder.url.path, "\(count)", seed])
    print(report)
    #expect(report.contains("\(count) sets"))
  }
}
