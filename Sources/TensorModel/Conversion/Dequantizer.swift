internal import ByteIO

/// Makes the binary32 numbers that the integers of a quantized tensor stand for, as torch reckons
/// them: see ``Quantization/real(_:at:)``.
struct Dequantizer: Sendable {
  private enum Parameters {
    case tensor(scale: Float, zeroPoint: Int32)
    /// For each index of an axis, which changes every `inner` elements.
    case channels(scales: [Double], zeroPoints: [Float], inner: Int)
  }

  private let dtype: DType
  private let count: Int
  private let parameters: Parameters

  /// The dequantizer of a tensor; nil for one that is not quantized.
  /// - Throws: `unsupported` where the parameters are not known; what reading them throws.
  init?(_ tensor: Tensor) throws(TensorIOError) {
    guard tensor.dtype.isQuantized else { return nil }
    guard let quantization = tensor.quantization else {
      throw .unsupported("the scale and zero point of the \(tensor.dtype) tensor are not known")
    }
    dtype = tensor.dtype
    count = tensor.count
    switch quantization {
    case .perTensor(_, let scale, let zeroPoint):
      parameters = .tensor(scale: Float(scale), zeroPoint: Int32(truncatingIfNeeded: zeroPoint))
    case .perChannel(_, let scales, let zeroPoints, let axis):
      parameters = .channels(
        scales: try scales.converted(to: .float64).array(of: Double.self),
        zeroPoints: try zeroPoints.converted(to: .float32, policy: .wrapping)
          .array(of: Float.self),
        inner: max(1, tensor.shape[(axis + 1)...].reduce(1, *)))
    }
  }

  /// The integers in a byte, or 1.
  private var perByte: Int { max(1, 8 / dtype.bitWidth) }

  private func integer(_ bytes: Span<UInt8>, _ index: Int) -> Int32 {
    switch dtype {
    case .qint8: return Int32(Int8(bitPattern: bytes[index]))
    case .quint8: return Int32(bytes[index])
    case .qint32:
      var bits: UInt32 = 0
      for byte in (0..<4).reversed() { bits = bits << 8 | UInt32(bytes[4 * index + byte]) }
      return Int32(bitPattern: bits)
    default:
      let width = dtype.bitWidth
      let shift = UInt8(index % perByte * width)
      return Int32(bytes[index / perByte] >> shift & (1 << UInt8(width) - 1))
    }
  }

  private static let runLength = 16 << 10

  /// Hands on the numbers of a chunk of stored integers.
  /// - Parameter first: the index of the chunk's first element; moved past the last.
  func forEachRun(
    of chunk: Span<UInt8>, first: inout Int, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    // The last byte may be filled up.
    let elements = min(chunk.count * 8 / dtype.bitWidth, count - first)
    var floats: [Float] = []
    for start in stride(from: 0, to: elements, by: Self.runLength) {
      let run = start..<min(start + Self.runLength, elements)
      floats.removeAll(keepingCapacity: true)
      switch parameters {
      case .tensor(let scale, let zeroPoint):
        for index in run { floats.append(Float(integer(chunk, index) &- zeroPoint) * scale) }
      case .channels(let scales, let zeroPoints, let inner):
        for index in run {
          let channel = (first + index) / inner % scales.count
          let number = Float(integer(chunk, index)) - zeroPoints[channel]
          floats.append(Float(Double(number) * scales[channel]))
        }
      }
      // SAFETY: every byte of a float is one.
      try body(unsafe Span<UInt8>(_bytes: floats.span.bytes))
    }
    first += elements
  }
}
