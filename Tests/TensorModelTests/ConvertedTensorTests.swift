import ByteIO
import TestSupport
import Testing

@testable import TensorModel

/// Conversion of whole tensors: layouts, byte orders, sources, quantized ones, pairs; at once and
/// when somebody asks.
@Suite struct ConvertedTensorTests {
  private let numbers = (0..<60_000).map { Float($0 % 997) - 498.5 }

  /// The tensor converted in every way there is, which are the same.
  private func converted(
    _ tensor: Tensor, to dtype: DType, _ policy: CastPolicy = .checked
  ) throws -> Tensor {
    let eager = try tensor.converted(to: dtype, policy: policy)
    let lazy = try tensor.converting(to: dtype, policy: policy)
    let (measured, report) = try tensor.convertedWithReport(to: dtype, policy: policy)
    #expect(report.count >= tensor.count)
    let bytes = try streamed(eager)
    for other in [lazy, measured, try lazy.loaded()] {
      #expect(other.shape == eager.shape && other.dtype == dtype)
      #expect(try streamed(other) == bytes)
    }
    #expect(eager.isContiguous && eager.byteOrder == .little)
    return eager
  }

  private func streamed(_ tensor: Tensor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try tensor.streamElements { bytes += $0.array }
    return bytes
  }

  @Test func stridedAndFortranSources() throws {
    let tensor = try Tensor(numbers, shape: [30, 40, 50])
    let wanted = numbers.map { Double($0) }
    func check(_ view: Tensor, _ index: (Int, Int, Int) -> Int) throws {
      let found = try converted(view, to: .float64).array(of: Double.self)
      var expected: [Double] = []
      for i in 0..<view.shape[0] {
        for j in 0..<view.shape[1] {
          for k in 0..<view.shape[2] { expected.append(wanted[index(i, j, k)]) }
        }
      }
      #expect(found == expected)
    }
    try check(tensor) { $0 * 2000 + $1 * 50 + $2 }
    try check(tensor.transposed()) { $2 * 2000 + $1 * 50 + $0 }
    try check(tensor[3..<20, 5..<6]) { ($0 + 3) * 2000 + ($1 + 5) * 50 + $2 }
    let part = try tensor[2...]
    #expect(part.isContiguous)
    try check(part) { ($0 + 2) * 2000 + $1 * 50 + $2 }
    let broadcast = try Tensor(
      dtype: .float32, shape: [2, 3, 4], strides: [0, 4, 1], storage: tensor.storage)
    try check(broadcast) { $1 * 4 + $2 }
    try check(try tensor[0..<0]) { _, _, _ in 0 }
    #expect(try converted(Tensor.full([], Float(2)), to: .int8).array(of: Int8.self) == [2])
  }

  @Test func bigEndianConjugatedAndNegatedSources() throws {
    let bytes = numbers.flatMap { number in
      (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> UInt32(24 - 8 * $0)) }
    }
    let storage = TensorStorage(try HeapBytes(bytes.span))
    let big = try Tensor(dtype: .float32, byteOrder: .big, shape: [300, 200], storage: storage)
    #expect(try converted(big, to: .float64).array(of: Double.self) == numbers.map { Double($0) })
    #expect(try converted(big, to: .float32).array(of: Float.self) == numbers)
    let turned = try converted(big.transposed(), to: .float32).array(of: Float.self)
    #expect(turned[1] == numbers[200])
    let negated = try Tensor(
      dtype: .float32, byteOrder: .big, shape: [4], storage: storage, isNegated: true)
    #expect(
      try converted(negated, to: .int32).array(of: Int32.self) == [498, 497, 496, 495])
    let pairs = try Tensor([Complex<Float>(1, 2), Complex(3, -4)])
    let conjugated = try Tensor(
      dtype: .complex64, shape: [2], storage: pairs.storage, isConjugated: true)
    #expect(
      try converted(conjugated, to: .complex128).array(of: Complex<Double>.self)
        == [Complex(1, -2), Complex(3, 4)])
    #expect(
      try converted(conjugated, to: .float64, .wrapping).array(of: Double.self) == [1, 3])
  }

  @Test func filesArchivesAndCompressedMembers() throws {
    let folder = try TemporaryFolder()
    let raw = numbers.flatMap { number in unsafe withUnsafeBytes(of: number) { unsafe Array($0) } }
    let file = try InputFile(path: folder.write([9, 9, 9] + raw, "raw"))
    let slice = try FileSlice(file, 3..<3 + raw.count)
    let mapped = try Tensor(dtype: .float32, shape: [60_000], storage: TensorStorage(slice))
    let wanted = numbers.map { Float16($0) }
    #expect(try converted(mapped, to: .float16).array(of: Float16.self) == wanted)
    #expect(
      try converted(mapped[7...], to: .float16).array(of: Float16.self) == Array(wanted[7...]))
    // A source that can only be read from its beginning.
    let stream = try Tensor(
      dtype: .float32, shape: [59_999], offset: 1,
      storage: TensorStorage(SequentialBytes(raw, chunk: 1001)))
    #expect(try converted(stream, to: .float16).array(of: Float16.self) == Array(wanted[1...]))
  }

  @Test func pairsOfFourBitFloats() throws {
    let tensor = try Tensor([0, 0.5, -1, 1.5, 6, -0.25, 2.5, 3.4] as [Float], shape: [2, 4])
    let pairs = try converted(tensor, to: .float4E2M1FNx2)
    #expect(pairs.shape == [2, 2])
    #expect(try streamed(pairs) == [0x10, 0x3a, 0x87, 0x54])
    let back = try converted(pairs, to: .float32)
    #expect(back.shape == [2, 4])
    #expect(try back.array(of: Float.self) == [0, 0.5, -1, 1.5, 6, -0.0, 2, 3])
    let turned = try converted(tensor.transposed(), to: .float4E2M1FNx2)
    #expect(try streamed(turned) == [0x70, 0x81, 0x4a, 0x53])
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try Tensor([1, 2, 3] as [Float]).converted(to: .float4E2M1FNx2)
    }
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try Tensor.full([], Float(1)).converted(to: .float4E2M1FNx2)
    }
    #expect(throws: TensorIOError(.lossy, "")) {
      try Tensor([1, 7] as [Float]).converted(to: .float4E2M1FNx2)
    }
    let limited = try Tensor([.infinity, -9, .nan, 1] as [Float])
      .converted(to: .float4E2M1FNx2, policy: .saturating)
    #expect(try streamed(limited) == [0xf7, 0x20])
  }

  @Test func quantizedTensorsBecomeTheirNumbers() throws {
    let integers = try Tensor((0..<40_000).map { Int8(truncatingIfNeeded: $0) })
    let one = try Tensor(
      dtype: .qint8, shape: [200, 200], storage: integers.storage,
      quantization: .perTensor(scheme: .perTensorAffine, scale: 0.1, zeroPoint: 3))
    let found = try converted(one, to: .float32).array(of: Float.self)
    for index in stride(from: 0, to: 40_000, by: 77) {
      let place = [index / 200, index % 200]
      #expect(
        found[index]
          == (try one.quantization?.real(Int64(Int8(truncatingIfNeeded: index)), at: place)))
    }
    let channels = try Tensor(
      dtype: .quint4x2, shape: [3, 3],
      storage: TensorStorage(try HeapBytes([UInt8]([0x21, 0x43, 0x65, 0x87, 0x09]).span)),
      quantization: .perChannel(
        scheme: .perChannelAffine, scales: Tensor([0.5, 2, 4]),
        zeroPoints: Tensor([0, 1, 2] as [Int64]),
        axis: 1))
    #expect(
      try converted(channels, to: .float64).array(of: Double.self)
        == [0.5, 2, 4, 2, 8, 16, 3.5, 14, 28])
    let unknown = try Tensor(dtype: .qint8, shape: [4], storage: integers.storage)
    #expect(throws: TensorIOError(.unsupported, "")) { try unknown.converted(to: .float32) }
  }

  @Test func whatIsRefusedIsNamedWhereverItLies() throws {
    var numbers = numbers
    numbers[41_234] = .nan
    let tensor = try Tensor(numbers, shape: [300, 200])
    for (view, index) in [(tensor, 41_234), (tensor.transposed(), 34 * 300 + 206)] {
      let error = #expect(throws: TensorIOError(.lossy, "")) { try view.converted(to: .int32) }
      #expect(error?.reason.hasPrefix("element \(index) is nan") == true, "\(error as Any)")
      let lazy = try view.converting(to: .int32)
      let later = #expect(throws: TensorIOError(.lossy, "")) { try lazy.streamElements { _ in } }
      #expect(later?.reason == error?.reason)
    }
    let (_, report) = try tensor.convertedWithReport(to: .int32, policy: .saturating)
    #expect(report.count == 60_000 && report.nanChanges == 1 && report.overflowed == 1)
    #expect(report.maxAbsoluteError == 0.5 && report.changed == 60_000)
  }

  @Test func gradientsAndDevicesAsInTorch() throws {
    let tensor = try Tensor([1, 2] as [Float]).tagged(device: .cuda(1), requiresGrad: true)
    let half = try tensor.converted(to: .float16)
    #expect(half.requiresGrad && half.device == .cuda(1))
    #expect(try !tensor.converted(to: .int8).requiresGrad)
    #expect(try tensor.converted(to: .float32).storage === tensor.storage)
  }
}

/// Bytes that come in order alone, in chunks of a given size.
private final class SequentialBytes: ByteSource {
  private let contents: [UInt8]
  private let chunk: Int

  init(_ contents: [UInt8], chunk: Int) {
    self.contents = contents
    self.chunk = chunk
  }

  var byteCount: Int { contents.count }
  var isResident: Bool { false }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe buffer.copyBytes(from: contents)
  }

  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    for start in stride(from: 0, to: contents.count, by: chunk) {
      let part = Array(contents[start..<min(start + chunk, contents.count)])
      try body(part.span)
    }
  }
}
