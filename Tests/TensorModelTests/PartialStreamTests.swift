import ByteIO
import Synchronization
import Testing

@testable import TensorModel

/// Tensors that are a part of a source with a checksum.
@Suite struct PartialStreamTests {
  /// Counts how often it is read from one end to the other.
  private final class Counted: ByteSource {
    let bytes: HeapBytes
    let isResident: Bool
    let isChecksummed = true
    let reads = Mutex(0)

    init(_ bytes: [UInt8], isResident: Bool) throws {
      self.bytes = try HeapBytes(bytes.span)
      self.isResident = isResident
    }

    var byteCount: Int { bytes.byteCount }

    func withResidentBytes<R>(
      _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
    ) throws(TensorIOError) -> R? {
      isResident ? unsafe try bytes.withResidentBytes(body) : nil
    }

    func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
      reads.withLock { $0 += 1 }
      unsafe try bytes.load(into: buffer)
    }

    func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
      reads.withLock { $0 += 1 }
      try bytes.stream(body)
    }
  }

  private static let bytes = (0..<64).map { UInt8($0) }

  private func streamed(_ tensor: Tensor, _ limits: DecodingLimits = .init()) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try tensor.streamElements(limits: limits) { (chunk) throws(TensorIOError) in
      for index in chunk.indices { bytes.append(chunk[index]) }
    }
    return bytes
  }

  @Test(arguments: [true, false], [DType.uint8, .int16, .quint4x2, .quint2x4])
  func partsOfASourceReadItOnce(_ isResident: Bool, _ dtype: DType) throws {
    let source = try Counted(Self.bytes, isResident: isResident)
    let storage = TensorStorage(source)
    for count in 1...30 {
      let tensor = try Tensor(dtype: dtype, shape: [count], storage: storage)
      #expect(try streamed(tensor) == Array(Self.bytes.prefix(tensor.byteCount)))
    }
    #expect(source.reads.withLock { $0 } == 1)
  }

  @Test func aWholeSourceIsStreamed() throws {
    let source = try Counted(Self.bytes, isResident: false)
    let tensor = try Tensor(dtype: .uint8, shape: [64], storage: TensorStorage(source))
    for _ in 0..<3 { #expect(try streamed(tensor) == Self.bytes) }
    #expect(source.reads.withLock { $0 } == 3)
  }

  /// What may not be kept in memory is still walked through.
  @Test func aSourceThatIsTooLargeToBeDecoded() throws {
    var limits = DecodingLimits()
    limits.decodedBytes = 32
    let source = try Counted(Self.bytes, isResident: false)
    let storage = TensorStorage(source, budget: DecodingBudget(limits))
    let tensor = try Tensor(dtype: .uint8, shape: [20], storage: storage)
    #expect(try streamed(tensor, limits) == Array(Self.bytes.prefix(20)))
  }
}
