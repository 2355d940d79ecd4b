public import ByteIO
public import TensorModel

extension Tensor {
  /// The rows that stand at some indexes of the first axis, in that order; a row may come more than
  /// once.
  ///
  /// Nothing is read now, and no list of rows is made: a part of a ``RowOrder`` takes no memory.
  /// Rows are gathered when somebody asks for the bytes, in chunks of a few MiB. A compressed member
  /// is decoded whole then, within its archive's limit; rows of a mapped file are read where they
  /// lie. Rows that follow each other are better taken as a slice, which copies nothing.
  /// - Throws: `invalidArgument` for a tensor without axes, and, when the bytes are asked for, for an
  ///   index outside of the first axis; `unsupported` for Python objects, meta tensors, and elements
  ///   of less than a byte.
  public func rows<Indexes: RandomAccessCollection & Sendable>(
    _ indexes: Indexes, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> Tensor where Indexes.Element == Int {
    guard rank > 0 else {
      throw .invalidArgument("a tensor without axes has no rows")
    }
    guard hasElements, !dtype.containsObjects, dtype.bitWidth % 8 == 0 else {
      throw .unsupported("rows of \(hasElements ? "\(dtype)" : "a meta tensor")")
    }
    let source = try SelectedRows(self, indexes, limits)
    let parameters = try quantization?.rows(indexes, limits)
    return try Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: source.shape,
      storage: TensorStorage(source, budget: DecodingBudget(limits)), device: device,
      requiresGrad: requiresGrad, quantization: parameters,
      isConjugated: isConjugated, isNegated: isNegated)
  }

  /// Rows that follow each other.
  ///
  /// A view where the bytes are in place; of a compressed member a part that is decoded in chunks
  /// each time it is read, whatever its size.
  /// - Throws: `invalidArgument` for a tensor without axes, and a range outside of the first.
  public func rows(_ range: Range<Int>) throws(TensorIOError) -> Tensor {
    guard let length = shape.first else {
      throw .invalidArgument("a tensor without axes has no rows")
    }
    guard range.lowerBound >= 0, range.upperBound <= length else {
      throw .invalidArgument("rows \(range) are asked for, and there are \(length)")
    }
    if range == 0..<length { return self }
    let part = try sliced([.slice(from: range.lowerBound, to: range.upperBound, step: 1)])
    guard hasElements, !storage.isResident, !dtype.containsObjects, part.byteCount > 0,
      isContiguous, dtype.bitWidth % 8 == 0
    else { return part }
    let start = part.offset * (dtype.bitWidth / 8)
    let source = SourceSlice.of(storage.source, start..<start + part.byteCount)
    return try Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: part.shape, storage: TensorStorage(source),
      device: device, requiresGrad: requiresGrad, quantization: part.quantization,
      isConjugated: isConjugated, isNegated: isNegated)
  }

  /// The first rows, at most so many; a tensor without axes itself.
  ///
  /// Bytes in place are a view. Of a compressed member no more is decoded than the rows take, where
  /// they lie at its start; its checksum is not checked then.
  /// - Throws: what decoding throws.
  public func leadingRows(
    _ count: Int, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> Tensor {
    guard let length = shape.first else { return self }
    let part = try sliced([.slice(from: 0, to: Swift.min(Swift.max(0, count), length), step: 1)])
    guard hasElements, !storage.isResident, !dtype.containsObjects, isContiguous, offset == 0,
      dtype.bitWidth % 8 == 0
    else { return part }
    let byteCount = part.byteCount
    guard byteCount <= limits.decodedBytes else {
      throw .limit(
        "the size of the rows", byteCount, over: limits.decodedBytes, raise: "decodedBytes")
    }
    // The array outlives its span: of a temporary one the compiler (6.3.1) makes a broken module.
    let bytes = try storage.source.prefix(byteCount)
    return part.moved(to: TensorStorage(try HeapBytes(bytes.span)))
  }
}

extension Quantization {
  /// The parameters of some rows: those of the first axis go with them.
  fileprivate func rows(
    _ indexes: some RandomAccessCollection<Int> & Sendable, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Quantization {
    guard case .perChannel(let scheme, let scales, let zeroPoints, let axis) = self, axis == 0
    else { return self }
    let someScales = try scales.rows(indexes, limits: limits)
    let somePoints = try zeroPoints.rows(indexes, limits: limits)
    return .perChannel(scheme: scheme, scales: someScales, zeroPoints: somePoints, axis: 0)
  }
}

extension ByteSource {
  /// The first bytes; the rest is not decoded.
  fileprivate func prefix(_ count: Int) throws(TensorIOError) -> [UInt8] {
    var bytes: [UInt8] = []
    if count == 0 { return bytes }
    do throws(TensorIOError) {
      try stream { (chunk) throws(TensorIOError) in
        bytes += chunk.extracting(0..<Swift.min(chunk.count, count - bytes.count)).array
        // The only way to end a stream early; caught below.
        if bytes.count == count { throw TensorIOError(.io, "enough was read") }
      }
    } catch {
      if bytes.count < count { throw error }
    }
    guard bytes.count == count else {
      throw TensorIOError(.io, "a source of \(byteCount) bytes handed out \(bytes.count)")
    }
    return bytes
  }
}
