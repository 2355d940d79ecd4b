public import ByteIO

extension Tensor {
  /// Compares the elements with those of a tensor of the same shape, in a few MiB of memory and on all
  /// cores; nil where no comparison of the dtypes is defined.
  ///
  /// Numbers of any two dtypes are compared exactly, quantized ones as what they stand for; records
  /// with the same fields, and texts of any length, byte by byte without padding; all else byte by byte
  /// when the dtypes are the same. Strides, byte orders, conjugation and negation make no difference.
  /// - Parameters:
  ///   - other: the tensor that errors are relative to.
  ///   - tolerance: how far apart numbers may be that do not count as mismatched.
  ///   - limits: how large a broadcast view may be.
  ///   - place: filled into errors about this tensor.
  ///   - otherPlace: filled into errors about the other.
  /// - Throws: `invalidArgument` for another shape; `unsupported` for meta tensors; what reading
  ///   throws; `limit` for a broadcast view past `limits.expandedBytes`.
  public func difference(
    from other: Tensor, tolerance: Tolerance = Tolerance(),
    limits: DecodingLimits = DecodingLimits(), place: TensorIOError.Place = .init(),
    otherPlace: TensorIOError.Place = .init()
  ) throws(TensorIOError) -> ElementDifference? {
    guard shape == other.shape else {
      throw .invalidArgument("the shapes \(shape) and \(other.shape) differ")
    }
    let left = try locating(place) { () throws(TensorIOError) in
      try numbers(unless: other, limits)
    }
    let right = try locating(otherPlace) { () throws(TensorIOError) in
      try other.numbers(unless: self, limits)
    }
    guard let comparison = ElementComparison(left.dtype, right.dtype, tolerance) else {
      return nil
    }
    // Nothing is the same as nothing; text without room for any has nothing to compare.
    guard left.dtype.bitWidth > 0, right.dtype.bitWidth > 0 else {
      return left.dtype.bitWidth == right.dtype.bitWidth ? comparison.nothing : nil
    }
    let pairs = ElementPairs(
      left: left, right: right, limits: limits, leftPlace: place, rightPlace: otherPlace)
    return unsafe try pairs.forEachRun(comparison.nothing) { left, right, first, difference in
      unsafe comparison.add(left, right, first: first, to: &difference)
    }
  }

  /// The numbers that quantized elements stand for; the tensor itself where it is not quantized, and
  /// where the other tensor's integers mean the same.
  private func numbers(
    unless other: Tensor, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Tensor {
    try requireElements()
    guard dtype.isQuantized else { return self }
    if dtype == other.dtype, quantization == nil || other.quantization == nil { return self }
    return try converting(to: .float32, limits: limits)
  }

  /// Whether the elements can be read in any order, on all cores.
  package var hasParts: Bool {
    guard dtype.bitWidth % 8 == 0, storage.residence == .cpu else { return false }
    return isContiguous ? storage.source.parts != nil : storage.source.isResident
  }
}
