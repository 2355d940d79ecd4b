internal import ByteIO

/// What the headers of a member being written say. The layout of the local header is in
/// `ZIPLocalHeader.swift`; the central one repeats it with more:
///
/// | bytes | field |
/// |---|---|
/// | 4 | `PK\1\2` |
/// | 2 2 | version made by (3 = Unix, 4.5) and needed |
/// | 2 2 2 2 4 4 4 2 2 | flags … extra length, as in the local header |
/// | 2 2 2 4 | comment length, disk, internal and external attributes |
/// | 4 | offset of the local header |
/// | | name, extra field |
struct ZIPMemberRecord {
  let name: [UInt8]
  let size: Int
  let isDeflated: Bool
  var compressedSize = 0
  var crc32: UInt32 = 0
  var headerOffset = 0

  init(name: String, size: Int, isDeflated: Bool) {
    self.name = Array(name.utf8)
    self.size = size
    self.isDeflated = isDeflated
  }

  /// What stored data is aligned to in the file, so that mapped elements of every type are.
  private static let alignment = 64
  /// The registered extra field that aligns data: its alignment, then zeros.
  private static let alignmentID: UInt16 = 0xd935
  /// 1980-01-01 00:00, the first date of ZIP: the same members give the same bytes on any day.
  private static let date: UInt32 = 0x0021_0000
  private static let sentinel = UInt32.max
  private static let zip64Version: UInt16 = 45

  /// Whether the sizes may need 64 bits.
  ///
  /// Decided by the size alone: the local header is written before the compressed size is known,
  /// and deflate may add a little.
  private var usesZip64: Bool { size >= Int(Self.sentinel) - (1 << 24) }

  private var flags: UInt16 { name.allSatisfy { $0 < 0x80 } ? 0 : 0x0800 }

  /// The fields from the flags to the sizes, which both headers share.
  private func common(version: UInt16, sizes: (UInt32, UInt32), extra: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: version)
    bytes.append(littleEndian: flags)
    bytes.append(littleEndian: isDeflated ? ZIPEntry.deflated : ZIPEntry.stored)
    bytes.append(littleEndian: Self.date)
    bytes.append(littleEndian: crc32)
    bytes.append(littleEndian: sizes.0)
    bytes.append(littleEndian: sizes.1)
    bytes.append(littleEndian: UInt16(truncatingIfNeeded: name.count))
    bytes.append(littleEndian: UInt16(truncatingIfNeeded: extra))
    return bytes
  }

  private var sizes32: (UInt32, UInt32) {
    usesZip64
      ? (Self.sentinel, Self.sentinel)
      : (UInt32(truncatingIfNeeded: compressedSize), UInt32(truncatingIfNeeded: size))
  }

  private func zip64Extra(_ values: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt16(1))
    bytes.append(littleEndian: UInt16(8 * values.count))
    for value in values { bytes.append(littleEndian: UInt64(value)) }
    return bytes
  }

  /// The header in front of the data, with the padding that aligns it.
  ///
  /// Its length does not depend on the compressed size, so it can be written again over itself.
  var localHeader: [UInt8] {
    var extra = usesZip64 ? zip64Extra([size, compressedSize]) : []
    if !isDeflated {
      let smallest = ZIPLocalHeader.fixedSize + name.count + extra.count + 6
      let padding = (Self.alignment - (headerOffset + smallest) % Self.alignment) % Self.alignment
      extra.append(littleEndian: Self.alignmentID)
      extra.append(littleEndian: UInt16(2 + padding))
      extra.append(littleEndian: UInt16(Self.alignment))
      extra += [UInt8](repeating: 0, count: padding)
    }
    let version = usesZip64 ? Self.zip64Version : 20
    return ZIPLocalHeader.signature
      + common(version: version, sizes: sizes32, extra: extra.count) + name + extra
  }

  /// The member's entry in the directory.
  var centralHeader: [UInt8] {
    let farAway = headerOffset >= Int(Self.sentinel)
    let values = (usesZip64 ? [size, compressedSize] : []) + (farAway ? [headerOffset] : [])
    let extra = values.isEmpty ? [] : zip64Extra(values)
    var bytes: [UInt8] = [0x50, 0x4b, 0x01, 0x02]
    bytes.append(littleEndian: 3 << 8 | Self.zip64Version)
    let version = values.isEmpty ? 20 : Self.zip64Version
    bytes += common(version: version, sizes: sizes32, extra: extra.count)
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt16(0))
    // Permissions rw-r--r--, so that unzip makes readable files.
    bytes.append(littleEndian: UInt32(0o100644) << 16)
    bytes.append(
      littleEndian: farAway ? Self.sentinel : UInt32(truncatingIfNeeded: headerOffset))
    return bytes + name + extra
  }
}

/// The end of an archive: where the directory lies, in 64 bits where 32 do not suffice.
struct ZIPEndRecord {
  let count: Int
  let directoryOffset: Int
  let directoryBytes: Int
  var comment: [UInt8] = []

  private var needsZip64: Bool {
    count >= Int(UInt16.max) || directoryOffset >= Int(UInt32.max)
      || directoryBytes >= Int(UInt32.max)
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = needsZip64 ? zip64Bytes : []
    bytes += [0x50, 0x4b, 0x05, 0x06, 0, 0, 0, 0]
    let count16 = UInt16(clamping: count)
    bytes.append(littleEndian: count16)
    bytes.append(littleEndian: count16)
    bytes.append(littleEndian: UInt32(clamping: directoryBytes))
    bytes.append(littleEndian: UInt32(clamping: directoryOffset))
    bytes.append(littleEndian: UInt16(clamping: comment.count))
    return bytes + comment
  }

  /// The zip64 end record and its locator.
  private var zip64Bytes: [UInt8] {
    var bytes: [UInt8] = [0x50, 0x4b, 0x06, 0x06]
    bytes.append(littleEndian: UInt64(44))
    bytes.append(littleEndian: UInt16(3 << 8 | 45))
    bytes.append(littleEndian: UInt16(45))
    bytes.append(littleEndian: UInt64(0))
    bytes.append(littleEndian: UInt64(count))
    bytes.append(littleEndian: UInt64(count))
    bytes.append(littleEndian: UInt64(directoryBytes))
    bytes.append(littleEndian: UInt64(directoryOffset))
    bytes += [0x50, 0x4b, 0x06, 0x07, 0, 0, 0, 0]
    bytes.append(littleEndian: UInt64(directoryOffset + directoryBytes))
    bytes.append(littleEndian: UInt32(1))
    return bytes
  }
}
