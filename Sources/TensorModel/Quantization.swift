public import ByteIO

/// What the integers of a quantized tensor stand for: `(integer - zero point) * scale`.
///
/// The words are torch's. Parameters are one pair for the whole tensor, or one for each index of an
/// axis.
public indirect enum Quantization: Sendable {
  /// How parameters are laid out and what they are; the raw value is torch's name.
  public enum Scheme: String, Sendable, Hashable, CaseIterable {
    /// One scale and one zero point.
    case perTensorAffine = "per_tensor_affine"
    /// One scale; the zero point is in the middle of the range.
    case perTensorSymmetric = "per_tensor_symmetric"
    /// Scales (float64) and zero points (int64) for each index of an axis.
    case perChannelAffine = "per_channel_affine"
    /// Scales for each index of an axis; the zero points are in the middle of the range.
    case perChannelSymmetric = "per_channel_symmetric"
    /// Scales and zero points for each index of an axis, both float32.
    case perChannelAffineFloatQParams = "per_channel_affine_float_qparams"

    /// Whether there are parameters for each index of an axis.
    public var isPerChannel: Bool {
      switch self {
      case .perTensorAffine, .perTensorSymmetric: false
      case .perChannelAffine, .perChannelSymmetric, .perChannelAffineFloatQParams: true
      }
    }
  }

  /// One pair of parameters for all elements.
  ///
  /// torch reckons with the scale as a binary32 and the lower 32 bits of the zero point.
  case perTensor(scheme: Scheme, scale: Double, zeroPoint: Int64)
  /// A pair of parameters for each index of an axis: tensors of one axis, as long as that one.
  case perChannel(scheme: Scheme, scales: Tensor, zeroPoints: Tensor, axis: Int)

  /// The scheme.
  public var scheme: Scheme {
    switch self {
    case .perTensor(let scheme, _, _), .perChannel(let scheme, _, _, _): scheme
    }
  }

  /// The real number that an integer at an index of the tensor stands for, as torch reckons it.
  ///
  /// With one scale, integers are subtracted in 32 bits, wrapping around, and multiplied as binary32.
  /// With scales of an axis, they are subtracted as binary32 and multiplied as binary64.
  /// - Throws: what reading the parameters throws.
  public func real(_ integer: Int64, at index: [Int]) throws(TensorIOError) -> Float {
    switch self {
    case .perTensor(_, let scale, let zeroPoint):
      let zero = Int32(truncatingIfNeeded: zeroPoint)
      return Float(Int32(truncatingIfNeeded: integer) &- zero) * Float(scale)
    case .perChannel(_, let scales, let zeroPoints, let axis):
      guard index.indices.contains(axis) else {
        throw .invalidArgument("the index \(index) has no axis \(axis)")
      }
      guard case .float(let scale) = try scales.element(at: [index[axis]]) else {
        throw .unsupported("scales of \(scales.dtype)")
      }
      let zero: Float
      switch try zeroPoints.element(at: [index[axis]]) {
      case .int(let value): zero = Float(value)
      case .uint(let value): zero = Float(value)
      case .float(let value): zero = Float(value)
      default: throw .unsupported("zero points of \(zeroPoints.dtype)")
      }
      return Float(Double(Float(integer) - zero) * scale)
    }
  }
}

extension Quantization {
  /// Refuses parameters that do not fit a tensor.
  func validate(dtype: DType, shape: [Int]) throws(TensorIOError) {
    guard dtype.isQuantized else {
      throw .malformed("elements of \(dtype) cannot be quantized (\(scheme.rawValue))")
    }
    switch self {
    case .perTensor(let scheme, _, _):
      guard !scheme.isPerChannel else {
        throw .malformed("\(scheme.rawValue) needs scales, and there is one scale")
      }
    case .perChannel(let scheme, let scales, let zeroPoints, let axis):
      guard scheme.isPerChannel else {
        throw .malformed("\(scheme.rawValue) needs one scale, and there are scales of an axis")
      }
      guard shape.indices.contains(axis) else {
        throw .malformed("the quantized axis \(axis) is none of the \(shape.count) axes")
      }
      for (name, parameters) in [("scales", scales), ("zero points", zeroPoints)] {
        guard parameters.shape == [shape[axis]] else {
          throw .malformed(
            "the \(name) have the shape \(parameters.shape), "
              + "axis \(axis) of \(shape) needs [\(shape[axis])]")
        }
      }
      guard Self.isFloat(scales.dtype) else {
        throw .malformed("the scales are \(scales.dtype), not floats")
      }
      let hasFloats = scheme == .perChannelAffineFloatQParams
      guard hasFloats ? Self.isFloat(zeroPoints.dtype) : zeroPoints.dtype.isInteger else {
        throw .malformed("the zero points of \(scheme.rawValue) are \(zeroPoints.dtype)")
      }
    }
  }

  private static func isFloat(_ dtype: DType) -> Bool {
    switch dtype {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  /// The parameters of a slice of the tensor.
  /// - Throws: `unsupported` for one index of an axis whose zero point is no integer; what reading
  ///   the parameters of one index throws.
  func sliced(_ indexes: [TensorIndex]) throws(TensorIOError) -> Quantization {
    guard case .perChannel(let scheme, let scales, let zeroPoints, let axis) = self else {
      return self
    }
    let removed = indexes.prefix(axis).count { index in
      if case .at = index { true } else { false }
    }
    guard axis < indexes.count else {
      return .perChannel(
        scheme: scheme, scales: scales, zeroPoints: zeroPoints, axis: axis - removed)
    }
    let scale = try scales.sliced([indexes[axis]])
    let zeroPoint = try zeroPoints.sliced([indexes[axis]])
    guard case .at = indexes[axis] else {
      return .perChannel(
        scheme: scheme, scales: scale, zeroPoints: zeroPoint, axis: axis - removed)
    }
    guard case .float(let one) = try scale.element(at: []),
      let zero = try zeroPoint.element(at: []).exactInteger
    else {
      throw .unsupported("one index of an axis whose zero points are \(zeroPoints.dtype)")
    }
    return .perTensor(
      scheme: scheme == .perChannelSymmetric ? .perTensorSymmetric : .perTensorAffine,
      scale: one, zeroPoint: zero)
  }

  /// The parameters in memory of their own.
  func loaded(limits: DecodingLimits) throws(TensorIOError) -> Quantization {
    guard case .perChannel(let scheme, let scales, let zeroPoints, let axis) = self else {
      return self
    }
    return .perChannel(
      scheme: scheme, scales: try scales.loaded(limits: limits),
      zeroPoints: try zeroPoints.loaded(limits: limits), axis: axis)
  }

  /// The parameters after the axes of the tensor were reversed.
  func transposed(rank: Int) -> Quantization {
    guard case .perChannel(let scheme, let scales, let zeroPoints, let axis) = self else {
      return self
    }
    return .perChannel(
      scheme: scheme, scales: scales, zeroPoints: zeroPoints, axis: rank - 1 - axis)
  }

  /// The parameters under another shape of as many elements.
  /// - Throws: `unsupported` when the shape cuts the axis or joins it with another.
  func reshaped(from old: [Int], to new: [Int]) throws(TensorIOError) -> Quantization {
    guard case .perChannel(let scheme, let scales, let zeroPoints, let axis) = self else {
      return self
    }
    func count(_ axes: ArraySlice<Int>) -> Int { axes.reduce(1, &*) }
    let (before, after) = (count(old[..<axis]), count(old[(axis + 1)...]))
    let kept = new.indices.first { index in
      new[index] == old[axis] && count(new[..<index]) == before
        && count(new[(index + 1)...]) == after
    }
    guard let kept else {
      throw .unsupported(
        "the shape \(new) does not keep axis \(axis) of \(old), which has a scale for each index")
    }
    return .perChannel(scheme: scheme, scales: scales, zeroPoints: zeroPoints, axis: kept)
  }
}

extension Scalar {
  /// An integer that fits in 64 bits with a sign.
  fileprivate var exactInteger: Int64? {
    switch self {
    case .int(let value): value
    case .uint(let value): Int64(exactly: value)
    default: nil
    }
  }
}
