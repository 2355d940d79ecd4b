internal import ByteIO

/// What one record of an archive says about a member's data.
struct ZIPExtent {
  let crc32: UInt32
  let compressedSize: Int
  let size: Int
}

/// The extents that stand behind the data, by where the data would begin.
///
/// | bytes | data descriptor |
/// |---|---|
/// | 4 | `PK\7\8`; may be missing |
/// | 4 | CRC-32 |
/// | 4 4 or 8 8 | compressed size, size |
///
/// A descriptor tells where its data began, so each is looked at once and no header has to search.
struct ZIPDescriptors {
  private struct Claim {
    let start: Int
    /// Whether another record follows, as one does in a whole archive.
    let isFollowed: Bool
    let extent: ZIPExtent
  }

  /// In the order of their starts.
  private var claims: [Claim] = []
  /// More of one beginning are an attack.
  private static let mostOfOneStart = 8

  init(_ file: FileWindow, _ places: ZIPSignatures) throws(TensorIOError) {
    for place in places.descriptors {
      try add(file, at: place + 4, data: place, isWide: false)
      try add(file, at: place + 4, data: place, isWide: true)
    }
    // Without a signature it ends where the next record begins.
    for next in places.headers + places.entries {
      if next >= 20 { try add(file, at: next - 20, data: next - 20, isWide: true) }
      if next >= 12 { try add(file, at: next - 12, data: next - 12, isWide: false) }
    }
    claims.sort { ($0.start, $0.isFollowed ? 0 : 1) < ($1.start, $1.isFollowed ? 0 : 1) }
  }

  /// The extents of data that begins here, the likely ones first.
  func extents(from start: Int) -> [ZIPExtent] {
    var (low, high) = (0, claims.count)
    while low < high {
      let middle = low + (high - low) / 2
      if claims[middle].start < start { low = middle + 1 } else { high = middle }
    }
    return claims[low...].prefix { $0.start == start }.prefix(Self.mostOfOneStart).map(\.extent)
  }

  /// Reads the numbers of a descriptor at `offset`, whose data ends at `end`.
  private mutating func add(
    _ file: FileWindow, at offset: Int, data end: Int, isWide: Bool
  ) throws(TensorIOError) {
    let next = offset + (isWide ? 20 : 12)
    guard next <= file.file.byteCount else { return }
    let bytes = try file.bytes(offset..<next)
    var cursor = ByteCursor(bytes.span, baseOffset: offset)
    let crc32 = try cursor.readInteger("the CRC", as: UInt32.self)
    func size(_ cursor: inout ByteCursor) throws(TensorIOError) -> UInt64 {
      if isWide { return try cursor.readInteger("the size") }
      return UInt64(try cursor.readInteger("the size", as: UInt32.self))
    }
    let sizes = (try size(&cursor), try size(&cursor))
    guard let compressed = Int(exactly: sizes.0), let size = Int(exactly: sizes.1),
      compressed > 0, compressed <= end
    else { return }
    var isFollowed = false
    if next + 2 <= file.file.byteCount {
      isFollowed = try file.bytes(next..<next + 2).elementsEqual([0x50, 0x4b])
    }
    claims.append(
      Claim(
        start: end - compressed, isFollowed: isFollowed,
        extent: ZIPExtent(crc32: crc32, compressedSize: compressed, size: size)))
  }
}
