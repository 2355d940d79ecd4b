public import ByteIO
internal import CDLPack
public import TensorModel

extension Tensor {
  /// Takes over a tensor of another library: a `DLManagedTensorVersioned` of DLPack 1.x.
  ///
  /// Nothing is copied. The structure's deleter is called once: when nobody uses the storage any
  /// longer, or at once when this throws. The other library must not change the elements meanwhile,
  /// and they have to be there: a copy on a stream of its own must be done.
  /// - Throws: `unsupported` for another major version, a dtype or a device that this library has
  ///   not; `malformed` for an outline that cannot be; `device` for a CUDA device that is not there.
  @unsafe
  public init(dlpack pointer: UnsafeMutableRawPointer) throws(TensorIOError) {
    let lender = unsafe DLPackLender(pointer.assumingMemoryBound(to: tio_dl_managed.self))
    self = try lender.tensor()
  }
}

/// The other library's structure; its deleter is called when nobody refers to this.
@safe
private final class DLPackLender: Sendable {
  // SAFETY: owned by this object and read only; freed by its own deleter in `deinit`.
  private nonisolated(unsafe) let managed: UnsafeMutablePointer<tio_dl_managed>

  init(_ managed: UnsafeMutablePointer<tio_dl_managed>) { unsafe self.managed = managed }

  deinit { unsafe managed.pointee.deleter?(managed) }

  /// Checks everything and makes the tensor.
  func tensor() throws(TensorIOError) -> Tensor {
    let version = unsafe managed.pointee.version
    guard version.major == UInt32(tio_dl_major) else {
      throw .unsupported(
        "DLPack \(version.major).\(version.minor); this library knows version \(tio_dl_major)")
    }
    let outline = unsafe managed.pointee.tensor
    let terms = unsafe outline.dtype
    guard let dtype = DType(terms) else {
      throw .unsupported(
        "the DLPack dtype with code \(terms.code), \(terms.bits) bits and \(terms.lanes) lanes")
    }
    let (shape, strides) = unsafe try Self.axes(of: outline)
    let count = try Shape.byteCount(of: dtype, shape: shape)
    let reach = try Shape.reach(shape, strides, from: 0) ?? 0...0
    let (first, last) = (reach.lowerBound, reach.upperBound)
    guard first > .min else { throw .malformed("the reach of a DLPack tensor") }
    let size = dtype.bitWidth / 8
    let below = try (-first).multiplied(by: size, "the reach of a DLPack tensor")
    let byteCount =
      count == 0
      ? 0
      : try last.added(to: -first, "the reach of a DLPack tensor")
        .added(to: 1, "the reach of a DLPack tensor")
        .multiplied(by: size, "the reach of a DLPack tensor")
    let source = unsafe try bytes(of: outline, below: below, byteCount: byteCount)
    return try Tensor(
      dtype: dtype, shape: shape, strides: strides, offset: count == 0 ? 0 : -first,
      storage: TensorStorage(source), device: (source as? DeviceBytes)?.device ?? .cpu)
  }

  private static func axes(
    of outline: tio_dl_tensor
  ) throws(TensorIOError) -> (shape: [Int], strides: [Int]) {
    let rank = Int(unsafe outline.ndim)
    guard (0...64).contains(rank) else {
      throw .malformed("\(rank) axes in a DLPack tensor; 0 to 64 can be")
    }
    guard rank > 0 else { return ([], []) }
    guard let lengths = unsafe outline.shape else {
      throw .malformed("a DLPack tensor of \(rank) axes without a shape")
    }
    let shape = (0..<rank).map { unsafe Int(lengths[$0]) }
    _ = try Shape.elementCount(shape)
    guard let steps = unsafe outline.strides else { return (shape, Shape.rowMajorStrides(shape)) }
    return (shape, (0..<rank).map { unsafe Int(steps[$0]) })
  }

  /// The bytes from the lowest element on.
  private func bytes(
    of outline: tio_dl_tensor, below: Int, byteCount: Int
  ) throws(TensorIOError) -> any ByteSource {
    let (type, ordinal) = unsafe (outline.device.type, Int(outline.device.id))
    let isHost = type == Int32(tio_dl_cpu) || type == Int32(tio_dl_cuda_host)
    guard isHost || type == Int32(tio_dl_cuda) else {
      throw .unsupported("a DLPack tensor on a device of type \(type)")
    }
    var start: UInt = 0
    if byteCount > 0 {
      let base = unsafe UInt(bitPattern: outline.data)
      guard base != 0 else { throw .malformed("a DLPack tensor with elements and no data") }
      let (zero, over) = base.addingReportingOverflow(UInt(unsafe outline.byte_offset))
      let (lowest, under) = zero.subtractingReportingOverflow(UInt(below))
      let (_, past) = lowest.addingReportingOverflow(UInt(byteCount))
      guard !over, !under, !past, lowest != 0 else {
        throw .malformed("a DLPack tensor that reaches past the address space")
      }
      start = lowest
    }
    guard !isHost else { return LentBytes(self, address: start, byteCount: byteCount) }
    let lanes = try CUDA.lanes(.cuda(ordinal))
    return DeviceBytes(
      DeviceMemory(lanes, address: UInt64(start), byteCount: byteCount, owner: self))
  }
}

/// Host memory that another library lends.
private final class LentBytes: ByteSource {
  let byteCount: Int
  private let address: UInt
  private let lender: DLPackLender

  init(_ lender: DLPackLender, address: UInt, byteCount: Int) {
    self.lender = lender
    self.address = address
    self.byteCount = byteCount
  }

  var isResident: Bool { true }

  /// Valid while this object lives, for it keeps the lender.
  private var region: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: address), count: byteCount)
  }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    defer { withExtendedLifetime(self) {} }
    return unsafe try body(region)
  }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    unsafe buffer.copyMemory(from: region)
  }

  func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try unsafe Span<UInt8>(_unsafeBytes: region).forEachChunk(body)
  }
}
