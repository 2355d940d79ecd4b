package import ByteIO
package import TensorModel

/// What is left of an array whose end is missing: the leading rows that are complete; of a
/// column-major array the leading columns, which is how it lies in the file.
package struct NPYLeadingRows {
  /// The rows, in the dtype and order of the file.
  package let tensor: Tensor
  /// The axis that became shorter: the first, or the last of a column-major array.
  package let axis: Int
  /// The length of the axis in the header.
  package let length: Int

  /// The length that is left.
  package var kept: Int { tensor.shape[axis] }

  /// Reads the array that starts with a run of bytes and should be longer than that.
  /// - Throws: `malformed` when the header is not whole; `unsupported` when no row is, for arrays
  ///   without axes, and for those of Python objects.
  package init(_ source: any ByteSource, options: ReadingOptions) throws(TensorIOError) {
    var header = try NPYArray.header(
      at: 0, available: source.byteCount, limits: options.limits
    ) { (count) throws(TensorIOError) in
      try SourceSlice.of(source, 0..<min(count, source.byteCount)).bytes()
    }
    guard !header.element.dtype.containsObjects else {
      throw .unsupported("an array of Python objects has no rows that could be told apart")
    }
    let payload = try header.payloadBytes
    let left = source.byteCount - header.byteCount
    axis = header.isFortranOrder ? max(0, header.shape.count - 1) : 0
    guard axis < header.shape.count, header.shape[axis] > 0, payload > 0 else {
      throw .unsupported("the array has no rows")
    }
    length = header.shape[axis]
    let rowBytes = payload / length
    let rows = min(length, left / rowBytes)
    guard rows > 0 else {
      throw .unsupported(
        "a row along axis \(axis) takes \(rowBytes) bytes, and \(left) are left: none is complete")
    }
    header.shape[axis] = rows
    let end = header.byteCount + rows * rowBytes
    let elements = SourceSlice.of(source, header.byteCount..<end)
    tensor = try NPYArray(header, byteCount: end).tensor(
      over: elements, budget: DecodingBudget(options.limits), options: options)
  }
}
