public import ByteIO
public import TensorModel

/// Appends rows to an `.npy` file, which may become larger than memory.
///
/// A row is one element along axis 0. Rows are written behind the last one at once; ``flush(synced:)``
/// then counts them in the header, with one small write into the room that np.save leaves there. So
/// the file is a whole `.npy` at every moment, with the rows of the last flush that came through,
/// even when the process is killed; what lies behind them is cut off when the file is opened to
/// append again. The finished file has the bytes that np.save writes.
///
///     let writer = try NPYWriter(creating: "x.npy", dtype: .float32, rowShape: [28, 28])
///     for batch in batches { try writer.append(batch) }
///     try writer.close()
///
/// One writer at a time can have a file open, in this process or another (`flock`). Use it from one
/// task at a time.
public final class NPYWriter {
  /// The path as the caller gave it.
  public let path: String
  /// The type of the elements.
  public let dtype: DType
  /// The byte order of the file; appended rows may have the other.
  public let byteOrder: ByteOrder
  /// The shape of one row.
  public let rowShape: [Int]
  /// The rows of the file, with those that are not counted in its header yet.
  public private(set) var count: Int
  /// The bytes behind the counted rows that were there at opening, rows of a writer that was interrupted
  /// before its flush: they are cut off before the first row is appended, or by ``close(synced:)``.
  public let discardedByteCount: Int

  /// The rows that the header counts.
  public var flushedCount: Int { growth.header.shape[0] }

  private let file: InPlaceFile
  private var growth: NPYGrowth
  private let rowBytes: Int
  private let rows: RowStream
  /// Whether bytes that nobody counted are still there.
  private var hasLeftover: Bool
  /// Whether the name of the file may not be on the disk yet.
  private var isNew = false
  /// Why nothing can be done any more.
  private var failure: TensorIOError?

  /// Creates a file without rows.
  /// - Parameters:
  ///   - path: the file.
  ///   - dtype: the type of the elements.
  ///   - rowShape: empty for rows of one element.
  ///   - byteOrder: that of the file.
  ///   - replacing: whether a file that has the name is replaced.
  /// - Throws: `invalidArgument` when the file exists and is not to be replaced; `unsupported` for a
  ///   dtype that NumPy has not, or whose elements are Python objects; `io` when the folder cannot be
  ///   written or another writer has the file.
  public convenience init(
    creating path: String, dtype: DType, rowShape: [Int], byteOrder: ByteOrder = .little,
    replacing: Bool = false
  ) throws(TensorIOError) {
    guard !dtype.containsObjects else {
      throw TensorIOError(.unsupported, Self.objects, at: .init(file: path))
    }
    let isRaw = TypeString.rawSize(dtype) != nil
    let header = try locating(.init(file: path)) { () throws(TensorIOError) in
      guard rowShape.count < NPYHeader.maximumRank else {
        throw .invalidArgument(
          "rows of \(rowShape.count) axes; NumPy knows 64 with that of the rows")
      }
      _ = try Shape.byteCount(of: dtype, shape: rowShape)
      return try NPYHeader.bytes(
        dtype: dtype, byteOrder: isRaw ? .little : byteOrder, isFortranOrder: false,
        shape: [0] + rowShape)
    }
    // A file that is replaced must not be one that somebody is writing.
    let old = replacing ? try InPlaceFile.ifPresent(path) : nil
    let new = try AtomicFile(path: path)
    try new.write(header.span)
    if replacing { try new.commit() } else { try new.commitAsNew() }
    old?.close()
    var options = ReadingOptions()
    if isRaw { options.rawTypes[dtype.bitWidth / 8] = dtype }
    try self.init(appendingTo: path, options: options)
    isNew = true
  }

  /// Opens a file to append to it.
  ///
  /// Bytes behind the counted rows are cut off before the first row is appended, or by
  /// ``close(synced:)``, unless another array begins there, which is refused.
  /// - Parameters:
  ///   - path: the file.
  ///   - options: the limits for the header, and what raw bytes mean.
  /// - Throws: `io` when the file is missing, cannot be written, or another writer has it;
  ///   `malformed` when it is no `.npy` or shorter than its header says; `unsupported` for 0-d arrays,
  ///   Fortran order with several axes, Python objects, several arrays in the file, and a header
  ///   without room.
  public init(
    appendingTo path: String, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    self.path = path
    file = try InPlaceFile(path: path)
    let opened = try locating(.init(file: path)) { [file] () throws(TensorIOError) in
      try AppendableArray(try file.reading(), options)
    }
    growth = opened.growth
    (dtype, byteOrder) = (opened.dtype, growth.header.element.byteOrder)
    rowShape = Array(growth.header.shape.dropFirst())
    count = growth.header.shape[0]
    rowBytes = opened.rowBytes
    discardedByteCount = opened.leftover
    rows = RowStream(dtype: dtype, byteOrder: byteOrder, limits: options.limits)
    hasLeftover = opened.leftover > 0
  }

  /// Counts the rows that were appended, as ``flush(synced:)`` does, where ``close(synced:)`` was not
  /// called; nobody learns whether that failed.
  deinit { if failure == nil, file.isOpen { try? flush() } }

  private static let objects =
    "the elements are Python objects, whose pickle cannot be appended to; write the whole array anew"

  /// Appends rows, which are in the file when this returns and counted by the next flush.
  /// - Parameter rows: one row, or several along axis 0, of the file's ``dtype``; of any strides and
  ///   either byte order.
  /// - Throws: `invalidArgument` for another dtype or shape, and for tensors that are tagged with a
  ///   device or want gradients; `unsupported` when the header has no room for the count; `io` when
  ///   the disk is full. Then none of the rows is in the file, and the writer can be used further.
  public func append(_ rows: Tensor) throws(TensorIOError) {
    try append(rows, reporting: WritingOptions())
  }

  /// ``append(_:)``, which can be watched and cancelled.
  package func append(
    _ rows: Tensor, reporting options: WritingOptions
  ) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      try requireUsable()
      let rows = try Self.rows(of: rows, for: dtype, rowShape)
      let added = rows.shape[0]
      let total = try count.added(to: added, "the number of rows")
      _ = try Shape.byteCount(of: dtype, shape: [total] + rowShape)
      _ = try growth.resized(to: total)
      var position = try end(of: count)
      do throws(TensorIOError) {
        try cutLeftover()
        try self.rows.forEachChunk(of: rows) { (chunk) throws(TensorIOError) in
          try file.write(chunk, at: position)
          position += chunk.count
          try options.advance(chunk.count)
        }
        let end = try end(of: total)
        guard position == end else {
          throw TensorIOError(.io, "\(position) bytes came instead of \(end)")
        }
      } catch {
        // Frees the disk; what stays would be overwritten.
        try? file.truncate(to: try end(of: count))
        throw error
      }
      count = total
    }
  }

  /// Counts the appended rows in the header.
  ///
  /// When this returns, whoever opens the file finds them, also after this process was killed; with
  /// `synced` also after the power failed, because the rows are on the disk before the header that
  /// counts them, and the header before this returns.
  /// - Throws: `io` when a write fails. Then the file has the old count or the new one, and the writer
  ///   is dead: open the file again.
  public func flush(synced: Bool = false) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      try requireUsable()
      let grown = try growth.resized(to: count)
      do throws(TensorIOError) {
        if synced { try file.synchronize() }
        if let range = growth.difference(to: grown) {
          try file.write(grown.bytes.span.extracting(range), at: range.lowerBound)
        }
        growth = grown
        if synced {
          try file.synchronize()
          if isNew { try file.synchronizeFolder() }
          isNew = false
        }
      } catch {
        failure = TensorIOError(
          .io, "the writer is dead since a flush failed (\(error.reason)); open the file again")
        throw error
      }
    }
  }

  /// Counts the appended rows and closes the file; once is enough.
  /// - Throws: as ``flush(synced:)``; the file is closed all the same.
  public func close(synced: Bool = false) throws(TensorIOError) {
    guard file.isOpen else { return }
    defer { file.close() }
    try locating(.init(file: path)) { () throws(TensorIOError) in
      if failure == nil { try cutLeftover() }
    }
    try flush(synced: synced)
  }

  private func cutLeftover() throws(TensorIOError) {
    if hasLeftover { try file.truncate(to: try end(of: flushedCount)) }
    hasLeftover = false
  }

  /// Cuts off the rows that are not counted yet, and closes the file.
  public func discard() {
    guard file.isOpen else { return }
    // What stays is cut off at the next opening.
    if failure == nil, !hasLeftover { try? file.truncate(to: try end(of: flushedCount)) }
    count = flushedCount
    file.close()
  }

  /// Sees each change of the file before it is made.
  package func observe(
    _ willChange: @escaping (InPlaceFile.Change) throws(TensorIOError) -> Void
  ) { file.willChange = willChange }

  private func requireUsable() throws(TensorIOError) {
    if let failure { throw failure }
    guard file.isOpen else { throw .invalidArgument("the writer was closed") }
  }

  private func end(of count: Int) throws(TensorIOError) -> Int {
    try growth.header.byteCount.added(
      to: try count.multiplied(by: rowBytes, "the size of the rows"), "the size of the file")
  }

  /// A tensor as rows along axis 0, if they go into an array of this dtype and row shape.
  /// - Throws: as ``append(_:)`` for what does not go there.
  package static func rows(
    of tensor: Tensor, for dtype: DType, _ rowShape: [Int]
  ) throws(TensorIOError) -> Tensor {
    try NPYEncoder.requireArray(tensor)
    guard tensor.dtype.withLittleEndianFields == dtype.withLittleEndianFields else {
      throw .invalidArgument(
        "rows of \(tensor.dtype) do not go into an array of \(dtype); call .converted(to:) first, "
          + "or tensorio convert --dtype")
    }
    if tensor.shape == rowShape { return try tensor.withLeadingAxis() }
    guard tensor.rank == rowShape.count + 1, Array(tensor.shape.dropFirst()) == rowShape else {
      let axes = rowShape.map { ", \($0)" }.joined()
      throw .invalidArgument(
        "the shape \(PythonRepr.tuple(tensor.shape)) does not go into an array whose rows are "
          + "\(PythonRepr.tuple(rowShape)); wanted is that, or (n\(axes.isEmpty ? "," : axes))")
    }
    return tensor
  }
}

extension Tensor {
  /// The tensor as the one row of another.
  fileprivate func withLeadingAxis() throws(TensorIOError) -> Tensor {
    try Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: [1] + shape, strides: [count] + strides,
      offset: offset, storage: storage, isConjugated: isConjugated, isNegated: isNegated)
  }
}
