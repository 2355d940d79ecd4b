package import ByteIO
internal import CTensorKernels

/// Copies rows of a tensor, the parts along its first axis, in any order and from several threads.
///
/// Rows that are in the page cache come from the mapped file, where a system call for each would cost
/// as much as the copy; the others are read, so that a disk can be asked for many at a time. A file that
/// was cut short is an error, unless that happens between looking and touching: then the system sends
/// SIGBUS.
package struct RowReader: Sendable {
  /// The number of rows.
  package let count: Int
  /// The bytes of a row without gaps.
  package let rowBytes: Int
  private let tensor: Tensor
  private let rewrite: ElementRewrite
  /// The file that rows of contiguous bytes lie in.
  private let file: FileSlice?
  /// What hands out parts of bytes that are in no memory, such as those that conversion makes.
  private let loader: (any PartLoading)?
  /// Whether a row is one run of bytes.
  private let isRowContiguous: Bool

  /// A reader for the rows of a tensor.
  /// - Throws: `invalidArgument` for a tensor without axes; `unsupported` for elements that are not
  ///   whole bytes, for Python objects, quantized and meta tensors; `malformed` for a wrong checksum.
  package init(_ tensor: Tensor) throws(TensorIOError) {
    try tensor.requireElements()
    guard let count = tensor.shape.first else {
      throw .invalidArgument("a 0-d tensor has no rows; give it an axis with reshaped(to: [1])")
    }
    guard tensor.dtype.bitWidth % 8 == 0 else {
      throw .unsupported(
        "rows of \(tensor.dtype), which packs elements into bytes; convert it first")
    }
    guard !tensor.dtype.containsObjects else {
      throw .unsupported("rows of Python objects; choose the entries that are arrays of numbers")
    }
    guard tensor.quantization == nil else {
      throw .unsupported("rows of a quantized tensor; call converted(to: .float32) first")
    }
    self.tensor = tensor
    self.count = count
    rewrite = ElementRewrite(tensor)
    let rowShape = Array(tensor.shape.dropFirst())
    rowBytes = try Shape.byteCount(of: tensor.dtype, shape: rowShape)
    isRowContiguous = Shape.isRowMajor(rowShape, Array(tensor.strides.dropFirst()))
    try tensor.storage.verifyInPlace()
    let source = tensor.storage.source
    file = isRowContiguous ? (source as? any FileBacked)?.bytesInFile : nil
    loader = tensor.isContiguous && !source.isResident ? source.parts : nil
  }

  /// Throws `io` when the file behind the rows was written to since it was opened.
  package func requireUnchanged() throws(TensorIOError) {
    try tensor.storage.source.requireUnchanged()
  }

  /// Hands rows to `body` in order, little-endian and without gaps, in runs of one or more: in place
  /// where they lie so in memory, otherwise in pieces that were copied.
  /// - Parameters:
  ///   - rows: below ``count``.
  ///   - body: gets the bytes of a run, and how many rows came before it.
  package func forEachRun(
    of rows: ArraySlice<Int>,
    _ body: (UnsafeRawBufferPointer, Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    if rowBytes == 0 || rows.isEmpty { return }
    try requireUnchanged()
    if isDirect, isInMemory(rows) {
      unsafe try withRunsInPlace(rows, body)
    } else {
      let step = max(1, min(rows.count, Self.pieceBytes / rowBytes))
      let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: step * rowBytes, alignment: 64)
      defer { unsafe scratch.deallocate() }
      for start in stride(from: rows.startIndex, to: rows.endIndex, by: step) {
        let piece = rows[start..<min(start + step, rows.endIndex)]
        let bytes = unsafe Self.part(scratch, 0, piece.count * rowBytes)
        unsafe try copy(piece, bytes)
        unsafe rewrite.apply(to: bytes)
        unsafe try body(UnsafeRawBufferPointer(bytes), start - rows.startIndex)
      }
    }
    try requireUnchanged()
  }

  /// Rows that stay in the second-level cache until they are used.
  private static let pieceBytes = 256 << 10

  /// Copies rows, little-endian, one after the other.
  /// - Parameters:
  ///   - rows: below ``count``.
  ///   - buffer: as many times ``rowBytes``.
  package func read(
    _ rows: ArraySlice<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    if rowBytes == 0 || rows.isEmpty { return }
    try requireUnchanged()
    unsafe try copy(rows, buffer)
    unsafe rewrite.apply(to: buffer)
    try requireUnchanged()
  }

  private func copy(
    _ rows: ArraySlice<Int>, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    if let loader {
      unsafe try load(rows, loader, buffer)
    } else if !isRowContiguous {
      unsafe try gather(rows, buffer)
    } else if file == nil || isInMemory(rows) {
      let rowBytes = rowBytes
      unsafe try withRunsInPlace(rows) { (bytes, first) throws(TensorIOError) in
        unsafe Self.part(buffer, first * rowBytes, bytes.count).copyMemory(from: bytes)
      }
    } else {
      unsafe try readFile(rows, buffer)
    }
  }

  private static func part(
    _ buffer: UnsafeMutableRawBufferPointer, _ start: Int, _ count: Int
  ) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + count])
  }

  /// Where a row lies in the storage, if it is contiguous.
  private func bytes(ofRow row: Int) -> Range<Int> {
    let size = tensor.dtype.bitWidth / 8
    let start = (tensor.firstIndex + row * (tensor.strides.first ?? 0)) * size
    return start..<start + rowBytes
  }

  /// Calls `body` with the bytes of rows that follow each other in memory, and how many rows came
  /// before.
  private func forEachRange(
    of rows: ArraySlice<Int>, _ body: (Range<Int>, Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var (run, first) = (0..<0, 0)
    for (number, row) in rows.enumerated() {
      let next = bytes(ofRow: row)
      if next.lowerBound == run.upperBound, number > 0 {
        run = run.lowerBound..<next.upperBound
      } else {
        if number > 0 { try body(run, first) }
        (run, first) = (next, number)
      }
    }
    try body(run, first)
  }
}

// MARK: Memory and mapped files

extension RowReader {
  /// Whether rows can be handed out where they lie.
  private var isDirect: Bool { isRowContiguous && loader == nil && rewrite.isIdentity }

  /// Whether touching rows in place asks no disk, as far as a few of them tell.
  ///
  /// A page that is missing stops the thread until it was read; read calls can ask for all of them
  /// first.
  private func isInMemory(_ rows: ArraySlice<Int>) -> Bool {
    guard let file else { return true }
    // Of neighbours, the last one tells whether the disk was asked for all.
    let isRun = (rows.last ?? 0) - (rows.first ?? 0) == rows.count - 1
    for probe in (isRun ? Self.probes : 1)...Self.probes {
      let row = rows[rows.startIndex + max(0, rows.count * probe / Self.probes - 1)]
      if !file.isCached(bytes(ofRow: row).lowerBound) { return false }
    }
    return true
  }

  private static let probes = 2

  /// What is fetched of a row before its turn.
  private static let prefetchedBytes = 4096

  private func withRunsInPlace(
    _ rows: ArraySlice<Int>,
    _ body: (UnsafeRawBufferPointer, Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    unsafe try tensor.storage.withUnsafeBytes { (region) throws(TensorIOError) in
      // While a row is used, the next one is fetched: rows are too short for the processor to see
      // where they lead.
      var waiting: (range: Range<Int>, first: Int)?
      try forEachRange(of: rows) { (range, first) throws(TensorIOError) in
        if let base = region.baseAddress {
          unsafe tio_prefetch(base + range.lowerBound, min(range.count, Self.prefetchedBytes))
        }
        if let (range, first) = waiting {
          unsafe try body(UnsafeRawBufferPointer(rebasing: region[range]), first)
        }
        waiting = (range, first)
      }
      if let (range, first) = waiting {
        unsafe try body(UnsafeRawBufferPointer(rebasing: region[range]), first)
      }
    }
  }

  /// Copies rows whose elements do not follow each other.
  private func gather(
    _ rows: ArraySlice<Int>, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    let (shape, strides) = (Array(tensor.shape.dropFirst()), Array(tensor.strides.dropFirst()))
    let itemSize = tensor.dtype.bitWidth / 8
    unsafe try tensor.storage.withUnsafeBytes { (region) throws(TensorIOError) in
      guard let base = region.baseAddress else { return }
      for (number, row) in rows.enumerated() {
        // SAFETY: the outline lies inside the storage, and callers name rows below `count`.
        unsafe Tensor.gather(
          into: Self.part(buffer, number * rowBytes, rowBytes),
          from: base + bytes(ofRow: row).lowerBound, itemSize: itemSize, shape: shape,
          strides: strides)
      }
    }
  }
}

// MARK: Disks and conversions

extension RowReader {
  /// Reads what is in the page cache, while the disk is asked for the rest.
  private func readFile(
    _ rows: ArraySlice<Int>, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard let file else { return }
    var missing: [(range: Range<Int>, place: Int)] = []
    try forEachRange(of: rows) { (range, first) throws(TensorIOError) in
      let place = first * rowBytes
      if unsafe try file.readCached(range, into: Self.part(buffer, place, range.count)) { return }
      file.willNeed(range)
      missing.append((range, place))
    }
    for (range, place) in missing {
      unsafe try file.read(range, into: Self.part(buffer, place, range.count))
    }
  }

  /// Copies rows that somebody makes.
  private func load(
    _ rows: ArraySlice<Int>, _ loader: any PartLoading, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    try forEachRange(of: rows) { (range, first) throws(TensorIOError) in
      unsafe try loader.load(range, into: Self.part(buffer, first * rowBytes, range.count))
    }
  }
}
