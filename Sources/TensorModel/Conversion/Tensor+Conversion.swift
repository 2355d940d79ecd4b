public import ByteIO

extension Tensor {
  /// The same numbers as another dtype, in memory of its own, row-major: NumPy's `astype`, torch's
  /// `.to(dtype)`.
  ///
  /// Floats round to nearest, ties to even, and become integers by truncation; anything but 0 (NaN
  /// too) becomes true. A pair of 4-bit floats is two numbers: the last axis has half as many pairs.
  /// Quantized tensors become the numbers that their integers stand for. A tensor that has the dtype
  /// already, little-endian, is answered itself.
  ///
  /// Integers and bool never require grad, as in torch.
  /// - Throws: `lossy` for a number that the policy refuses, with its index; `unsupported` for dtypes
  ///   that are not numbers; `invalidArgument` for an odd last axis that pairs cannot make; `limit`
  ///   as ``loaded(limits:)``.
  public func converted(
    to target: DType, policy: CastPolicy = .checked, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> Tensor {
    if target == dtype, byteOrder == .little, policy != .exact || dtype != .bool { return self }
    let bytes = try ConvertedBytes(self, to: target, policy: policy, isMeasuring: false, limits)
    return try bytes.tensor(over: try bytes.loaded())
  }

  /// ``converted(to:policy:limits:)``, and how the numbers changed by it.
  ///
  /// A tensor that has the dtype already is compared with itself.
  public func convertedWithReport(
    to target: DType, policy: CastPolicy = .checked, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> (tensor: Tensor, report: ConversionReport) {
    let bytes = try ConvertedBytes(self, to: target, policy: policy, isMeasuring: true, limits)
    let tensor = try bytes.tensor(over: try bytes.loaded())
    return (tensor, bytes.report)
  }

  /// The tensor as another dtype whose bytes are converted when they are asked for: streaming it
  /// takes a few MiB, whatever its size.
  ///
  /// What the policy refuses is found then, and not by this call. `limits` holds for what is decoded
  /// or expanded of the source.
  /// - Throws: `unsupported` and `invalidArgument` as ``converted(to:policy:limits:)`` does.
  public func converting(
    to target: DType, policy: CastPolicy = .checked, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> Tensor {
    if target == dtype, byteOrder == .little, policy != .exact || dtype != .bool { return self }
    let bytes = try ConvertedBytes(self, to: target, policy: policy, isMeasuring: false, limits)
    return try bytes.tensor(over: bytes)
  }
}

extension DType {
  /// Whether elements are made of numbers that convert to others.
  public var isConvertible: Bool { numbers != nil }
}
