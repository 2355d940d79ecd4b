import ByteIO
import TensorIO
import TensorVerify
import Testing

/// Each kind of lie is noticed, on its axis.
@Suite struct LyingFormatTests {
  private typealias Lie = LyingFormat.Lie

  private func verify(_ archive: TensorArchive, _ lie: Lie) throws -> RoundTripResult {
    try LyingFormat.$lie.withValue(lie) {
      try #require(RoundTrip.verify(archive, through: [LyingFormat.self]).first)
    }
  }

  /// The axes on which an archive that was altered differs; without the lie there are none.
  private func axes(
    _ archive: TensorArchive, _ alter: @escaping @Sendable (TensorArchive) throws -> TensorArchive
  ) throws -> Set<ComparisonAxis> {
    let honest = try verify(archive, Lie())
    #expect(honest.isFaithful, "\(honest.undeclared) \(honest.error as Any)")
    let result = try verify(archive, Lie(alter: alter))
    #expect(result.outcome == .failed, "\(result.error as Any)")
    return Set(result.undeclared.map(\.axis))
  }

  private func sample() throws -> TensorArchive {
    let base = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let other = try Tensor([Float(bitPattern: 0x7fc0_0001), -0.0])
    return try TensorArchive([
      ("a", base), ("view", base[1]), ("b", other),
      ("gpu", other.tagged(device: .cuda(0), requiresGrad: true)),
    ])
  }

  @Test func aTensorIsDropped() throws {
    #expect(
      try axes(sample()) { try $0.changingEntries { pairs, _ in pairs.remove(at: 2) } } == [.names])
  }

  @Test func aTensorIsAdded() throws {
    let found = try axes(sample()) { archive in
      try archive.changingEntries { pairs, values in
        let more = values.add(.tensor(try Tensor([1] as [Int8])))
        pairs.append((values.add(.string("more")), more))
      }
    }
    #expect(found == [.names])
  }

  @Test func aTensorIsRenamed() throws {
    let found = try axes(sample()) { archive in
      try archive.changingEntries { pairs, values in pairs[2].key = values.add(.string("B")) }
    }
    #expect(found == [.names])
  }

  @Test func tensorsChangePlaces() throws {
    #expect(
      try axes(sample()) { try $0.changingEntries { pairs, _ in pairs.swapAt(0, 2) } } == [.order])
  }

  @Test func tensorsChangeNames() throws {
    let archive = try TensorArchive([
      ("a", try Tensor([1, 2] as [Float])), ("b", try Tensor([3, 4] as [Float])),
    ])
    let found = try axes(archive) { archive in
      try archive.changingEntries { pairs, _ in
        (pairs[0].value, pairs[1].value) = (pairs[1].value, pairs[0].value)
      }
    }
    #expect(found == [.elements])
  }

  /// The last bit of many, behind the first chunks.
  @Test func oneBitOfManyChanges() throws {
    let archive = try TensorArchive([("a", try Tensor.arange(700_000))])
    let result = try verify(
      archive,
      Lie(alter: { try $0.replacing("a") { try $0.changingBytes { $0[$0.count - 8] ^= 1 } } }))
    let difference = try #require(result.undeclared.first)
    #expect(difference.axis == .elements && result.undeclared.count == 1)
    #expect(difference.left?.contains("element 699999") == true, "\(difference)")
  }

  /// As readers do that take elements for numbers.
  @Test(arguments: [(3, UInt8(0x80)), (0, 2)]) func aNaNOrAZeroChangesItsBits(
    _ byte: Int, _ bits: UInt8
  ) throws {
    let archive = try TensorArchive([
      ("nan", try Tensor([Float(bitPattern: 0x7fc0_0001)])), ("zero", try Tensor([-0.0 as Float])),
    ])
    for name in archive.names {
      let found = try axes(archive) { archive in
        try archive.replacing(name) { try $0.changingBytes { $0[byte] ^= bits } }
      }
      #expect(found == [.elements])
    }
  }

  @Test func aliasesGetCopies() throws {
    let found = try axes(sample()) { try $0.replacing("view") { try $0.contiguousCopy() } }
    #expect(found == [.aliasing, .storage])
  }

  @Test func copiesBecomeAliases() throws {
    let archive = try TensorArchive([
      ("a", try Tensor([1, 2] as [Float])), ("b", try Tensor([1, 2] as [Float])),
    ])
    let found = try axes(archive) { archive in
      let first = try archive.tensor("a")
      return try archive.replacing("b") { _ in first }
    }
    #expect(found == [.aliasing])
  }

  /// Where all elements are equal, places in the storage are all that tells.
  @Test func aViewMoves() throws {
    let base = try Tensor.full([6], 1 as Float)
    let archive = try TensorArchive([("base", base), ("view", try base[0..<2])])
    let found = try axes(archive) { archive in
      let moved = try archive.tensor("base")[2..<4]
      return try archive.replacing("view") { _ in moved }
    }
    #expect(found == [.storage])
  }

  @Test func tagsAreDropped() throws {
    #expect(
      try axes(sample()) {
        try $0.replacing("gpu") { $0.tagged(device: .cpu, requiresGrad: true) }
      }.contains(.device))
    #expect(
      try axes(sample()) {
        try $0.replacing("gpu") { $0.tagged(device: $0.device, requiresGrad: false) }
      } == [.requiresGrad])
  }

  @Test func outlinesChange() throws {
    let archive = try TensorArchive([("a", try Tensor.full([2, 3], 1 as Float))])
    #expect(
      try axes(archive) { try $0.replacing("a") { try $0.reshaped(to: [3, 2]) } } == [.shape])
    let transposed = try TensorArchive([("a", try Tensor.full([3, 2], 1 as Float).transposed())])
    #expect(
      try axes(transposed) { try $0.replacing("a") { try $0.contiguousCopy() } } == [.strides])
  }

  @Test func dtypesChange() throws {
    let archive = try TensorArchive([("a", try Tensor([0, 0] as [Float]))])
    let found = try axes(archive) { archive in
      try archive.replacing("a") { try Tensor(dtype: .int32, shape: $0.shape, storage: $0.storage) }
    }
    #expect(found == [.dtype])
  }

  @Test func signsAreWrittenOut() throws {
    let base = try Tensor([Complex<Float>(1, 2)])
    let lazy = try Tensor(
      dtype: .complex64, shape: [1], storage: base.storage, isConjugated: true)
    let found = try axes(try TensorArchive([("a", lazy)])) { archive in
      try archive.replacing("a") { try $0.contiguousCopy() }
    }
    #expect(found == [.signs])
  }

  @Test func scalesChange() throws {
    let quantized = try RoundTripSamples.quantized()
    let found = try axes(quantized) { archive in
      try archive.replacing("whole") {
        try Tensor(
          dtype: .qint8, shape: $0.shape, storage: $0.storage,
          quantization: .perTensor(scheme: .perTensorAffine, scale: 0.1.nextUp, zeroPoint: 3))
      }
    }
    #expect(found == [.quantization])
    let rows = try axes(quantized) { archive in
      try archive.replacing("rows") {
        try Tensor(
          dtype: .quint8, shape: $0.shape, storage: $0.storage,
          quantization: .perChannel(
            scheme: .perChannelAffine, scales: Tensor([0.5, 0.125] as [Double]),
            zeroPoints: Tensor([1, 2] as [Int64]), axis: 0))
      }
    }
    #expect(rows == [.quantization])
  }

  // MARK: Declarations

  @Test func aLossIsNotDeclared() throws {
    let large = try Tensor.arange(1000)
    let archive = try TensorArchive([("a", try large[10..<20])])
    #expect(try verify(archive, Lie()).observed.map(\.kind) == [.storage])
    let silent = try verify(archive, Lie(declare: { _ in [] }))
    #expect(silent.undeclared.map(\.axis) == [.storage] && silent.outcome == .failed)
  }

  @Test func aLossTooManyIsDeclared() throws {
    for loss in [Loss(.device, of: "gpu", "the tag"), Loss(.storage, of: "nobody", "a part")] {
      let result = try verify(sample(), Lie(declare: { $0 + [loss] }))
      #expect(result.unobserved == [loss] && result.outcome == .failed)
    }
  }

  /// What is declared of one tensor says nothing of another.
  @Test func aLossOfAnotherTensorIsDeclared() throws {
    let result = try verify(
      sample(),
      Lie(
        alter: { try $0.replacing("gpu") { $0.tagged(device: $0.device, requiresGrad: false) } },
        declare: { $0 + [Loss(.requiresGrad, of: "b", "the flag")] }))
    #expect(result.undeclared.count == 1 && result.unobserved.count == 1)
  }

  /// Elements, names and order are no losses, whatever is declared.
  @Test func whatMayNotBeLostCannotBeDeclared() throws {
    let all = Loss.Kind.allCases.map { Loss($0, of: "b", "all of it") }
    let result = try verify(
      sample(),
      Lie(
        alter: { try $0.replacing("b") { try $0.changingBytes { $0[0] ^= 1 } } },
        declare: { _ in all }))
    #expect(result.undeclared.map(\.axis).contains(.elements))
  }

  @Test func whatIsWrittenCannotBeRead() throws {
    let result = try LyingFormat.$lie.withValue(Lie()) {
      try #require(RoundTrip.verify(sample(), through: [SilentFormat.self]).first)
    }
    #expect(result.outcome == .error && result.error?.code == .malformed)
  }
}

/// Writes what it does not recognize.
private enum SilentFormat: TensorFormat {
  static let descriptor = FormatDescriptor(
    id: "silent", name: "Silence", extensions: ["quiet"], holdsMany: true)
  static func recognizes(_ opened: OpenedFile) -> Bool { false }
  static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    throw TensorIOError(.malformed, "nothing")
  }
  static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    try file.write([1, 2, 3].span)
  }
}

extension Tensor {
  /// The elements in a storage of their own.
  fileprivate func contiguousCopy() throws -> Tensor {
    var bytes: [UInt8] = []
    try streamElements { chunk in for index in chunk.indices { bytes.append(chunk[index]) } }
    return try Tensor(
      dtype: dtype, shape: shape, storage: TensorStorage(try HeapBytes(bytes.span)), device: device,
      requiresGrad: requiresGrad)
  }
}
