/// What the printers ask of a tensor: its outline, and single elements by index.
///
/// They ask only for the elements that appear, so a mapped terabyte prints as fast as a small array.
package protocol PrintableElements {
  /// The type of the elements.
  var dtype: DType { get }
  /// How the elements are ordered in storage, which NumPy shows where it is not the CPU's order.
  var byteOrder: ByteOrder { get }
  /// The lengths of the axes.
  var shape: [Int] { get }
  /// The device as torch writes it: `cpu`, `cuda:0`.
  var deviceName: String { get }
  /// Whether torch would record operations on the tensor.
  var requiresGrad: Bool { get }
  /// What the integers stand for, where that is known.
  var quantization: Quantization? { get }
  /// Whether there are elements.
  var hasElements: Bool { get }
  /// The element at an index that has one number an axis, each inside its axis.
  func scalar(at index: [Int]) -> Scalar
}

extension PrintableElements {
  package var byteOrder: ByteOrder { .little }
  package var quantization: Quantization? { nil }
  package var hasElements: Bool { true }
}

/// The real numbers that the integers of a quantized tensor stand for.
struct DequantizedElements<Base: PrintableElements>: PrintableElements {
  let base: Base
  let parameters: Quantization

  var dtype: DType { .float32 }
  var shape: [Int] { base.shape }
  var deviceName: String { base.deviceName }
  var requiresGrad: Bool { base.requiresGrad }

  func scalar(at index: [Int]) -> Scalar {
    let integer: Int64
    switch base.scalar(at: index) {
    case .int(let value): integer = value
    case .uint(let value): integer = Int64(truncatingIfNeeded: value)
    default: return .void([])
    }
    guard let real = try? parameters.real(integer, at: index) else { return .void([]) }
    return .float(Double(real))
  }
}
