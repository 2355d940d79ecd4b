public import ByteIO

/// The storage of a meta tensor: a size, and no bytes.
public final class NoBytes: ByteSource {
  /// How many bytes there would be.
  public let byteCount: Int

  /// Creates the source of so many absent bytes.
  public init(byteCount: Int) { self.byteCount = max(0, byteCount) }

  public var isResident: Bool { false }

  public func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  public func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    throw Self.error
  }

  public func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    throw Self.error
  }

  public func loaded() throws(TensorIOError) -> HeapBytes { throw Self.error }

  static var error: TensorIOError {
    .unsupported("a meta tensor has no elements, only a dtype and a shape")
  }
}

extension TensorStorage {
  /// Whether there are bytes at all; false for the storage of a meta tensor.
  public var hasBytes: Bool { !(source is NoBytes) }
}

extension Tensor {
  /// Whether there are elements to read; false for a meta tensor of any shape.
  public var hasElements: Bool { storage.hasBytes }

  /// Refuses a meta tensor.
  func requireElements() throws(TensorIOError) {
    guard hasElements else { throw NoBytes.error }
  }

  /// A tensor without elements on torch's device `meta`.
  /// - Parameters:
  ///   - dtype: the type that its elements would have.
  ///   - shape: the lengths of the axes.
  ///   - strides: in elements; nil for the row-major layout.
  ///   - requiresGrad: whether torch would record operations on it.
  /// - Throws: `malformed` as the initializer does: for negative axes, strides that reach before the
  ///   first element, and sizes past 63 bits.
  public static func meta(
    dtype: DType, shape: [Int], strides: [Int]? = nil, requiresGrad: Bool = false
  ) throws(TensorIOError) -> Tensor {
    // A shape that no tensor can have has no strides either.
    _ = try Shape.byteCount(of: dtype, shape: shape)
    let strides = strides ?? Shape.rowMajorStrides(shape)
    var last = 0
    if !shape.contains(0) {
      for (axis, stride) in zip(shape, strides) where axis > 1 && stride > 0 {
        let reach = try (axis - 1).multiplied(by: stride, "the reach of an axis")
        last = try last.added(to: reach, "the last element's index")
      }
    }
    let count = shape.contains(0) ? 0 : try last.added(to: 1, "the last element's index")
    let byteCount = try Shape.byteCount(of: dtype, shape: [count])
    return try Tensor(
      dtype: dtype, shape: shape, strides: strides,
      storage: TensorStorage(NoBytes(byteCount: byteCount)), device: .meta,
      requiresGrad: requiresGrad)
  }
}
