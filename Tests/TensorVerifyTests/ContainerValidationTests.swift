import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Bytes of an archive that no reader looks at.
@Suite struct ContainerValidationTests {
  private func validate(_ bytes: [UInt8], as name: String = "x.npz") throws -> ValidationResult {
    let folder = try TemporaryFolder()
    return Validator().validate(try folder.write(bytes, name))
  }

  /// Where a signature stands.
  private func offsets(of signature: [UInt8], in bytes: [UInt8]) -> [Int] {
    bytes.indices.dropLast(3).filter { bytes[$0..<$0 + 4].elementsEqual(signature) }
  }

  @Test func everyBitOfADataDescriptorCounts() throws {
    let whole = try bytes(of: Repository.testFile("npz/valid/data-descriptor.npz"))
    #expect(try validate(whole).outcome == .clean)
    let start = try #require(offsets(of: [0x50, 0x4b, 7, 8], in: whole).first)
    for bit in 0..<16 * 8 {
      var flipped = whole
      flipped[start + bit / 8] ^= 1 << (bit % 8)
      let result = try validate(flipped)
      #expect(result.findings.map(\.code) == [.zipHeaderMismatch], "bit \(bit): \(result)")
    }
  }

  @Test func allDamagedMembersAreNamed() throws {
    let folder = try TemporaryFolder()
    let tensors = try (0..<4).map { index in
      ("t\(index)", try Tensor([Float](repeating: Float(index) + 0.5, count: 300), shape: [300]))
    }
    try TensorArchive(tensors).write(to: folder.path("x.npz"))
    var damaged = try bytes(of: folder.path("x.npz"))
    // The numbers of the second and the fourth array.
    for value in [Float(1.5), 3.5] {
      let pattern = (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
      let place = try #require(offsets(of: pattern, in: damaged).last)
      damaged[place] ^= 1
    }
    let result = try validate(damaged)
    #expect(result.errors.map(\.place.member) == ["t1.npy", "t3.npy"])
    #expect(result.errors.allSatisfy { $0.reason.contains("CRC-32") })
  }

  @Test func aFileThatIsNoneIsCalledByItsName() throws {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    let result = try validate(Array(pointer.utf8), as: "model.pt")
    #expect(result.outcome == .failed)
    #expect(result.errors[0].reason.contains("Git LFS pointer"))
    let page = try validate(Array("<!DOCTYPE html><html>".utf8), as: "model.npz")
    #expect(page.errors[0].reason.contains("HTML page"))
    #expect(try validate([], as: "model.npy").errors[0].reason.contains("empty"))
  }
}

extension ContainerValidationTests {
  /// A million oddities of one kind are no million lines.
  @Test func findingsOfOneKindAreCounted() throws {
    let folder = try TemporaryFolder()
    let tensors = try (0..<1200).map { ("t\($0)", try Tensor([Float.nan], shape: [1])) }
    try TensorArchive(tensors).write(to: folder.path("x.npz"))
    var options = ValidationOptions()
    options.requiresFinite = true
    let found = Validator(options: options).validate(folder.path("x.npz")).findings
    #expect(found.count == 1001)
    #expect(found.last?.message == "200 more of this kind are left out")
  }
}
