internal import ByteIO

/// The header in front of a member's data.
///
/// | bytes | field |
/// |---|---|
/// | 4 | `PK\3\4` |
/// | 2 | version needed |
/// | 2 | flags: bit 0 encrypted, 1-2 deflate level, 3 sizes follow the data, 11 name is UTF-8 |
/// | 2 | method: 0 stored, 8 deflated |
/// | 4 | DOS time and date |
/// | 4 4 4 | CRC-32, compressed size, size; `FFFFFFFF` sizes stand in the zip64 extra |
/// | 2 2 | lengths of name and extra field, which follow |
struct ZIPLocalHeader {
  static let signature: [UInt8] = [0x50, 0x4b, 0x03, 0x04]
  static let fixedSize = 30

  let flags: UInt16
  let method: UInt16
  let crc32: UInt32
  let compressedSize: UInt64
  let size: UInt64
  /// The bytes of the name.
  let name: ArraySlice<UInt8>
  /// Where the data starts in the file.
  let dataOffset: Int
  let offset: Int

  var hasDescriptor: Bool { flags & 8 != 0 }
  var isUTF8: Bool { flags & 0x800 != 0 }
  /// Bits 0, 6 and 13: encryption of one kind or another.
  static let encryptionFlags: UInt16 = 0x2041
  var isEncrypted: Bool { flags & Self.encryptionFlags != 0 }
  /// Flags that change how the data has to be read, such as patches (bit 5).
  var unknownFlags: UInt16 { flags & ~0x080e }

  /// Reads the header at `offset`.
  init(_ file: FileWindow, at offset: Int) throws(TensorIOError) {
    self.offset = offset
    guard offset <= file.file.byteCount - Self.fixedSize else {
      throw .malformed("the local header reaches past the end of the file", offset: offset)
    }
    let fixed = try file.bytes(offset..<offset + Self.fixedSize)
    var cursor = ByteCursor(fixed.span, baseOffset: offset)
    guard cursor.skip(ifNext: Self.signature) else {
      throw .malformed("no local header stands where the directory points", offset: offset)
    }
    _ = try cursor.readInteger("the version", as: UInt16.self)
    flags = try cursor.readInteger("the flags")
    method = try cursor.readInteger("the method")
    _ = try cursor.readInteger("the time", as: UInt32.self)
    crc32 = try cursor.readInteger("the CRC")
    let compressedSize = try cursor.readInteger("the compressed size", as: UInt32.self)
    let size = try cursor.readInteger("the size", as: UInt32.self)
    let nameLength = Int(try cursor.readInteger("the name's length", as: UInt16.self))
    let extraLength = Int(try cursor.readInteger("the extra field's length", as: UInt16.self))
    let nameOffset = offset + Self.fixedSize
    dataOffset = nameOffset + nameLength + extraLength
    let variable = try file.bytes(nameOffset..<dataOffset)
    name = variable.prefix(nameLength)
    let extra = try ZIP64Extra(
      variable.dropFirst(nameLength), at: nameOffset + nameLength, size: size,
      compressedSize: compressedSize, offset: 0)
    self.size = extra.size
    self.compressedSize = extra.compressedSize
  }

  /// A header of which only the length of the extra field is believed; the rest is as the directory
  /// says.
  init(
    _ file: FileWindow, at offset: Int, damaged entry: ZIPEntry
  ) throws(TensorIOError) {
    let nameOffset = try offset.added(to: Self.fixedSize, "the end of the local header")
    let length = try file.bytes(nameOffset - 2..<nameOffset)
    var cursor = ByteCursor(length.span, baseOffset: nameOffset - 2)
    let extraLength = Int(try cursor.readInteger("the extra field's length", as: UInt16.self))
    dataOffset = try nameOffset.added(to: entry.rawName.count + extraLength, "the data's offset")
    flags = entry.name.utf8.elementsEqual(entry.rawName) && !entry.isASCII ? 0x800 : 0
    (method, crc32, name) = (entry.method, entry.crc32, entry.rawName)
    (compressedSize, size) = (UInt64(entry.compressedSize), UInt64(entry.size))
    self.offset = offset
  }
}

/// The zip64 extra field: 64-bit numbers in the place of `FFFFFFFF` ones, in the order of the header.
struct ZIP64Extra {
  private static let id: UInt16 = 1

  private(set) var size: UInt64
  private(set) var compressedSize: UInt64
  private(set) var offset: UInt64

  /// Looks for the field in a header's extra bytes, which start at `position` of the file.
  init(
    _ extra: ArraySlice<UInt8>, at position: Int, size: UInt32, compressedSize: UInt32,
    offset: UInt32
  ) throws(TensorIOError) {
    self.size = UInt64(size)
    self.compressedSize = UInt64(compressedSize)
    self.offset = UInt64(offset)
    var cursor = ByteCursor(extra.span, baseOffset: position)
    var isFound = false
    // Fewer than four bytes are no field; some writers pad with them.
    while cursor.remaining >= 4 {
      let id = try cursor.readInteger("an extra field's id", as: UInt16.self)
      let length = Int(try cursor.readInteger("an extra field's length", as: UInt16.self))
      let start = cursor.offset
      let field = try cursor.read(length, "an extra field")
      guard id == Self.id else { continue }
      guard !isFound else { throw .malformed("the zip64 extra field occurs twice", offset: start) }
      isFound = true
      var values = ByteCursor(field, baseOffset: start)
      if size == .max { self.size = try values.readInteger("the 64-bit size") }
      if compressedSize == .max {
        self.compressedSize = try values.readInteger("the 64-bit compressed size")
      }
      if offset == .max { self.offset = try values.readInteger("the 64-bit offset") }
    }
  }
}
