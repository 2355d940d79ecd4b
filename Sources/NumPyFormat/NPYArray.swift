internal import ByteIO
internal import TensorModel

/// An array in a file or member: its header and the place of its elements.
struct NPYArray {
  let header: NPYHeader
  /// The bytes from the magic to the last element; for objects, the header alone.
  let byteCount: Int

  /// Reads the header that starts at `offset` of a run of `available` bytes.
  /// - Parameter prefix: the first bytes of the run from `offset`, at least as many as asked for, or
  ///   all there are.
  init(
    at offset: Int, available: Int, limits: DecodingLimits,
    prefix: (Int) throws(TensorIOError) -> [UInt8]
  ) throws(TensorIOError) {
    header = try Self.header(at: offset, available: available, limits: limits, prefix: prefix)
    let payload = header.element.dtype.containsObjects ? 0 : try header.payloadBytes
    guard payload <= available - header.byteCount else {
      throw .malformed(
        "the shape \(header.shape) of \(header.element.dtype) needs \(payload) bytes, "
          + "\(available - header.byteCount) are left; the file is cut short or damaged",
        offset: offset + header.byteCount)
    }
    byteCount = header.byteCount + payload
  }

  /// An array whose header was read.
  init(_ header: NPYHeader, byteCount: Int) {
    self.header = header
    self.byteCount = byteCount
  }

  /// Reads the header alone; whether the elements are there is not looked at.
  static func header(
    at offset: Int, available: Int, limits: DecodingLimits,
    prefix: (Int) throws(TensorIOError) -> [UInt8]
  ) throws(TensorIOError) -> NPYHeader {
    // Nearly every header is 128 bytes; the preamble says when one is longer.
    var bytes = try prefix(min(available, 256))
    var input = ByteCursor(bytes.span, baseOffset: offset)
    let preamble = try NPYPreamble(parsing: &input, limits: limits)
    let textEnd = preamble.textOffset - offset + preamble.textBytes
    if textEnd > bytes.count, textEnd <= available { bytes = try prefix(textEnd) }
    var whole = ByteCursor(bytes.span, baseOffset: offset)
    return try NPYHeader(parsing: &whole, limits: limits)
  }

  /// The array as a tensor over its elements' bytes.
  func tensor(
    over source: any ByteSource, budget: DecodingBudget, options: ReadingOptions
  ) throws(TensorIOError) -> Tensor {
    let element = header.element
    let dtype = try element.dtype.meaning(options)
    return try Tensor(
      dtype: dtype, byteOrder: element.byteOrder, shape: header.shape,
      strides: header.isFortranOrder ? Shape.columnMajorStrides(header.shape) : nil,
      storage: TensorStorage(source, budget: budget))
  }
}

extension DType {
  /// What raw bytes of this size mean to the caller; the dtype itself where that is not said.
  func meaning(_ options: ReadingOptions) throws(TensorIOError) -> DType {
    guard case .void(let size) = self, let meaning = options.rawTypes[size] else { return self }
    guard meaning.bitWidth == 8 * size else {
      throw .invalidArgument("V\(size) cannot be read as \(meaning), which has another size")
    }
    return meaning
  }
}
