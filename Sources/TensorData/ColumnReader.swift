internal import ByteIO
internal import TensorIO
internal import TensorModel

/// Makes tensors of a column's rows.
///
/// Rows are gathered, converted and scaled piece by piece, so that what one step made is still in the
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
    guard fused.isNeeded else {
      unsafe try read(rows[...], into: buffer)
      return try requireUnchanged(rows)
    }
    let rowBytes = readers.first?.rowBytes ?? 0
    let step = max(1, min(rows.count, Self.pieceBytes / max(1, rowBytes)))
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, step * rowBytes), alignment: 64)
    defer { unsafe scratch.deallocate() }
    for start in stride(from: 0, to: rows.count, by: step) {
      let piece = rows[start..<min(start + step, rows.count)]
      let source = unsafe UnsafeMutableRawBufferPointer(
        rebasing: scratch[..<(piece.count * rowBytes)])
      unsafe try read(piece, into: source)
      let target = unsafe UnsafeMutableRawBufferPointer(
        rebasing: buffer[start * fused.rowBytes..<piece.endIndex * fused.rowBytes])
      unsafe try fused.apply(UnsafeRawBufferPointer(source), into: target, rows: piece)
    }
    try requireUnchanged(rows)
  }

  /// Rows that stay in the second-level cache until they are converted.
  private static let pieceBytes = 256 << 10

  /// Copies rows of the parts that have them.
  private func read(
    _ rows: ArraySlice<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard readers.count > 1 else { return unsafe try readers[0].read(rows, into: buffer) }
    let rowBytes = readers[0].rowBytes
    var start = rows.startIndex
    while start < rows.endIndex {
      let part = column.part(of: rows[start])
      let range = column.starts[part]..<column.starts[part + 1]
      let end = rows[start...].firstIndex { !range.contains($0) } ?? rows.endIndex
      let local = rows[start..<end].map { $0 - range.lowerBound }
      let first = (start - rows.startIndex) * rowBytes
      let target = unsafe UnsafeMutableRawBufferPointer(
        rebasing: buffer[first..<first + local.count * rowBytes])
      unsafe try readers[part].read(local[...], into: target)
      start = end
    }
  }

  /// Rows of a file that was written to meanwhile are not handed out.
  private func requireUnchanged(_ rows: [Int]) throws(TensorIOError) {
    guard readers.count > 1 else { return try readers[0].requireUnchanged() }
    for part in Set(rows.map { column.part(of: $0) }) { try readers[part].requireUnchanged() }
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
