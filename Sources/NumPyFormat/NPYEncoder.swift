internal import ByteIO
internal import TensorModel

/// A tensor as np.save would write it: header, then elements in the order they lie in.
struct NPYEncoder {
  let header: [UInt8]
  /// The tensor whose row-major order is the file's order.
  private let payload: Tensor
  /// The elements of an array of objects.
  private let pickle: [UInt8]
  /// The bytes of header and elements.
  let byteCount: Int

  /// Prepares an entry of an archive for writing; arrays of objects need to know their elements.
  init(_ entry: TensorArchive.Entry, of archive: TensorArchive) throws(TensorIOError) {
    guard entry.tensor.dtype.containsObjects else {
      try self.init(entry.tensor)
      return
    }
    let pickle = try ObjectArray.bytes(of: entry.id, in: archive)
    try self.init(entry.tensor, pickle: pickle)
  }

  /// Prepares a tensor for writing.
  /// - Throws: `invalidArgument` for tensors tagged with a device or wanting gradients, as PyTorch's
  ///   `.numpy()` does; `unsupported` for objects and quantized elements.
  init(_ tensor: Tensor, pickle: [UInt8]? = nil) throws(TensorIOError) {
    try Self.requireArray(tensor)
    guard !tensor.dtype.containsObjects || pickle != nil else {
      throw .unsupported("the elements are Python objects, which only an archive knows")
    }
    // Before room is made on the disk.
    try tensor.requireExpansion(DecodingLimits())
    self.pickle = pickle ?? []
    // As in NumPy: an array that is both is row-major, one that is neither is copied row-major.
    // Elements of no bytes have no order.
    let isFortran =
      !tensor.isContiguous && tensor.isFortranContiguous && tensor.dtype.bitWidth > 0
    header = try NPYHeader.bytes(
      dtype: tensor.dtype, byteOrder: tensor.byteOrder, isFortranOrder: isFortran,
      shape: tensor.shape)
    payload = isFortran ? tensor.transposed() : tensor
    byteCount = try header.count.added(
      to: pickle?.count ?? tensor.byteCount, "the size of the file")
  }

  /// Refuses tensors that say more than an array can.
  static func requireArray(_ tensor: Tensor) throws(TensorIOError) {
    guard tensor.device == .cpu else {
      throw .invalidArgument(
        "the tensor is on \(tensor.device) and NumPy knows no devices; call to(.cpu) first")
    }
    guard !tensor.requiresGrad else {
      throw .invalidArgument(
        "the tensor requires grad, which NumPy cannot say; call detached() first")
    }
  }

  /// Hands the elements to `body` in the order of the file.
  func streamElements(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    if payload.dtype.containsObjects { return try body(pickle.span) }
    // Raw bytes say no byte order: whoever reads them takes the usual one.
    let isRaw = TypeString.rawSize(payload.dtype) != nil
    try payload.streamElements(as: isRaw ? .littleEndian : .stored, body)
  }

  /// What NumPy cannot say of the tensors of an archive.
  static func losses(of archive: TensorArchive) -> [Loss] {
    var losses = archive.entries.flatMap { Self.losses(of: $0) }
    for group in archive.aliasGroups {
      // Of nothing there are no two copies.
      let group = group.filter { $0.tensor.byteCount > 0 }
      for entry in group.dropFirst() {
        losses.append(
          Loss(
            .aliasing, of: entry.name,
            "that it shares its storage with '\(group[0].name)'; each gets a copy"))
      }
    }
    return losses
  }

  private static func losses(of entry: TensorArchive.Entry) -> [Loss] {
    rawTypes(in: entry.tensor.dtype).map { dtype in
      Loss(
        .dtype, of: entry.name,
        "NumPy has no \(dtype); the bytes are kept as V\(dtype.bitWidth / 8); read them with "
          + "--void-as \(dtype)")
    } + entry.tagLosses(keepsColumnMajor: true)
  }

  /// The dtypes, of the elements or of fields of them, that NumPy can only hold as raw bytes.
  private static func rawTypes(in dtype: DType) -> [DType] {
    guard case .structured(let type) = dtype else {
      return TypeString.rawSize(dtype) == nil ? [] : [dtype]
    }
    return type.fields.flatMap { rawTypes(in: $0.dtype) }
  }
}
