package import ByteIO

/// Copies rows of a tensor, the parts along its first axis, in any order and from several threads.
///
/// Rows of a file are read with checked copies where a run of them has 1 KiB or more, so that a file
/// cut short is an error; smaller ones come from the mapped file, where a system call for each would
/// cost more than the copy.
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
  /// Whether a row is one run of bytes, and whether the next one begins where it ends.
  private let (isRowContiguous, isContiguous): (Bool, Bool)

  /// From here on, a system call costs less than what it saves.
  private static let leastReadBytes = 1024

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
    isContiguous = tensor.isContiguous
    try tensor.storage.verifyInPlace()
    let source = tensor.storage.source
    file = isRowContiguous ? (source as? any FileBacked)?.bytesInFile : nil
    loader = isContiguous && !source.isResident ? source.parts : nil
  }

  /// Throws `io` when the file behind the rows was written to since it was opened.
  package func requireUnchanged() throws(TensorIOError) {
    try tensor.storage.source.requireUnchanged()
  }

  /// Copies rows, little-endian, one after the other.
  /// - Parameters:
  ///   - rows: below ``count``.
  ///   - buffer: as many times ``rowBytes``.
  package func read(
    _ rows: ArraySlice<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    if rowBytes == 0 || rows.isEmpty { return }
    if isContiguous, file != nil || loader != nil {
      unsafe try readRuns(rows, buffer)
    } else if file != nil, rowBytes >= Self.leastReadBytes {
      let ranges = rows.map { bytes(ofRow: $0) }
      unsafe try readFile(ranges, buffer)
    } else {
      unsafe try copyInPlace(rows, buffer)
    }
    unsafe rewrite.apply(to: buffer)
  }

  /// Where a row lies in the storage; rows are contiguous.
  private func bytes(ofRow row: Int, count: Int = 1) -> Range<Int> {
    let size = tensor.dtype.bitWidth / 8
    let start = (tensor.firstIndex + row * (tensor.strides.first ?? 0)) * size
    return start..<start + rowBytes * count
  }

  /// Reads rows that follow each other at once.
  private func readRuns(
    _ rows: ArraySlice<Int>, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(rows.count)
    for row in rows {
      let next = bytes(ofRow: row)
      if let last = ranges.last, last.upperBound == next.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<next.upperBound
      } else {
        ranges.append(next)
      }
    }
    if let loader {
      var position = 0
      for range in ranges {
        unsafe try loader.load(range, into: Self.part(buffer, position, range.count))
        position += range.count
      }
    } else if rowBytes * rows.count / ranges.count >= Self.leastReadBytes {
      unsafe try readFile(ranges, buffer)
    } else {
      unsafe try copyInPlace(rows, buffer)
    }
  }

  private static func part(
    _ buffer: UnsafeMutableRawBufferPointer, _ start: Int, _ count: Int
  ) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + count])
  }

  /// Reads what is in the page cache, while the disk is asked for the rest.
  private func readFile(
    _ ranges: [Range<Int>], _ buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard let file else { return }
    var (position, missing) = (0, [(range: Range<Int>, position: Int)]())
    for range in ranges {
      if unsafe try !file.readCached(range, into: Self.part(buffer, position, range.count)) {
        file.willNeed(range)
        missing.append((range, position))
      }
      position += range.count
    }
    for (range, position) in missing {
      unsafe try file.read(range, into: Self.part(buffer, position, range.count))
    }
  }

  /// Copies rows out of memory or the mapped file.
  private func copyInPlace(
    _ rows: ArraySlice<Int>, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    // A file that has become shorter must not be touched where it ended.
    try requireUnchanged()
    let (shape, strides) = (Array(tensor.shape.dropFirst()), Array(tensor.strides.dropFirst()))
    let itemSize = tensor.dtype.bitWidth / 8
    unsafe try tensor.storage.withUnsafeBytes { (region) throws(TensorIOError) in
      guard let base = region.baseAddress else { return }
      for (number, row) in rows.enumerated() {
        // SAFETY: the outline lies inside the storage, and callers name rows below `count`.
        let source = unsafe base + bytes(ofRow: row).lowerBound
        let target = unsafe Self.part(buffer, number * rowBytes, rowBytes)
        if isRowContiguous {
          unsafe target.copyMemory(
            from: UnsafeRawBufferPointer(start: source, count: rowBytes))
        } else {
          unsafe Tensor.gather(
            into: target, from: source, itemSize: itemSize, shape: shape, strides: strides)
        }
      }
    }
  }
}
