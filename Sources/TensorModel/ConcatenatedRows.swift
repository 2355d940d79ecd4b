public import ByteIO

extension Tensor {
  /// Tensors one behind the other along an axis, which are read when somebody asks for the elements:
  /// nothing is copied here, and streaming takes bounded memory.
  ///
  /// The result has the dtype of the parts, in little-endian order, on the CPU and without gradient.
  /// Along axis 0 the parts may be larger than memory however they are stored; along others, parts that
  /// are compressed or not in row-major order are in memory while their rows are read.
  /// - Parameters:
  ///   - tensors: the parts, one at least.
  ///   - axis: negative ones count from the end.
  ///   - limits: for what is decoded of the parts.
  /// - Throws: `invalidArgument` for no tensors, 0-d ones, another dtype or shape, and an axis that is
  ///   not there; `unsupported` for objects, quantized elements and those that are no whole bytes.
  public static func concatenated(
    _ tensors: [Tensor], axis: Int = 0, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> Tensor {
    guard let first = tensors.first else {
      throw .invalidArgument("there is nothing to concatenate")
    }
    guard first.rank > 0 else {
      throw .invalidArgument("a 0-d array has no axis to concatenate along; reshape it to (1,)")
    }
    guard (-first.rank..<first.rank).contains(axis) else {
      throw .invalidArgument("there is no axis \(axis) in an array of \(first.rank) axes")
    }
    let axis = axis < 0 ? axis + first.rank : axis
    for tensor in tensors { try tensor.requireLike(first, but: axis) }
    let dtype = first.dtype.withLittleEndianFields
    guard dtype.bitWidth % 8 == 0, !dtype.isQuantized, !dtype.containsObjects else {
      throw .unsupported("concatenating elements of \(dtype)")
    }
    var shape = first.shape
    shape[axis] = 0
    var offsets: [Int] = []
    for tensor in tensors {
      offsets.append(shape[axis])
      shape[axis] = try shape[axis].added(to: tensor.shape[axis], "the length of the axis")
    }
    guard axis > 0 else {
      let source = ConcatenatedRows(
        tensors, byteCount: try Shape.byteCount(of: dtype, shape: shape), limits: limits)
      return try Tensor(
        dtype: dtype, shape: shape,
        storage: TensorStorage(source, budget: DecodingBudget(limits)))
    }
    let blocks = zip(tensors, offsets).compactMap { tensor, offset -> TensorBlock? in
      guard tensor.shape[axis] > 0 else { return nil }
      var offsets = tensor.shape.map { _ in 0 }
      offsets[axis] = offset
      return TensorBlock(offsets: offsets, tensor: tensor)
    }
    guard !shape.contains(0) else { return try zeros(shape, dtype: dtype) }
    return try Tensor(
      joining: blocks, dtype: dtype, shape: shape, requiresGrad: false, limits: limits)
  }

  /// Refuses a tensor that cannot stand behind another.
  private func requireLike(_ other: Tensor, but axis: Int) throws(TensorIOError) {
    guard dtype.withLittleEndianFields == other.dtype.withLittleEndianFields else {
      throw .invalidArgument(
        "\(dtype) does not go behind \(other.dtype); call .converted(to:) first, or tensorio convert "
          + "--dtype")
    }
    var (own, wanted) = (shape, other.shape)
    if axis < own.count { own[axis] = 0 }
    wanted[axis] = 0
    guard own == wanted else {
      throw .invalidArgument(
        "the shape \(shape) does not go behind \(other.shape): but for axis \(axis) they are the same"
      )
    }
  }
}

/// The elements of tensors that follow each other along the first axis.
private final class ConcatenatedRows: ByteSource {
  let byteCount: Int
  private let parts: [Tensor]
  private let limits: DecodingLimits

  init(_ parts: [Tensor], byteCount: Int, limits: DecodingLimits) {
    (self.parts, self.byteCount, self.limits) = (parts, byteCount, limits)
  }

  var isResident: Bool { false }
  var isChecksummed: Bool { parts.contains { $0.storage.source.isChecksummed } }

  func requireUnchanged() throws(TensorIOError) {
    for part in parts { try part.storage.source.requireUnchanged() }
  }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try loadByStreaming(into: buffer)
  }

  func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    for part in parts { try part.streamElements(as: .littleEndian, limits: limits, body) }
  }
}
