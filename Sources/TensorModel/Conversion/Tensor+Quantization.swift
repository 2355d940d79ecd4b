public import ByteIO

extension Tensor {
  /// The tensor's numbers as integers of a quantized dtype: torch's `quantize_per_tensor` and
  /// `quantize_per_channel`.
  ///
  /// In binary32, as torch reckons: a number times 1/scale, rounded to nearest, ties to even, plus
  /// the zero point; what lies outside of the integers' range becomes its end. The way back is
  /// ``converted(to:policy:limits:)``.
  /// - Throws: `invalidArgument` for a dtype that is not quantized, scales that are not positive
  ///   numbers and zero points outside of the range; `lossy` for NaN, with its index; `malformed` for
  ///   parameters that do not fit the shape; what ``converted(to:policy:limits:)`` to float32 throws.
  public func quantized(
    to target: DType, _ quantization: Quantization, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> Tensor {
    guard target.isQuantized else {
      throw .invalidArgument("\(target) is no dtype of quantized tensors")
    }
    try quantization.validate(dtype: target, shape: shape)
    let quantizer = try Quantizer(quantization, target, shape)
    let floats = try converted(to: .float32, limits: limits)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(try Shape.byteCount(of: target, shape: shape))
    var index = 0
    try floats.streamElements(limits: limits) { (chunk) throws(TensorIOError) in
      for start in stride(from: 0, to: chunk.count, by: 4) {
        var bits: UInt32 = 0
        for byte in (0..<4).reversed() { bits = bits << 8 | UInt32(chunk[start + byte]) }
        guard let integer = quantizer.integer(Float(bitPattern: bits), at: index) else {
          throw TensorIOError(.lossy, "element \(index) is NaN, which \(target) cannot hold")
        }
        quantizer.append(integer, at: index, to: &bytes)
        index += 1
      }
    }
    return try Tensor(
      dtype: target, shape: shape, storage: TensorStorage(try HeapBytes(bytes.span)),
      device: device, quantization: quantization)
  }
}

/// Rounds numbers to the integers of a quantized dtype.
private struct Quantizer {
  private let dtype: DType
  private let range: ClosedRange<Double>
  /// For each index of an axis, which changes every `inner` elements; one pair for all of them.
  private let parameters: [(inverse: Float, zeroPoint: Float)]
  private let inner: Int
  /// Whether zero points are added before rounding.
  private let hasFloatZeroPoints: Bool

  init(
    _ quantization: Quantization, _ dtype: DType, _ shape: [Int]
  ) throws(TensorIOError) {
    self.dtype = dtype
    range =
      switch dtype {
      case .qint8: -128...127
      case .quint8: 0...255
      case .quint4x2: 0...15
      case .quint2x4: 0...3
      default: -0x1p31...0x1p31 - 1
      }
    hasFloatZeroPoints = quantization.scheme == .perChannelAffineFloatQParams
    let scales: [Double]
    let zeroPoints: [Double]
    switch quantization {
    case .perTensor(_, let scale, let zeroPoint):
      scales = [scale]
      zeroPoints = [Double(zeroPoint)]
      inner = 1
    case .perChannel(_, let scaleTensor, let zeroPointTensor, let axis):
      scales = try scaleTensor.converted(to: .float64).array(of: Double.self)
      zeroPoints = try zeroPointTensor.converted(to: .float64).array(of: Double.self)
      inner = max(1, shape[(axis + 1)...].reduce(1, *))
    }
    var parameters: [(inverse: Float, zeroPoint: Float)] = []
    for (scale, zeroPoint) in zip(scales, zeroPoints) {
      let inverse = 1 / Float(scale)
      guard scale > 0, inverse > 0, inverse.isFinite else {
        throw .invalidArgument("the scale \(scale) is no positive number of binary32")
      }
      guard hasFloatZeroPoints ? zeroPoint.isFinite : range.contains(zeroPoint) else {
        throw .invalidArgument("the zero point \(zeroPoint) is none that \(dtype) has")
      }
      parameters.append((inverse, Float(zeroPoint)))
    }
    self.parameters = parameters
  }

  /// The integer for a number, or nil for NaN.
  func integer(_ number: Float, at index: Int) -> Int32? {
    guard !number.isNaN else { return nil }
    let (inverse, zeroPoint) = parameters[index / inner % parameters.count]
    let scaled = number * inverse
    let rounded =
      hasFloatZeroPoints
      ? Double((scaled + zeroPoint).rounded(.toNearestOrEven))
      : Double(scaled.rounded(.toNearestOrEven)) + Double(zeroPoint)
    return Int32(min(max(rounded, range.lowerBound), range.upperBound))
  }

  /// Appends an integer; several may share a byte, the first in its lowest bits.
  func append(_ integer: Int32, at index: Int, to bytes: inout [UInt8]) {
    let width = dtype.bitWidth
    if width == 32 { return bytes.append(littleEndian: integer) }
    let byte = UInt8(truncatingIfNeeded: integer)
    let place = index % (8 / width)
    if place == 0 {
      bytes.append(byte)
    } else {
      bytes[bytes.count - 1] |= byte << UInt8(place * width)
    }
  }
}
