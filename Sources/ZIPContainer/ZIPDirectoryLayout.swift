internal import ByteIO

/// Where the directory of an archive lies, read a second time without libzip.
///
/// Archives are attacked where two readers see two different directories in one file: two end
/// records, data in front, a comment that holds an archive. So the last end record is taken, as
/// Python does, its directory must end exactly where it begins, and the members there must be those
/// that libzip found.
///
/// | bytes | end record |
/// |---|---|
/// | 4 | `PK\5\6` |
/// | 2 2 2 2 | this disk, disk of the directory, entries on this disk, entries |
/// | 4 4 | size and offset of the directory; `FFFFFFFF` stands in the zip64 record |
/// | 2 | length of the comment, which follows |
struct ZIPDirectoryLayout {
  /// The bytes of the directory.
  let directory: Range<Int>
  /// From the end of the directory to the end of the comment.
  let end: Range<Int>
  /// The comment at the end.
  let comment: Range<Int>
  /// The entries in the order of the directory; names past ASCII are decoded as UTF-8, for want of
  /// libzip's tables.
  let entries: [ZIPEntry]

  private static let entrySignature: [UInt8] = [0x50, 0x4b, 0x01, 0x02]
  private static let endSignature: [UInt8] = [0x50, 0x4b, 0x05, 0x06]
  private static let endBytes = 22
  private static let locatorSignature: [UInt8] = [0x50, 0x4b, 0x06, 0x07]
  private static let recordSignature: [UInt8] = [0x50, 0x4b, 0x06, 0x06]

  /// Finds the directory of a file.
  /// - Throws: `malformed` when there is no end record or it contradicts itself.
  init(_ file: InputFile) throws(TensorIOError) {
    // The comment is at most 65,535 bytes long.
    let tailStart = max(0, file.byteCount - Self.endBytes - Int(UInt16.max))
    let tail = try file.bytes(tailStart..<file.byteCount)
    guard let found = Self.lastIndex(of: Self.endSignature, in: tail, before: tail.count - 18)
    else {
      throw .malformed(
        "no end record: this is no ZIP archive, or it is cut short (tensorio salvage keeps what is "
          + "intact)")
    }
    let endOffset = tailStart + found
    var cursor = ByteCursor(tail.span.extracting((found + 4)...), baseOffset: endOffset + 4)
    let disks = (
      try cursor.readInteger("the disk", as: UInt16.self),
      try cursor.readInteger("the directory's disk", as: UInt16.self)
    )
    let here = UInt64(try cursor.readInteger("the entries here", as: UInt16.self))
    let all = UInt64(try cursor.readInteger("the entries", as: UInt16.self))
    var extent = Extent(
      entries: all, size: UInt64(try cursor.readInteger("the directory's size", as: UInt32.self)),
      offset: UInt64(try cursor.readInteger("the directory's offset", as: UInt32.self)))
    let commentBytes = Int(try cursor.readInteger("the comment's length", as: UInt16.self))
    guard disks == (0, 0), here == all else {
      throw .malformed("the archive is one of several disks", offset: endOffset)
    }
    var directoryEnd = endOffset
    if let wide = try Self.zip64(file, before: endOffset) {
      try wide.extent.requireAgreement(with: extent, at: endOffset)
      (extent, directoryEnd) = (wide.extent, wide.offset)
    }
    let start = try Int(fromFile: extent.offset, "the directory's offset")
    let size = try Int(fromFile: extent.size, "the directory's size")
    guard try start.added(to: size, "the directory's end") == directoryEnd else {
      throw .malformed(
        "the directory of the last end record does not end where that begins: two archives in one "
          + "file, or data in front of one",
        offset: endOffset)
    }
    directory = start..<directoryEnd
    end = directoryEnd..<min(file.byteCount, endOffset + Self.endBytes + commentBytes)
    comment = min(endOffset + Self.endBytes, end.upperBound)..<end.upperBound
    entries = try Self.entries(try file.bytes(directory), at: start, count: extent.entries)
  }

  private static func lastIndex(
    of pattern: [UInt8], in bytes: [UInt8], before limit: Int
  ) -> Int? {
    stride(from: limit - pattern.count, through: 0, by: -1).first { index in
      bytes[index] == pattern[0] && bytes[index..<index + pattern.count].elementsEqual(pattern)
    }
  }

  /// The zip64 end record, through the locator right in front of the end record.
  private static func zip64(
    _ file: InputFile, before endOffset: Int
  ) throws(TensorIOError) -> (extent: Extent, offset: Int)? {
    guard endOffset >= 20 else { return nil }
    let bytes = try file.bytes(endOffset - 20..<endOffset)
    var locator = ByteCursor(bytes.span, baseOffset: endOffset - 20)
    guard locator.skip(ifNext: locatorSignature) else { return nil }
    let disk = try locator.readInteger("the record's disk", as: UInt32.self)
    let offset = try Int(
      fromFile: try locator.readInteger("the zip64 record's offset", as: UInt64.self),
      "the zip64 record's offset")
    guard disk == 0, try locator.readInteger("the disks", as: UInt32.self) <= 1 else {
      throw .malformed("the archive is one of several disks", offset: endOffset - 20)
    }
    guard offset <= endOffset - 20 - 56 else {
      throw .malformed("the zip64 locator points past its record", offset: endOffset - 20)
    }
    let record = try file.bytes(offset..<offset + 56)
    var cursor = ByteCursor(record.span, baseOffset: offset)
    guard cursor.skip(ifNext: recordSignature) else {
      throw .malformed("the zip64 locator points at no zip64 record", offset: offset)
    }
    let size = try cursor.readInteger("the record's size", as: UInt64.self)
    guard size == UInt64(endOffset - 20 - offset - 12) else {
      throw .malformed("the zip64 record's size is wrong", offset: offset + 4)
    }
    _ = try cursor.read(12, "versions and disks")
    let here = try cursor.readInteger("the entries here", as: UInt64.self)
    let extent = Extent(
      entries: try cursor.readInteger("the entries", as: UInt64.self),
      size: try cursor.readInteger("the directory's size", as: UInt64.self),
      offset: try cursor.readInteger("the directory's offset", as: UInt64.self))
    guard here == extent.entries else {
      throw .malformed("the archive is one of several disks", offset: offset)
    }
    return (extent, offset)
  }

  private static func entries(
    _ bytes: [UInt8], at start: Int, count: UInt64
  ) throws(TensorIOError) -> [ZIPEntry] {
    var entries: [ZIPEntry] = []
    // An entry takes 46 bytes and its name.
    entries.reserveCapacity(Int(min(count, UInt64(bytes.count / 46))))
    var cursor = ByteCursor(bytes.span, baseOffset: start)
    while cursor.skip(ifNext: entrySignature) {
      _ = try cursor.read(6, "a directory entry")
      let method = try cursor.readInteger("the method", as: UInt16.self)
      _ = try cursor.readInteger("the time", as: UInt32.self)
      let crc32 = try cursor.readInteger("the CRC", as: UInt32.self)
      let compressedSize = try cursor.readInteger("the compressed size", as: UInt32.self)
      let size = try cursor.readInteger("the size", as: UInt32.self)
      let nameBytes = Int(try cursor.readInteger("the name's length", as: UInt16.self))
      let extraBytes = Int(try cursor.readInteger("the extra field's length", as: UInt16.self))
      let commentBytes = Int(try cursor.readInteger("the comment's length", as: UInt16.self))
      _ = try cursor.read(8, "attributes")
      let offset = try cursor.readInteger("the local header's offset", as: UInt32.self)
      let nameStart = cursor.position
      _ = try cursor.read(nameBytes, "the name")
      let name = bytes[nameStart..<cursor.position]
      let extraStart = cursor.position
      _ = try cursor.read(extraBytes, "the extra field")
      let wide = try ZIP64Extra(
        bytes[extraStart..<cursor.position], at: start + extraStart, size: size,
        compressedSize: compressedSize, offset: offset)
      entries.append(
        ZIPEntry(
          name: String(decoding: name, as: UTF8.self), rawName: name, method: method, crc32: crc32,
          compressedSize: try Int(fromFile: wide.compressedSize, "the compressed size"),
          size: try Int(fromFile: wide.size, "the size"),
          headerOffset: try Int(fromFile: wide.offset, "the local header's offset")))
      _ = try cursor.read(commentBytes, "the comment")
    }
    guard UInt64(entries.count) == count, cursor.remaining == 0 else {
      throw .malformed(
        "the directory has \(entries.count) entries and \(cursor.remaining) more bytes, the end "
          + "record says \(count) entries",
        offset: start)
    }
    return entries
  }
}

/// What an end record says of the directory.
private struct Extent {
  let entries: UInt64
  let size: UInt64
  let offset: UInt64

  /// Whether the fields of the plain end record are these, or sentinels.
  func requireAgreement(with plain: Extent, at offset: Int) throws(TensorIOError) {
    guard plain.entries == entries || plain.entries == UInt64(UInt16.max),
      plain.size == size || plain.size == UInt64(UInt32.max),
      plain.offset == self.offset || plain.offset == UInt64(UInt32.max)
    else {
      throw .malformed("the end record and its zip64 record disagree", offset: offset)
    }
  }
}
