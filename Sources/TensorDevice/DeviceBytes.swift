internal import ByteIO
internal import CCUDADriver
internal import TensorModel

/// A block of a device's memory; freed, or given back to whoever lent it, when nobody refers to it.
final class DeviceMemory: Sendable {
  let lanes: StagingLanes
  let address: UInt64
  let byteCount: Int
  /// Who owns the memory, where that is not this object.
  private let owner: (any Sendable)?

  var context: CUDAContext { lanes.context }
  var device: Device { .cuda(context.ordinal) }

  /// Allocates memory, whose contents are arbitrary.
  /// - Throws: `device` with what is free when there is not enough.
  init(_ lanes: StagingLanes, byteCount: Int) throws(TensorIOError) {
    var address: UInt64 = 0
    // The driver allocates no 0 bytes.
    if byteCount > 0 {
      let status = unsafe try lanes.context.status {
        unsafe tio_cuda_allocate($0, &address, byteCount)
      }
      if status == Int32(tio_cuda_out_of_memory) {
        throw Self.shortage(of: byteCount, lanes.context)
      }
      try lanes.context.driver.require(status, "cuMemAlloc of \(byteCount) bytes")
    }
    self.lanes = lanes
    self.address = address
    self.byteCount = byteCount
    owner = nil
  }

  /// Memory that somebody else allocated and `owner` keeps.
  init(_ lanes: StagingLanes, address: UInt64, byteCount: Int, owner: any Sendable) {
    self.lanes = lanes
    self.address = address
    self.byteCount = byteCount
    self.owner = owner
  }

  deinit {
    guard owner == nil, byteCount > 0 else { return }
    unsafe context.release { unsafe tio_cuda_free($0, address) }
  }

  private static func shortage(of byteCount: Int, _ context: CUDAContext) -> TensorIOError {
    let free =
      (try? context.memory()).map { ", and \($0.free) of its \($0.total) are free" } ?? ""
    return TensorIOError(
      .device,
      "out of memory: \(byteCount) bytes are needed on cuda:\(context.ordinal)\(free)")
  }
}

/// A run of bytes in a device's memory, which the host reads by downloading it.
final class DeviceBytes: DeviceByteSource {
  let memory: DeviceMemory
  let range: Range<Int>

  init(_ memory: DeviceMemory, _ range: Range<Int>? = nil) {
    self.memory = memory
    self.range = range ?? 0..<memory.byteCount
  }

  var device: Device { memory.device }
  var byteCount: Int { range.count }
  var isResident: Bool { false }
  var address: UInt64 { memory.address + UInt64(range.lowerBound) }

  func part(_ part: Range<Int>) -> any DeviceByteSource {
    let start = range.lowerBound
    return DeviceBytes(memory, start + part.lowerBound..<start + part.upperBound)
  }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    unsafe try Download.load(self, into: buffer)
  }

  func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try Download.stream(self, body)
  }
}
