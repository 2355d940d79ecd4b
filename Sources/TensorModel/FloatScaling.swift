public import ByteIO
internal import CTensorKernels

/// `number * factor + offset`, each operation rounded, as NumPy computes it in the dtype's precision.
package enum FloatScaling {
  /// Scales whole elements of float32 or float64 in place; others stay.
  package static func apply(
    _ dtype: DType, _ bytes: UnsafeMutableRawBufferPointer, factor: Double, offset: Double
  ) {
    guard let start = bytes.baseAddress else { return }
    // SAFETY: the kernels touch whole elements inside of `bytes`.
    switch dtype {
    case .float32: unsafe tio_scale_float(start, bytes.count / 4, Float(factor), Float(offset))
    case .float64: unsafe tio_scale_double(start, bytes.count / 8, factor, offset)
    default: break
    }
  }
}

extension Tensor {
  /// Every number times a factor, plus an offset, in memory of its own.
  ///
  /// float32 and float64 keep their dtype and round as NumPy does; other numbers become float32 first.
  /// - Throws: as ``converted(to:policy:limits:)``.
  public func scaled(
    by factor: Double, adding offset: Double = 0, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> Tensor {
    let isFloat = dtype == .float32 || dtype == .float64
    let tensor = isFloat ? self : try converted(to: .float32, limits: limits)
    try tensor.requireMemory(for: tensor.byteCount, limits)
    let bytes = unsafe try HeapBytes(byteCount: tensor.byteCount) {
      (buffer) throws(TensorIOError) in
      unsafe try tensor.copyElements(into: buffer, limits: limits)
      unsafe FloatScaling.apply(tensor.dtype, buffer, factor: factor, offset: offset)
    }
    return try Tensor(
      dtype: tensor.dtype, shape: tensor.shape, storage: TensorStorage(bytes), device: device,
      requiresGrad: requiresGrad)
  }
}
