internal import ByteIO

/// Reads a tensor's elements block by block, in any order and from several threads.
struct ElementAccess: Sendable {
  private enum Way: Sendable {
    case parts(ElementParts)
    /// Of bytes in place.
    case gathered(ElementRewrite)
  }

  private let tensor: Tensor
  private let way: Way
  /// The bytes of an element.
  let size: Int

  /// Nil where elements come in order only.
  /// - Throws: `malformed` for a wrong checksum; `limit` for broadcast views past
  ///   `limits.expandedBytes`, and elements past `limits.decodedBytes`.
  init?(_ tensor: Tensor, _ limits: DecodingLimits) throws(TensorIOError) {
    self.tensor = tensor
    size = tensor.dtype.bitWidth / 8
    guard tensor.dtype.bitWidth % 8 == 0, size > 0, tensor.storage.residence == .cpu else {
      return nil
    }
    try tensor.requireMemory(for: size, limits)
    if tensor.isContiguous {
      guard let parts = try ElementParts(tensor) else { return nil }
      way = .parts(parts)
    } else {
      try tensor.requireExpansion(limits)
      guard tensor.storage.source.isResident else { return nil }
      try tensor.storage.verifyInPlace()
      way = .gathered(ElementRewrite(tensor))
    }
  }

  /// Whether blocks of any shape are ranges.
  var isContiguous: Bool { tensor.isContiguous }

  /// Hands out the elements of a block.
  /// - Parameters:
  ///   - block: of the tensor's shape, or of its elements as one axis where it is contiguous.
  ///   - scratch: room for the block.
  func withElements(
    _ block: GatherPlan.Block, _ scratch: UnsafeMutableRawBufferPointer,
    _ place: TensorIOError.Place,
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let bytes = block.count * size
    try locating(place) { () throws(TensorIOError) in
      switch way {
      case .parts(let parts):
        let start = block.first * size
        unsafe try parts.withElements(start..<start + bytes, scratch, body)
      case .gathered(let rewrite):
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<bytes])
        let start = zip(block.index, tensor.strides).reduce(tensor.offset) { $0 + $1.0 * $1.1 }
        unsafe try tensor.storage.withUnsafeBytes { (region) throws(TensorIOError) in
          guard let base = region.baseAddress else { return }
          unsafe Tensor.gather(
            into: target, from: base + start * size, itemSize: size, shape: block.shape,
            strides: tensor.strides)
        }
        unsafe rewrite.apply(to: target)
        unsafe try body(UnsafeRawBufferPointer(target))
      }
    }
  }

  /// What can be checked only behind the last element.
  func finish() throws(TensorIOError) {
    switch way {
    case .parts(let parts): try parts.finish()
    case .gathered: try tensor.storage.source.requireUnchanged()
    }
  }
}
