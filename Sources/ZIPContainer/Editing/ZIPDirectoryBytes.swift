internal import ByteIO

/// The directory of an archive as it stands in the file, entry by entry, so that what is not understood
/// of it stays too.
struct ZIPDirectoryBytes {
  /// Where it begins.
  let offset: Int
  /// The bytes of each entry, in order.
  let entries: [[UInt8]]
  /// The comment at the end of the archive.
  let comment: [UInt8]

  private static let fixedBytes = 46

  /// Reads the directory of an archive that can be opened.
  /// - Throws: `unsupported` when bytes follow the archive, which an edit would lose.
  init(_ file: InputFile) throws(TensorIOError) {
    let layout = try ZIPDirectoryLayout(file)
    guard layout.end.upperBound == file.byteCount else {
      throw .unsupported(
        "\(file.byteCount - layout.end.upperBound) bytes follow the archive and would be lost; "
          + "tensorio convert makes an archive without them",
        offset: layout.end.upperBound)
    }
    offset = layout.directory.lowerBound
    comment = try file.bytes(layout.comment)
    let bytes = try file.bytes(layout.directory)
    var cursor = ByteCursor(bytes.span, baseOffset: offset)
    var entries: [[UInt8]] = []
    for _ in layout.entries.indices {
      let start = cursor.position
      _ = try cursor.read(28, "an entry")
      var length = Self.fixedBytes - 34
      for _ in 0..<3 { length += Int(try cursor.readInteger("a length", as: UInt16.self)) }
      _ = try cursor.read(length, "an entry")
      entries.append(Array(bytes[start..<cursor.position]))
    }
    self.entries = entries
  }
}
