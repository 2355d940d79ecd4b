internal import ByteIO

/// What is left of a directory, by where it says that local headers are.
struct ZIPEntries {
  /// Whether the directory is whole.
  let isComplete: Bool
  /// The entries in the order of the directory.
  let all: [ZIPEntry]
  private var indexes: [Int: Int] = [:]

  /// Reads the directory, or, where it is damaged, each entry by itself.
  init(_ file: InputFile, _ places: ZIPSignatures) throws(TensorIOError) {
    if let layout = try? ZIPDirectoryLayout(file) {
      (isComplete, all) = (true, layout.entries)
    } else {
      isComplete = false
      let window = FileWindow(file)
      var found: [ZIPEntry] = []
      for place in places.entries {
        if let entry = try? Self.entry(window, at: place) { found.append(entry) }
      }
      all = found
    }
    for (index, entry) in all.enumerated() {
      if let offset = entry.headerOffset, indexes[offset] == nil { indexes[offset] = index }
    }
  }

  /// The entry whose local header is here.
  subscript(offset: Int) -> ZIPEntry? { indexes[offset].map { all[$0] } }

  /// One entry; its layout is in `ZIPMemberRecord.swift`.
  private static func entry(_ file: FileWindow, at place: Int) throws(TensorIOError) -> ZIPEntry {
    let fixed = 46
    let bytes = try file.bytes(place..<place + fixed)
    var cursor = ByteCursor(bytes.span, baseOffset: place)
    _ = try cursor.read(8, "a directory entry")
    let flags = try cursor.readInteger("the flags", as: UInt16.self)
    let method = try cursor.readInteger("the method", as: UInt16.self)
    _ = try cursor.readInteger("the time", as: UInt32.self)
    let crc32 = try cursor.readInteger("the CRC", as: UInt32.self)
    let compressedSize = try cursor.readInteger("the compressed size", as: UInt32.self)
    let size = try cursor.readInteger("the size", as: UInt32.self)
    let nameBytes = Int(try cursor.readInteger("the name's length", as: UInt16.self))
    let extraBytes = Int(try cursor.readInteger("the extra field's length", as: UInt16.self))
    _ = try cursor.read(10, "attributes")
    let offset = try cursor.readInteger("the local header's offset", as: UInt32.self)
    let extraStart = place + fixed + nameBytes
    let name = try file.bytes(place + fixed..<extraStart)
    let wide = try ZIP64Extra(
      try file.bytes(extraStart..<extraStart + extraBytes), at: extraStart, size: size,
      compressedSize: compressedSize, offset: offset)
    guard let text = ZIPNames.text(name, isUTF8: flags & 0x800 != 0) else {
      throw .malformed("the name is no text", offset: place)
    }
    return ZIPEntry(
      name: text, rawName: name, method: method, crc32: crc32,
      compressedSize: try Int(fromFile: wide.compressedSize, "the compressed size"),
      size: try Int(fromFile: wide.size, "the size"),
      headerOffset: try Int(fromFile: wide.offset, "the local header's offset"))
  }
}
