public import ByteIO

extension Tensor {
  /// A tensor of elements in row-major order.
  /// - Parameters:
  ///   - elements: as many as the shape holds.
  ///   - shape: the lengths of the axes; nil for one axis as long as `elements`.
  /// - Throws: `invalidArgument` when the shape does not hold exactly these elements.
  public init<Element: TensorElement>(
    _ elements: [Element], shape: [Int]? = nil
  ) throws(TensorIOError) {
    let shape = shape ?? [elements.count]
    guard try Shape.elementCount(shape) == elements.count else {
      throw .invalidArgument("\(elements.count) elements do not fill the shape \(shape)")
    }
    let byteCount = try Shape.byteCount(of: Element.dtype, shape: shape)
    let bytes = unsafe try HeapBytes(byteCount: byteCount) { (buffer) in
      unsafe elements.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) }
    }
    try self.init(dtype: Element.dtype, shape: shape, storage: TensorStorage(bytes))
  }

  /// A matrix of rows of equal length.
  /// - Throws: `invalidArgument` when the rows differ in length.
  public init<Element: TensorElement>(rows: [[Element]]) throws(TensorIOError) {
    let columns = rows.first?.count ?? 0
    guard rows.allSatisfy({ $0.count == columns }) else {
      throw .invalidArgument("the rows differ in length")
    }
    try self.init(rows.flatMap { $0 }, shape: [rows.count, columns])
  }

  /// A 0-d tensor.
  public init<Element: TensorElement>(scalar: Element) throws(TensorIOError) {
    try self.init([scalar], shape: [])
  }

  /// A tensor of zero bytes: 0, false, or empty text.
  public static func zeros(
    _ shape: [Int], dtype: DType = .float32
  ) throws(TensorIOError) -> Tensor {
    guard !dtype.containsObjects else { throw .unsupported("making Python objects") }
    let byteCount = try Shape.byteCount(of: dtype, shape: shape)
    let bytes = unsafe try HeapBytes(byteCount: byteCount) { _ in }
    return try Tensor(dtype: dtype, shape: shape, storage: TensorStorage(bytes))
  }

  /// A tensor filled with one value.
  public static func full<Element: TensorElement>(
    _ shape: [Int], _ value: Element
  ) throws(TensorIOError) -> Tensor {
    // One element under strides of 0, then written out: the same copy every broadcast view takes.
    let one = try Tensor(scalar: value)
    return try Tensor(
      dtype: Element.dtype, shape: shape, strides: shape.map { _ in 0 }, storage: one.storage
    ).loaded(limits: .unlimited)
  }

  /// A tensor filled with ones.
  public static func ones(
    _ shape: [Int], dtype: DType = .float32
  ) throws(TensorIOError) -> Tensor {
    try full(shape, Int8(1)).converted(to: dtype)
  }

  /// The identity matrix of `size` rows.
  public static func eye(_ size: Int, dtype: DType = .float32) throws(TensorIOError) -> Tensor {
    guard size >= 0 else { throw .invalidArgument("a matrix cannot have \(size) rows") }
    let count = try size.multiplied(by: size, "the number of elements")
    var elements = [Int8](repeating: 0, count: count)
    for row in 0..<size { elements[row * (size + 1)] = 1 }
    return try Tensor(elements, shape: [size, size]).converted(to: dtype)
  }

  /// The integers from 0 up to but not including `end`.
  public static func arange(_ end: Int, dtype: DType = .int64) throws(TensorIOError) -> Tensor {
    guard end >= 0 else { throw .invalidArgument("arange(\(end)) has no elements") }
    return try Tensor((0..<end).map(Int64.init)).converted(to: dtype)
  }
}
