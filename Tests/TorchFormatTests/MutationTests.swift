import ByteIO
import TensorIO
import TestSupport
import Testing

/// Every truncation and every single-bit flip of small files: an error, or the same values; bytes
/// without a checksum may become other values, of a size that the file bounds.
@Suite struct MutationTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Archives, in which every byte that matters is behind a checksum or said twice.
  private static let archives = [
    "form-minimal.pt", "zip-deflated.pt", "zip-by-python.pt", "zip-zip64-headers.pt",
    "byteorder-big.pt",
  ]
  /// Files without checksums.
  private static let streams = [
    "legacy-root-tensor.pt", "legacy-python2.pt", "legacy-view-metadata.pt",
    "legacy-cyclic-list.pt",
    "pickle-tensor-2.pkl", "pickle-tensor-5.pkl", "pickle-quantized.pkl", "tar.tar",
  ]

  /// All that an archive holds, its checksums compared.
  private func contents(_ path: String) throws -> (JSONValue, TensorArchive) {
    let archive = try TensorArchive(contentsOf: path).loaded()
    return (try TreeDescription.json(of: archive.values), archive)
  }

  private func original(_ name: String) throws -> (bytes: [UInt8], contents: JSONValue) {
    let path = Repository.testFile("torch/valid/\(name)")
    return (try bytes(of: path), try contents(path).0)
  }

  @Test(arguments: archives + streams)
  func noTruncationPassesUnnoticed(_ name: String) throws {
    let (whole, wanted) = try original(name)
    var same = 0
    for length in 0..<whole.count {
      let cut = try folder.write(Array(whole.prefix(length)), name)
      do {
        let (found, archive) = try contents(cut)
        // Padding after the last byte that counts.
        #expect(found == wanted, "\(name) cut at \(length): \(archive.findings)")
        same += 1
      } catch let error as TensorIOError {
        #expect(error.place.file == cut, "\(name) cut at \(length)")
      }
    }
    print("truncations, \(name): \(whole.count), \(same) without a difference")
    #expect(same == 0 || name.hasSuffix(".tar"))
  }

  @Test(arguments: archives)
  func noBitFlipChangesAnArchiveUnnoticed(_ name: String) throws {
    var (data, wanted) = try original(name)
    // Of a large file every third byte, from a random one on.
    let step = data.count > 2000 ? 3 : 1
    let first = Int.random(in: 0..<step)
    var (flips, refused, unchanged) = (0, 0, 0)
    for byte in stride(from: first, to: data.count, by: step) {
      for bit in 0..<8 {
        data[byte] ^= 1 << UInt8(bit)
        let flipped = try folder.write(data, name)
        data[byte] ^= 1 << UInt8(bit)
        flips += 1
        do {
          let (found, archive) = try contents(flipped)
          unchanged += 1
          #expect(
            found == wanted,
            "\(name): bit \(bit) of byte \(byte) from \(first): \(archive.findings)")
        } catch let error as TensorIOError {
          refused += 1
          #expect(error.place.file == flipped, "\(name): bit \(bit) of byte \(byte)")
        }
      }
    }
    print("bit flips, \(name): \(flips), refused \(refused), unchanged \(unchanged), changed 0")
  }

  @Test(arguments: streams)
  func noBitFlipBreaksTheReader(_ name: String) throws {
    var (data, wanted) = try original(name)
    var (flips, refused, unchanged) = (0, 0, 0)
    // The padding of a tar archive says nothing.
    for byte in data.indices where data[byte] != 0 || !name.hasSuffix(".tar") {
      for bit in 0..<8 {
        data[byte] ^= 1 << UInt8(bit)
        let flipped = try folder.write(data, name)
        data[byte] ^= 1 << UInt8(bit)
        flips += 1
        do {
          let (found, archive) = try contents(flipped)
          if found == wanted { unchanged += 1 }
          let sizes = archive.entries.map(\.tensor.storage.byteCount)
          #expect(sizes.allSatisfy { $0 <= data.count }, "\(name): bit \(bit) of byte \(byte)")
          #expect(archive.entries.count <= data.count, "\(name): bit \(bit) of byte \(byte)")
        } catch let error as TensorIOError {
          refused += 1
          #expect(error.place.file == flipped, "\(name): bit \(bit) of byte \(byte)")
        }
      }
    }
    print("bit flips, \(name): \(flips), refused \(refused), unchanged \(unchanged)")
  }
}
