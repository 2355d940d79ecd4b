import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Comparison of elements that lie in different ways: strided, compressed, quantized, in records.
@Suite struct DifferenceReadingTests {
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }

  private func status(_ left: Tensor, _ right: Tensor) throws -> TensorDifference.Status? {
    try ArchiveDifference(between: TensorArchive(left), and: TensorArchive(right))
      .tensors.first?.status
  }

  /// A view of the same numbers that lies otherwise.
  private func view(of tensor: Tensor, _ way: Int) throws -> Tensor {
    switch way {
    case 0: return tensor
    case 1:
      // Column-major.
      return try tensor.transposed().loaded().transposed()
    case 2:
      // Every other element of every axis.
      var wide = try Tensor.zeros(tensor.shape.map { 2 * $0 }, dtype: tensor.dtype)
      let all = tensor.shape.map { TensorIndex.slice(from: 1, to: 2 * $0, step: 2) }
      wide = try Tensor(
        dtype: tensor.dtype, shape: wide.shape, storage: try spread(tensor, over: wide.shape))
      return try wide.sliced(all)
    default:
      // Backwards, turned again.
      let back = tensor.shape.map { _ in TensorIndex.slice(from: nil, to: nil, step: -1) }
      return try tensor.sliced(back).loaded().sliced(back)
    }
  }

  /// A storage of `shape` in which every other element is one of the tensor's.
  private func spread(_ tensor: Tensor, over shape: [Int]) throws -> TensorStorage {
    let size = tensor.dtype.bitWidth / 8
    var elements: [UInt8] = []
    try tensor.streamElements { elements += $0.array }
    let strides = Shape.rowMajorStrides(shape)
    var bytes = [UInt8](repeating: 0xaa, count: shape.reduce(size, *))
    for position in 0..<tensor.count {
      var (rest, target) = (position, 0)
      for axis in tensor.shape.indices.reversed() {
        target += (rest % tensor.shape[axis] * 2 + 1) * strides[axis]
        rest /= tensor.shape[axis]
      }
      for byte in 0..<size { bytes[target * size + byte] = elements[position * size + byte] }
    }
    return TensorStorage(try HeapBytes(bytes.span))
  }

  @Test func layoutsMakeNoDifferenceAndHideNone() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("difference of views: seed \(seed)")
    var random = Generator(state: seed)
    for round in 0..<60 {
      let shape = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        Int.random(in: 1...90, using: &random)
      }
      let count = shape.reduce(1, *)
      let numbers = (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
      let place = Int.random(in: 0..<count, using: &random)
      var changed = numbers
      changed[place] += 1
      let left = try view(of: Tensor(numbers, shape: shape), round % 4)
      let right = try view(of: Tensor(changed, shape: shape), round / 4 % 4)
      let same = try view(of: Tensor(numbers, shape: shape), round / 16 % 4)
      #expect(try status(left, same) == .equal, "seed \(seed), round \(round)")
      let difference = try #require(try left.difference(from: right))
      #expect(difference.differingCount == 1 && difference.firstMismatched == place)
      #expect(difference.maxAbsoluteErrorIndex == place)
    }
  }

  @Test func largeTensorsAreComparedInParts() throws {
    var numbers = (0..<3_000_000).map { Float($0 % 1000) }
    let left = try Tensor(numbers, shape: [1000, 3000])
    numbers[2_999_999] = -1
    numbers[1_234_567] += 0.5
    let right = try Tensor(numbers, shape: [1000, 3000])
    let archive = try TensorArchive([("x", left)])
    let folder = try TemporaryFolder()
    try TensorArchive([("x", right)]).write(to: folder.path("stored.npz"))
    var options = WritingOptions()
    options.compressionLevel = 1
    try TensorArchive([("x", right)]).write(to: folder.path("deflated.npz"), options: options)
    var found: [ElementDifference] = []
    for other in [
      try TensorArchive([("x", right)]), try TensorArchive(contentsOf: folder.path("stored.npz")),
      try TensorArchive(contentsOf: folder.path("deflated.npz")),
    ] {
      for pair in [(archive, other), (other, archive)] {
        let difference = try ArchiveDifference(between: pair.0, and: pair.1)
        let tensor = try #require(difference.tensors.first)
        let elements = try #require(tensor.elements)
        #expect(elements.differingCount == 2 && tensor.index(1_234_567) == [411, 1567])
        #expect(elements.firstMismatched == 1_234_567)
        #expect(elements.maxAbsoluteErrorIndex == 2_999_999 && elements.maxAbsoluteError == 1000)
        found.append(elements)
      }
    }
    #expect(Set(found.map { $0.meanAbsoluteError ?? -1 }).count == 1)
    let compressed = try TensorArchive(contentsOf: folder.path("deflated.npz"))
    #expect(try ArchiveDifference(between: compressed, and: compressed).isSame)
  }

  @Test func conjugatesAndNegativesAreWhatTheyMean() throws {
    let numbers = try Tensor([Complex<Float>(1, 2), Complex<Float>(3, -4)])
    let conjugates = try Tensor([Complex<Float>(1, -2), Complex<Float>(3, 4)])
    let lazy = try Tensor(
      dtype: .complex64, shape: [2], storage: numbers.storage, isConjugated: true)
    #expect(try status(lazy, conjugates) == .equal)
    #expect(try status(lazy, numbers) == .differ)
  }

  @Test func quantizedTensorsAreTheNumbersTheyStandFor() throws {
    func quantized(_ integers: [Int8], scale: Double) throws -> Tensor {
      try Tensor(
        dtype: .qint8, shape: [2], storage: Tensor(integers).storage,
        quantization: .perTensor(scheme: .perTensorAffine, scale: scale, zeroPoint: 0))
    }
    let one = try quantized([2, 4], scale: 0.5)
    #expect(try status(one, quantized([2, 4], scale: 0.5)) == .equal)
    #expect(try status(one, quantized([2, 5], scale: 0.5)) == .differ)
    #expect(try status(one, quantized([1, 2], scale: 1)) == .close)
    #expect(try status(one, Tensor([1, 2] as [Float])) == .close)
    #expect(try status(one, Tensor([2, 4] as [Float])) == .differ)
  }

  @Test func recordsAreComparedByFieldsWithoutPadding() throws {
    func record(_ offsets: [Int], _ size: Int, _ bytes: [UInt8]) throws -> Tensor {
      let type = try StructuredType(
        fields: [
          .init(name: "a", dtype: .int8, offset: offsets[0]),
          .init(name: "b", dtype: .int16, offset: offsets[1]),
        ], byteCount: size)
      return try Tensor(
        dtype: .structured(type), shape: [bytes.count / size],
        storage: TensorStorage(HeapBytes(bytes.span)))
    }
    let packed = try record([0, 1], 3, [1, 2, 3, 4, 5, 6])
    #expect(try status(packed, record([0, 2], 4, [1, 0xaa, 2, 3, 4, 0xbb, 5, 6])) == .equal)
    #expect(try status(packed, record([0, 1], 3, [1, 2, 3, 4, 5, 7])) == .differ)
    let other = try StructuredType(
      fields: [.init(name: "a", dtype: .int8, offset: 0)], byteCount: 3)
    #expect(try status(packed, .zeros([2], dtype: .structured(other))) == .incompatible)
  }

  @Test func textsOfOtherLengthsAreTheSameTexts() throws {
    func text(_ bytes: String, _ count: Int) throws -> Tensor {
      try Tensor(
        dtype: .bytes(count: count), shape: [bytes.utf8.count / count],
        storage: TensorStorage(HeapBytes(Array(bytes.utf8).span)))
    }
    #expect(try status(text("ab\0cd\0", 3), text("ab\0cd\0", 3)) == .equal)
    #expect(try status(text("ab\0cd\0", 3), text("abcd", 2)) == .close)
    #expect(try status(text("abccd\0", 3), text("abcd", 2)) == .differ)
  }

  @Test func everyFileOfTheTestDataIsItself() throws {
    var count = 0
    for folder in ["npy/valid", "npz/valid", "torch/valid", "objects/valid"] {
      for file in (try? Repository.testFolder(folder)) ?? [] {
        guard let archive = try? TensorArchive(contentsOf: file),
          let again = try? TensorArchive(contentsOf: file)
        else { continue }
        let difference = try ArchiveDifference(between: archive, and: again)
        let unequal = difference.tensors.filter { $0.status != .equal }
        #expect(difference.isSame && unequal.isEmpty, "\(file): \(unequal.map(\.name))")
        #expect(difference.tensors.allSatisfy { $0.layout.isEmpty }, "\(file)")
        count += 1
      }
    }
    print("difference: \(count) files with themselves")
    #expect(count > 250)
  }

  @Test func byteOrdersMakeNoDifference() throws {
    var count = 0
    for path in try Repository.testFolder("npy/valid") where path.hasSuffix("-le.npy") {
      let tensor = try Tensor(contentsOf: path)
      let unit = tensor.dtype.swapUnit
      guard unit > 1 else { continue }
      var bytes: [UInt8] = []
      try tensor.streamElements { bytes += $0.array }
      let swapped = stride(from: 0, to: bytes.count, by: unit).flatMap {
        bytes[$0..<$0 + unit].reversed()
      }
      let big = try Tensor(
        dtype: tensor.dtype, byteOrder: .big, shape: tensor.shape,
        storage: TensorStorage(HeapBytes(swapped.span)))
      #expect(try status(tensor, big) == .equal, "\(path)")
      count += 1
    }
    #expect(count > 12)
  }

  @Test func anExpandedTensorHitsTheLimit() throws {
    let one = try Tensor([1 as Float])
    let huge = try Tensor(
      dtype: .float32, shape: [1 << 20, 1 << 20], strides: [0, 0], storage: one.storage)
    let difference = try ArchiveDifference(between: TensorArchive(huge), and: TensorArchive(huge))
    #expect(difference.tensors.first?.status == .failed)
    #expect(difference.tensors.first?.error?.code == .limit && !difference.isSame)
  }

  @Test func aDamagedFileIsAFailureOfItsTensorAlone() throws {
    let path = Repository.testFile("npz/invalid/crc-data-flipped.npz")
    let archive = try TensorArchive(contentsOf: path)
    let difference = try ArchiveDifference(between: archive, and: archive, leftFile: path)
    let failed = difference.tensors.filter { $0.status == .failed }
    #expect(failed.count == 1 && failed[0].error?.place.file == path)
  }
}
