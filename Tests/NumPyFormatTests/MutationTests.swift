import ByteIO
import TensorIO
import TestSupport
import Testing

/// Every truncation and every single-bit flip of small files: an error, or the same values.
@Suite struct MutationTests {
  /// The tensors of an archive with all their bytes, read with every check there is.
  private func contents(_ path: String) throws -> [(String, DType, [Int], [UInt8])] {
    let archive = try TensorArchive(contentsOf: path)
    for value in archive.otherValues {
      if case .bytes(let source) = value.node { _ = try source.bytes() }
    }
    return try archive.entries.map { entry in
      var bytes: [UInt8] = []
      try entry.tensor.streamElements { (chunk) throws(TensorIOError) in
        for index in chunk.indices { bytes.append(chunk[index]) }
      }
      return (entry.name, entry.tensor.dtype, entry.tensor.shape, bytes)
    }
  }

  private func same(
    _ left: [(String, DType, [Int], [UInt8])], _ right: [(String, DType, [Int], [UInt8])]
  ) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy {
        $0.0 == $1.0 && $0.1 == $1.1 && $0.2 == $1.2 && $0.3 == $1.3
      }
  }

  private static func seeds() throws -> [GoldenFile] {
    try (GoldenFile.all("npy") + GoldenFile.all("npz")).filter {
      $0.file.contains("/valid/") && ["ok", "object"].contains($0.expected)
    }
  }

  /// A prefix of a file is refused, or holds the same (an archive's trailing comment cut short, bytes
  /// after the array).
  @Test func noTruncationPassesUnnoticed() throws {
    let folder = try TemporaryFolder()
    var (files, cuts) = (0, 0)
    for seed in try Self.seeds() {
      let path = seed.path
      let whole = try bytes(of: path)
      guard whole.count <= 1200, let original = try? contents(path) else { continue }
      files += 1
      for length in 0..<whole.count {
        let name = seed.file.hasSuffix("npz") ? "cut.npz" : "cut.npy"
        let cut = try folder.write(Array(whole.prefix(length)), name)
        cuts += 1
        do {
          let found = try contents(cut)
          // A file of several arrays may lose the later ones, and says so.
          let isPrefix =
            found.count <= original.count && same(found, Array(original.prefix(found.count)))
          let findings = try TensorArchive(contentsOf: cut).findings
          let isSame = same(
            found.map { ("", $0.1, $0.2, $0.3) },
            original.prefix(found.count).map { ("", $0.1, $0.2, $0.3) })
          #expect(
            (isPrefix || isSame) && !(found.isEmpty && !original.isEmpty),
            "\(seed.file) cut at \(length): \(findings)")
        } catch let error as TensorIOError {
          #expect(error.place.file == cut)
        }
      }
    }
    print("truncations tried: \(cuts) of \(files) files")
    #expect(files > 40)
  }

  /// In an archive every value is behind a checksum, so no flip may change one.
  ///
  /// An npy file has none: there a flip may change values, and must not crash.
  @Test func noBitFlipChangesAnArchiveUnnoticed() throws {
    let folder = try TemporaryFolder()
    var (files, flips, refused, unchanged) = (0, 0, 0, 0)
    for (index, seed) in try Self.seeds().enumerated() {
      let path = seed.path
      // Headers of npy files are much alike; one in ten will do.
      if seed.file.hasSuffix("npy"), index % 10 != 0 { continue }
      var data = try bytes(of: path)
      let isArchive = seed.file.hasSuffix("npz")
      guard data.count <= (isArchive ? 420 : 192), let original = try? contents(path) else {
        continue
      }
      files += 1
      for bit in 0..<8 * data.count {
        data[bit / 8] ^= 1 << UInt8(bit % 8)
        let flipped = try folder.write(data, isArchive ? "flip.npz" : "flip.npy")
        data[bit / 8] ^= 1 << UInt8(bit % 8)
        flips += 1
        do {
          let found = try contents(flipped)
          if isArchive {
            unchanged += 1
            // A name may change in both headers of an entry only together; one flip cannot.
            #expect(same(found, original), "\(seed.file): bit \(bit) changed a value in silence")
          }
        } catch let error as TensorIOError {
          refused += 1
          #expect(error.place.file == flipped)
        }
      }
    }
    print(
      "bit flips tried: \(flips) in \(files) files, refused \(refused), archives unchanged \(unchanged)"
    )
    #expect(files > 10)
  }
}
