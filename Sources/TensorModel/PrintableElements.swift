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
  /// The element at an index that has one number an axis, each inside its axis.
  func scalar(at index: [Int]) -> Scalar
}

extension PrintableElements {
  package var byteOrder: ByteOrder { .little }
}
