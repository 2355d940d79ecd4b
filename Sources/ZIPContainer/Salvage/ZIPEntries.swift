internal import ByteIO

/// What is left of a directory, by where it says that local headers are.
struct ZIPEntries {
  /// Whether the directory is whole.
  let isComplete: Bool
  /// The entries in the order of the directory.
  let all: [ZIPEntry]
  private var places: [Int] = []
  private var indexes: [Int: Int] = [:]

  /// Reads the directory, or, where it is damaged, each entry by itself.
  init(_ file: InputFile, _ signatures: ZIPSignatures) throws(TensorIOError) {
    if let layout = try? ZIPDirectoryLayout(file) {
      (isComplete, all) = (true, layout.entries)
    } else {
      isComplete = false
      let window = FileWindow(file)
      var found: [ZIPEntry] = []
      // Entries that overlap would have their names read again and again.
      var bytesLeft = file.byteCount
      for place in signatures.entries {
        guard bytesLeft > 0, let entry = try? Self.entry(window, at: place, &bytesLeft) else {
          continue
        }
        found.append(entry)
        places.append(place)
      }
      all = found
    }
    for (index, entry) in all.enumerated() {
      if let offset = entry.headerOffset, indexes[offset] == nil { indexes[offset] = index }
    }
  }

  /// The entry whose local header is here.
  subscript(offset: Int) -> ZIPEntry? { indexes[offset].map { all[$0] } }

  /// The entry whose local header is here, if it can be believed: one of a damaged directory may
  /// belong to an archive inside a member, so it has to lie behind the data and have the same name.
  func entry(_ offset: Int, named name: ArraySlice<UInt8>, behind end: Int) -> ZIPEntry? {
    guard let index = indexes[offset] else { return nil }
    if isComplete { return all[index] }
    return places[index] >= end && all[index].rawName == name ? all[index] : nil
  }

  /// The entries that lie behind the data, with theirs in the order of the file.
  func entries(behind end: Int) -> [ZIPEntry] {
    let behind = isComplete ? all[...] : all[(places.firstIndex { $0 >= end } ?? all.count)...]
    return behind.sorted { ($0.headerOffset ?? 0) < ($1.headerOffset ?? 0) }
  }

  /// One entry; its layout is in `ZIPMemberRecord.swift`.
  private static func entry(
    _ file: FileWindow, at place: Int, _ bytesLeft: inout Int
  ) throws(TensorIOError) -> ZIPEntry {
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
    bytesLeft -= nameBytes + extraBytes
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
