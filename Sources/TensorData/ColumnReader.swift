internal import ByteIO
internal import TensorIO
internal import TensorModel

/// Makes tensors of a column's rows.
///
/// Rows are converted and scaled run by run where they lie, so that what one step made is still in the
/// cache for the next one.
struct ColumnReader: Sendable {
  private let column: DatasetColumn
  private let readers: [RowReader]
  private let fused: FusedSteps
  /// The steps that want whole tensors.
  private let rest: ArraySlice<DatasetColumn.Step>

  init(_ column: DatasetColumn) throws(TensorIOError) {
    self.column = column
    let parts = column.parts
    var readers: [RowReader] = []
    try locating(.init(tensor: column.name)) { () throws(TensorIOError) in
      for part in parts { readers.append(try RowReader(part)) }
    }
    self.readers = readers
    fused = try locating(.init(tensor: column.name)) { () throws(TensorIOError) in
      try FusedSteps(column)
    }
    rest = column.steps.dropFirst(fused.stepCount)
  }

  /// The rows as one tensor, in memory of the pool.
  func tensor(of rows: [Int], from pool: BytePool) throws -> Tensor {
    var tensor = try gathered(rows, pool)
    for step in rest {
      switch step {
      case .convert(let dtype, let policy):
        tensor = try tensor.converted(to: dtype, policy: policy)
      case .scale(let factor, let offset):
        tensor = try tensor.scaled(by: factor, adding: offset)
      case .map(let transform):
        tensor = try transform(tensor)
        guard tensor.shape.first == rows.count else {
          throw TensorIOError(
            .invalidArgument,
            "mapping made the shape \(tensor.shape) of \(rows.count) rows; the first axis has to "
              + "stay", at: .init(tensor: column.name))
        }
      }
    }
    return tensor
  }

  /// The rows after the fused steps.
  private func gathered(_ rows: [Int], _ pool: BytePool) throws(TensorIOError) -> Tensor {
    let shape = [rows.count] + fused.rowShape
    let byteCount = try Shape.byteCount(of: fused.dtype, shape: shape)
    let bytes = try locating(.init(tensor: column.name)) { () throws(TensorIOError) in
      unsafe try pool.bytes(count: byteCount) { (buffer) throws(TensorIOError) in
        unsafe try fill(buffer, rows)
      }
    }
    return try Tensor(dtype: fused.dtype, shape: shape, storage: TensorStorage(bytes))
  }

  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ rows: [Int]
  ) throws(TensorIOError) {
    var start = 0
    while start < rows.count {
      let part = column.part(of: rows[start])
      let range = column.starts[part]..<column.starts[part + 1]
      let end = rows[start...].firstIndex { !range.contains($0) } ?? rows.count
      let local =
        range.lowerBound == 0
        ? rows[start..<end] : rows[start..<end].map { $0 - range.lowerBound }[...]
      let target = unsafe UnsafeMutableRawBufferPointer(
        rebasing: buffer[start * fused.rowBytes..<end * fused.rowBytes])
      unsafe try fill(target, readers[part], local, rows[start..<end])
      start = end
    }
  }

  /// Makes rows of one part.
  /// - Parameters:
  ///   - local: the rows by their places in the part.
  ///   - rows: the same rows by their places in the column, for messages.
  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ reader: RowReader, _ local: ArraySlice<Int>,
    _ rows: ArraySlice<Int>
  ) throws(TensorIOError) {
    guard fused.isNeeded else { return unsafe try reader.read(local, into: buffer) }
    let fused = fused
    unsafe try reader.forEachRun(of: local) { (bytes, first) throws(TensorIOError) in
      let count = bytes.count / reader.rowBytes
      unsafe try fused.apply(
        bytes,
        into: UnsafeMutableRawBufferPointer(
          rebasing: buffer[first * fused.rowBytes..<(first + count) * fused.rowBytes]),
        rows: rows[rows.startIndex + first..<rows.startIndex + first + count])
    }
  }
}

/// A conversion and a scaling at the start of a column's steps, which are done while rows are gathered.
struct FusedSteps: Sendable {
  /// How many steps these are.
  let stepCount: Int
  let dtype: DType
  let rowShape: [Int]
  /// The bytes of a row after them.
  let rowBytes: Int
  private let conversion: ElementConversion?
  private let scale: (factor: Double, offset: Double)?

  /// Whether rows change at all.
  var isNeeded: Bool { conversion != nil || scale != nil }

  init(_ column: DatasetColumn) throws(TensorIOError) {
    var steps = column.steps[...]
    var dtype = column.storedDType.withLittleEndianFields
    var conversion: ElementConversion?
    // Pairs of 4-bit floats change the shape; they are left to whole tensors.
    if case .convert(let target, let policy) = steps.first, target.bitWidth > 4,
      target != .float4E2M1FNx2, dtype != .float4E2M1FNx2
    {
      if target != dtype || policy == .exact {
        conversion = try ElementConversion(from: dtype, to: target, policy: policy)
      }
      dtype = target
      steps = steps.dropFirst()
    }
    if case .scale(let factor, let offset) = steps.first, dtype == .float32 || dtype == .float64 {
      scale = (factor, offset)
      steps = steps.dropFirst()
    } else {
      scale = nil
    }
    stepCount = column.steps.count - steps.count
    self.dtype = dtype
    self.conversion = conversion
    rowShape = column.storedRowShape
    rowBytes = try Shape.byteCount(of: dtype, shape: rowShape)
  }

  /// Makes the final rows of stored ones.
  func apply(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer,
    rows: ArraySlice<Int>
  ) throws(TensorIOError) {
    if let conversion {
      var report = ConversionReport()
      do throws(TensorIOError) {
        unsafe try conversion.convert(source, into: target, first: 0, report: &report)
      } catch {
        throw unsafe refusal(conversion, source, target, rows) ?? error
      }
    } else {
      unsafe target.copyMemory(from: source)
    }
    if let scale {
      unsafe FloatScaling.apply(dtype, target, factor: scale.factor, offset: scale.offset)
    }
  }

  /// The same error with the row and the element's place in it.
  private func refusal(
    _ conversion: ElementConversion, _ source: UnsafeRawBufferPointer,
    _ target: UnsafeMutableRawBufferPointer, _ rows: ArraySlice<Int>
  ) -> TensorIOError? {
    let (from, to) = (source.count / max(1, rows.count), target.count / max(1, rows.count))
    for (number, row) in rows.enumerated() {
      var report = ConversionReport()
      do throws(TensorIOError) {
        unsafe try conversion.convert(
          UnsafeRawBufferPointer(rebasing: source[number * from..<(number + 1) * from]),
          into: UnsafeMutableRawBufferPointer(rebasing: target[number * to..<(number + 1) * to]),
          first: 0, report: &report)
      } catch {
        return TensorIOError(error.code, "row \(row): \(error.reason)", at: error.place)
      }
    }
    return nil
  }
}
