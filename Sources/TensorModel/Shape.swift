public import ByteIO

/// Arithmetic on shapes and strides, checked in one place for every format.
public enum Shape {
  /// The number of elements of a shape: 1 for a 0-d one.
  ///
  /// The product of the axes that are not 0 must fit even when another axis is 0, as NumPy demands.
  /// - Throws: `malformed` for a negative axis or a product past 63 bits.
  public static func elementCount(_ shape: [Int]) throws(TensorIOError) -> Int {
    var count = 1
    var isEmpty = false
    for axis in shape {
      guard axis >= 0 else { throw .malformed("the shape \(shape) has a negative axis") }
      if axis == 0 {
        isEmpty = true
      } else {
        count = try count.multiplied(by: axis, "the number of elements of shape \(shape)")
      }
    }
    return isEmpty ? 0 : count
  }

  /// The bytes that the elements of a shape take without gaps, sub-byte elements rounded up.
  /// - Throws: `malformed` when a size does not fit in 63 bits.
  public static func byteCount(of dtype: DType, shape: [Int]) throws(TensorIOError) -> Int {
    guard dtype.bitWidth >= 0, dtype.bitWidth < .max else {
      throw .malformed("\(dtype) has no possible size")
    }
    // As in `elementCount`, an axis of 0 does not excuse the others.
    let full = try elementCount(shape.map { $0 == 0 ? 1 : $0 })
    let bits = try full.multiplied(by: dtype.bitWidth, "the size in bits of shape \(shape)")
    if shape.contains(0) { return 0 }
    return bits / 8 + (bits % 8 == 0 ? 0 : 1)
  }

  /// The indexes of the first and the last element in memory, where the one of index 0 is at `offset`;
  /// nil for a shape without elements.
  /// - Throws: `malformed` when one does not fit in 63 bits.
  package static func reach(
    _ shape: [Int], _ strides: [Int], from offset: Int
  ) throws(TensorIOError) -> ClosedRange<Int>? {
    if shape.contains(0) { return nil }
    var (first, last) = (offset, offset)
    for (axis, stride) in zip(shape, strides) {
      let reach = try (axis - 1).multiplied(by: stride, "the reach of an axis")
      if reach < 0 {
        first = try first.added(to: reach, "the first element's index")
      } else {
        last = try last.added(to: reach, "the last element's index")
      }
    }
    return first...last
  }

  /// The strides in elements of a gapless row-major (C) layout; 1 where an axis of 0 makes them
  /// meaningless.
  ///
  /// The shape is one that ``elementCount(_:)`` accepts.
  public static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] &* max(1, shape[axis + 1])
    }
    return strides
  }

  /// The strides in elements of a gapless column-major (Fortran) layout.
  public static func columnMajorStrides(_ shape: [Int]) -> [Int] {
    rowMajorStrides(shape.reversed()).reversed()
  }

  /// Whether `strides` walk `shape` in row-major order without gaps.
  ///
  /// Axes of length 1 do not count, and an empty shape is always contiguous.
  public static func isRowMajor(_ shape: [Int], _ strides: [Int]) -> Bool {
    if shape.contains(0) { return true }
    var expected = 1
    for (axis, stride) in zip(shape, strides).reversed() where axis != 1 {
      if stride != expected { return false }
      expected *= axis
    }
    return true
  }

  /// Whether `strides` walk `shape` in column-major order without gaps.
  public static func isColumnMajor(_ shape: [Int], _ strides: [Int]) -> Bool {
    isRowMajor(shape.reversed(), strides.reversed())
  }
}
