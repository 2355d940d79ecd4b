import ByteIO
import Foundation
import TensorIO
import TestSupport
import Testing

/// Archives without checksums, as PyTorch writes them after `set_crc32_options(False)`.
@Suite struct ChecksumTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// A file of two tensors, with the checksums of these headers made 0.
  private func file(_ name: String, zeroing chosen: (Int) -> Bool) throws -> String {
    let path = folder.path(name)
    let archive = try TensorArchive([
      ("a", Tensor([1, 2, 3] as [Float])), ("b", Tensor([4, 5] as [Int64])),
    ])
    try archive.write(to: path)
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    for (signature, field) in [([0x50, 0x4b, 3, 4] as [UInt8], 14), ([0x50, 0x4b, 1, 2], 16)] {
      var index = 0
      for start in bytes.indices.dropLast(20)
      where bytes[start..<start + 4].elementsEqual(signature) {
        if chosen(index) { for place in 0..<4 { bytes[start + field + place] = 0 } }
        index += 1
      }
    }
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  @Test func noneAtAllIsAFinding() throws {
    let archive = try TensorArchive(contentsOf: try file("a.pt", zeroing: { _ in true }))
    #expect(archive.findings.map(\.code) == [.noChecksums])
    #expect(try archive.tensor("a").loaded().array(of: Float.self) == [1, 2, 3])
    #expect(try archive.tensor("b").array(of: Int64.self) == [4, 5])
  }

  @Test func oneOfThemIsDamage() throws {
    // data.pkl, byteorder, data/0, data/1, version
    let archive = try TensorArchive(contentsOf: try file("b.pt", zeroing: { $0 == 2 }))
    #expect(try archive.tensor("b").loaded().array(of: Int64.self) == [4, 5])
    #expect(throws: TensorIOError(.malformed, "")) { try archive.tensor("a").loaded() }
    let path = try file("c.pt", zeroing: { $0 == 0 })
    #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: path) }
  }

  @Test func numPyRefusesThem() throws {
    let path = try file("a.npz", zeroing: { _ in true })
    #expect(throws: TensorIOError(.malformed, "")) { try TensorArchive(contentsOf: path) }
  }
}
