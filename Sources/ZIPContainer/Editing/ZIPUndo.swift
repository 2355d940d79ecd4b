internal import ByteIO

/// The end of an archive as it was before an edit, kept in a file beside it until the edit is done.
///
/// The file is `.NAME.tensorio-undo`; all numbers are little-endian.
///
/// | bytes | content |
/// |---|---|
/// | 8 | `TIOUNDO1` |
/// | 8 | u: the edit leaves the bytes in front of this offset as they are |
/// | 8 8 | offset and number of the bytes that are kept, which were the end of the archive |
/// | 4 | CRC-32 of up to 64 KiB at the start of the archive, and of as many in front of u |
/// | 4 | CRC-32 of the bytes that are kept |
/// | 4 | CRC-32 of the 40 bytes in front of this |
/// | | the bytes that are kept |
struct ZIPUndo {
  private static let magic = Array("TIOUNDO1".utf8)
  private static let headerBytes = 44
  private static let sampleBytes = 1 << 16

  /// The edit leaves what lies in front of this.
  let unchangedEnd: Int
  let tailOffset: Int
  let tail: [UInt8]
  private let sample: UInt32

  /// The file beside an archive.
  static func file(of path: String) -> SiblingFile {
    SiblingFile(of: path, ending: "tensorio-undo")
  }

  /// Reads the end of an archive.
  init(of file: InputFile, from tailOffset: Int, unchangedTo end: Int) throws(TensorIOError) {
    self.tailOffset = tailOffset
    unchangedEnd = end
    tail = try file.bytes(tailOffset..<file.byteCount)
    sample = try Self.sample(of: file, upTo: end)
  }

  /// Reads what an edit left.
  /// - Throws: `malformed` when it is not whole, with the way out.
  static func read(_ sibling: SiblingFile) throws(TensorIOError) -> ZIPUndo {
    // Directories of archives that can be read are smaller by far.
    let bytes = try sibling.read(limit: 1 << 32)
    return try locating(.init(file: sibling.path)) { () throws(TensorIOError) in
      try ZIPUndo(parsing: bytes)
    }
  }

  /// What becomes of an undo file that does not help.
  private static let wayOut =
    "if the archive can be read, remove this file; tensorio salvage keeps what is intact of one that "
    + "cannot"

  private init(parsing bytes: [UInt8]) throws(TensorIOError) {
    var input = ByteCursor(bytes.span)
    guard input.skip(ifNext: Self.magic) else {
      throw .malformed("this is no undo file of an archive; " + Self.wayOut)
    }
    let end = try input.readInteger("the unchanged part", as: UInt64.self)
    let offset = try input.readInteger("the offset", as: UInt64.self)
    let count = try input.readInteger("the count", as: UInt64.self)
    sample = try input.readInteger("a checksum")
    let sum = try input.readInteger("a checksum", as: UInt32.self)
    let headerSum = try input.readInteger("a checksum", as: UInt32.self)
    unchangedEnd = try Int(fromFile: end, "the unchanged part")
    tailOffset = try Int(fromFile: offset, "the offset")
    tail = Array(bytes.dropFirst(Self.headerBytes))
    guard CRC32.of(bytes.span.extracting(0..<Self.headerBytes - 4)) == headerSum,
      UInt64(tail.count) == count, CRC32.of(tail.span) == sum, unchangedEnd <= tailOffset
    else { throw .malformed("the undo file is damaged; " + Self.wayOut) }
  }

  /// The bytes of the undo file.
  var bytes: [UInt8] {
    var bytes = Self.magic
    for number in [unchangedEnd, tailOffset, tail.count] {
      bytes.append(littleEndian: UInt64(number))
    }
    bytes.append(littleEndian: sample)
    bytes.append(littleEndian: CRC32.of(tail.span))
    bytes.append(littleEndian: CRC32.of(bytes.span))
    return bytes + tail
  }

  /// Refuses an archive that is not the one that was edited.
  func requireMatch(
    _ file: InputFile, _ sibling: SiblingFile
  ) throws(TensorIOError) {
    guard file.byteCount >= unchangedEnd, try Self.sample(of: file, upTo: unchangedEnd) == sample
    else {
      throw TensorIOError(
        .malformed,
        "belongs to another archive than '\(file.path.escapedForDisplay)', which was left as it is; "
          + Self.wayOut, at: .init(file: sibling.path))
    }
  }

  /// Gives an archive its end again.
  func restore(_ file: InPlaceFile, synced: Bool) throws(TensorIOError) {
    // Without the old end record the archive is whole only when the last byte is back.
    if try file.byteCount > tailOffset { try file.truncate(to: tailOffset) }
    try file.write(tail.span, at: tailOffset)
    if synced { try file.synchronize() }
  }

  private static func sample(of file: InputFile, upTo end: Int) throws(TensorIOError) -> UInt32 {
    let head = try file.bytes(0..<min(sampleBytes, end))
    let last = try file.bytes(max(0, end - sampleBytes)..<end)
    var sum = CRC32()
    sum.update(head.span)
    sum.update(last.span)
    return sum.value
  }

  /// The error of an archive that cannot be read; says that an edit was interrupted, where one was.
  static func explained(_ error: TensorIOError, of path: String) -> TensorIOError {
    if error.code != .malformed || !file(of: path).exists { return error }
    return TensorIOError(
      .malformed,
      "the archive is being edited, or an edit was interrupted: tensorio append --recover, or opening "
        + "it with NPZEditor, restores it (\(error.reason))",
      at: error.place)
  }
}
