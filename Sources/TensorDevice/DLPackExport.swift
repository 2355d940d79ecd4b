public import ByteIO
internal import CDLPack
public import TensorModel

/// A tensor for another library: a `DLManagedTensorVersioned` of DLPack 1.x that somebody has to free
/// once.
///
/// This object does, unless ``take()`` hands that duty on with the pointer.
@safe
public struct DLPackTensor: ~Copyable {
  // SAFETY: points at a structure that `init` made and that nobody else frees.
  private let managed: UnsafeMutablePointer<tio_dl_managed>

  /// What has to outlive the structure.
  @safe
  private final class Manager {
    let storage: TensorStorage
    let shape: UnsafeMutablePointer<Int64>

    init(_ storage: TensorStorage, shape: [Int], strides: [Int]) {
      self.storage = storage
      // One block: the lengths, then the strides.
      unsafe self.shape = .allocate(capacity: max(1, 2 * shape.count))
      for (index, number) in (shape + strides).enumerated() {
        unsafe (self.shape + index).initialize(to: Int64(number))
      }
    }

    deinit { unsafe shape.deallocate() }
  }

  /// Shares a tensor's bytes, which are marked as read-only: they may be a mapped file.
  ///
  /// Bytes in place are compared with their checksum first; a compressed member is decoded.
  /// - Throws: `invalidArgument` for a tensor that wants gradients, is conjugated or negated, or is
  ///   big-endian, naming the call that mends it; `unsupported` for dtypes that DLPack has not, and
  ///   meta tensors; what decoding throws.
  public init(_ tensor: Tensor) throws(TensorIOError) {
    guard let type = tensor.dtype.dlpack else {
      throw .unsupported("DLPack has no \(tensor.dtype)")
    }
    try Self.requirePlain(tensor)
    let storage = tensor.storage
    let (address, device) = try Self.place(of: storage)
    let size = tensor.dtype.bitWidth / 8
    let start = tensor.shape.contains(0) ? 0 : tensor.offset * size
    let manager = Manager(storage, shape: tensor.shape, strides: tensor.strides)
    let new = UnsafeMutablePointer<tio_dl_managed>.allocate(capacity: 1)
    unsafe new.initialize(
      to: tio_dl_managed(
        version: tio_dl_version(major: UInt32(tio_dl_major), minor: UInt32(tio_dl_minor)),
        manager_context: Unmanaged.passRetained(manager).toOpaque(),
        deleter: { managed in unsafe DLPackTensor.free(managed) },
        flags: UInt64(tio_dl_read_only),
        tensor: tio_dl_tensor(
          data: UnsafeMutableRawPointer(bitPattern: address), device: device,
          ndim: Int32(tensor.rank), dtype: type, shape: manager.shape,
          strides: manager.shape + tensor.rank, byte_offset: UInt64(start))))
    unsafe managed = new
  }

  private static func requirePlain(_ tensor: Tensor) throws(TensorIOError) {
    guard !tensor.requiresGrad else {
      throw .invalidArgument(
        "the tensor requires grad, which DLPack cannot say; call detached() first")
    }
    guard !tensor.isConjugated, !tensor.isNegated else {
      throw .invalidArgument(
        "the tensor is conjugated or negated when read, which DLPack cannot say; call resolved() first"
      )
    }
    guard tensor.byteOrder == .little || tensor.dtype.swapUnit == 1 else {
      throw .invalidArgument(
        "the tensor is big-endian, which DLPack cannot say; call loaded() first")
    }
  }

  /// The address of a storage's first byte.
  private static func place(
    of storage: TensorStorage
  ) throws(TensorIOError) -> (UInt, tio_dl_device) {
    if let bytes = storage.source as? DeviceBytes {
      let ordinal = Int32(bytes.memory.context.ordinal)
      return (UInt(bytes.address), tio_dl_device(type: Int32(tio_dl_cuda), id: ordinal))
    }
    guard storage.hasBytes else {
      throw .unsupported("a meta tensor has no elements that could be shared")
    }
    try storage.verifyInPlace()
    // The storage keeps its bytes, decoded ones too, where they are for as long as it lives.
    let address = try storage.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    }
    return (address, tio_dl_device(type: Int32(tio_dl_cpu), id: 0))
  }

  private static func free(_ managed: UnsafeMutablePointer<tio_dl_managed>?) {
    guard let managed = unsafe managed else { return }
    if let context = unsafe managed.pointee.manager_context {
      unsafe Unmanaged<Manager>.fromOpaque(context).release()
    }
    unsafe managed.deinitialize(count: 1)
    unsafe managed.deallocate()
  }

  deinit { unsafe Self.free(managed) }

  /// Hands out the structure for good: whoever gets it calls its deleter, once.
  @unsafe
  public consuming func take() -> UnsafeMutableRawPointer {
    let pointer = unsafe UnsafeMutableRawPointer(managed)
    discard self
    return unsafe pointer
  }
}
