internal import ByteIO
internal import TensorModel

/// The array of a file, if rows can be appended to it.
struct AppendableArray {
  let growth: NPYGrowth
  let dtype: DType
  let rowBytes: Int
  /// Behind the counted rows.
  let end: Int
  /// The bytes that follow there.
  let leftover: Int

  init(_ file: InputFile, _ options: ReadingOptions) throws(TensorIOError) {
    let header = try NPYArray.header(at: 0, available: file.byteCount, limits: options.limits) {
      (count) throws(TensorIOError) in try file.bytes(0..<count)
    }
    try Self.requireRows(header)
    growth = try NPYGrowth(try file.bytes(0..<header.byteCount), limits: options.limits)
    // Finds out at once whether the count can be written.
    _ = try growth.resized(to: header.shape[0].addingSaturated(1))
    dtype = try header.element.dtype.meaning(options)
    rowBytes = try Shape.byteCount(of: dtype, shape: Array(header.shape.dropFirst()))
    let payload = try header.payloadBytes
    end = try header.byteCount.added(to: payload, "the size of the file")
    guard end <= file.byteCount else {
      throw .malformed(
        "the header says \(header.shape[0]) rows, which need \(payload) bytes; "
          + "\(file.byteCount - header.byteCount) are there: the file is cut short or damaged "
          + "(tensorio salvage --partial keeps its whole rows)",
        offset: header.byteCount)
    }
    leftover = file.byteCount - end
    let magic = NPYHeader.magic
    // Rows of a writer that was interrupted look like anything, but those of a second array begin
    // like one; better refuse odd rows than lose an array.
    if leftover >= magic.count, try file.bytes(end..<end + magic.count) == magic {
      throw .unsupported(
        "another array follows the first, and would be overwritten; tensorio convert FILE.npy "
          + "FOLDER/ makes a file of each",
        offset: end)
    }
  }

  private static func requireRows(_ header: NPYHeader) throws(TensorIOError) {
    guard !header.shape.isEmpty else {
      throw .unsupported("a 0-d array has no rows; store it with the shape (1,) to append to it")
    }
    guard !header.element.dtype.containsObjects else {
      throw .unsupported(
        "the elements are Python objects, whose pickle cannot be appended to; write the array anew")
    }
    guard !header.isFortranOrder || header.shape.count == 1 else {
      throw .unsupported(
        "in Fortran order rows do not follow each other; np.ascontiguousarray, or tensorio concat "
          + "FILE.npy -o NEW.npy, makes an array of them")
    }
  }
}
