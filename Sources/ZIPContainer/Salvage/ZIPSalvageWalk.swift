internal import ByteIO

/// The walk over local headers, in the order of the file.
struct ZIPSalvageWalk {
  private(set) var members: [ZIPMember] = []
  private(set) var lost: [ZIPSalvage.Lost] = []
  private(set) var cut: ZIPSalvage.Cut?

  private let file: InputFile
  private let window: FileWindow
  private let directory: ZIPEntries
  private let descriptors: ZIPDescriptors
  /// Where the last intact member ends; headers before it lie in data.
  private var end = 0
  /// Where the data of the last damaged member should end: headers before it are believed when the
  /// directory knows them, as the data may hold an archive of its own.
  private var claimedEnd = 0
  /// Whether nothing tells where the data of the last damaged member ends.
  private var hasOpenEnd = false
  /// The headers that were dealt with.
  private var visited: Set<Int> = []
  private var names: Set<ByteKey> = []
  /// Bytes that may still be read: records that overlap would have them read again and again.
  private var bytesLeft: Int
  /// Whether records were left unread for that.
  private(set) var isExhausted = false

  init(_ file: InputFile, _ directory: ZIPEntries, _ descriptors: ZIPDescriptors) {
    self.file = file
    self.directory = directory
    self.descriptors = descriptors
    window = FileWindow(file)
    bytesLeft = file.byteCount.multipliedReportingOverflow(by: 8).partialValue + (1 << 20)
  }

  /// Looks at the local header at an offset, or at what looks like one.
  mutating func visit(_ offset: Int) throws(TensorIOError) {
    guard offset >= end, let lengths = lengths(at: offset) else { return }
    guard spend(lengths.name + lengths.extra) else { return }
    guard let header = try? ZIPLocalHeader(window, at: offset) else {
      // With an entry, `visitEntries` tells what became of it.
      if directory[offset] == nil, offset >= claimedEnd { noteCutHeader(offset, lengths) }
      return
    }
    guard let name = ZIPNames.text(header.name, isUTF8: header.isUTF8),
      header.unknownFlags & ~ZIPLocalHeader.encryptionFlags == 0
    else { return }
    let entry = directory.entry(offset, named: header.name, behind: claimedEnd)
    guard offset >= claimedEnd || entry != nil else {
      return lose(
        name, offset, "lies where the data of a damaged member should be; it may belong to that")
    }
    // An archive inside data whose end nothing tells begins with names that were seen before.
    guard entry != nil || !hasOpenEnd || !names.contains(ByteKey(name)) else {
      claimedEnd = file.byteCount
      return lose(
        name, offset, "follows a damaged member of unknown length and may belong to its data")
    }
    visited.insert(offset)
    names.insert(ByteKey(name))
    if let entry, entry.rawName != header.name { return loseBoth(name, entry, offset) }
    try examine(header, name, entry)
  }

  private mutating func examine(
    _ header: ZIPLocalHeader, _ name: String, _ entry: ZIPEntry?
  ) throws(TensorIOError) {
    let extents = extents(of: header, entry)
    var reason: String?
    for extent in extents {
      do throws(TensorIOError) {
        let member = try member(header, name, extent)
        end = member.range.upperBound
        (cut, hasOpenEnd) = (nil, false)
        // Names have no checksum.
        if let other = directory[header.offset], other.rawName != header.name,
          other.crc32 == extent.crc32, other.size == extent.size
        {
          return loseBoth(name, other, header.offset)
        }
        members.append(member)
        return
      } catch {
        guard error.code != .io else { throw error }
        reason = reason ?? error.reason
      }
    }
    let left = file.byteCount - header.dataOffset
    let length = extents.first?.compressedSize
    let isCut = left < length ?? .max
    if reason == nil, !directory.isComplete {
      reason = "the file ends before anything tells how long its data is"
    }
    if let length, isCut { reason = "has \(left) of its \(length) bytes; the file ends in it" }
    lose(name, header.offset, reason ?? "nothing tells how long its data is")
    hasOpenEnd = length == nil
    claimedEnd = max(claimedEnd, header.dataOffset + min(left, length ?? 0))
    cut = isCut && !directory.isComplete ? try cutMember(header, name) : nil
  }

  /// The lengths of a header's name and extra field, and its flags; nil where the file ends before.
  private func lengths(at offset: Int) -> (name: Int, extra: Int, flags: Int)? {
    let end = offset + ZIPLocalHeader.fixedSize
    guard end <= file.byteCount, let fixed = try? window.bytes(offset..<end) else { return nil }
    let numbers = [26, 28, 6].map { place in
      Int(fixed[fixed.startIndex + place]) | Int(fixed[fixed.startIndex + place + 1]) << 8
    }
    return (numbers[0], numbers[1], numbers[2])
  }

  /// Whether so many more bytes may be looked at.
  private mutating func spend(_ count: Int) -> Bool {
    guard count <= bytesLeft else {
      isExhausted = true
      return false
    }
    bytesLeft -= count
    return true
  }

  /// A local header that the end of the file cuts: the name may still be there.
  private mutating func noteCutHeader(
    _ offset: Int, _ lengths: (name: Int, extra: Int, flags: Int)
  ) {
    let nameStart = offset + ZIPLocalHeader.fixedSize
    guard nameStart + lengths.name + lengths.extra > file.byteCount,
      let bytes = try? window.bytes(nameStart..<nameStart + lengths.name),
      let name = ZIPNames.text(bytes, isUTF8: lengths.flags & 0x800 != 0)
    else { return }
    lose(name, offset, "the file ends in its local header")
  }

  /// What the records say about a member's data, the best first.
  private func extents(of header: ZIPLocalHeader, _ entry: ZIPEntry?) -> [ZIPExtent] {
    var extents: [ZIPExtent] = []
    if let entry {
      extents.append(
        ZIPExtent(crc32: entry.crc32, compressedSize: entry.compressedSize, size: entry.size))
    }
    var own: [ZIPExtent] = []
    if let compressed = Int(exactly: header.compressedSize), let size = Int(exactly: header.size),
      !header.hasDescriptor || compressed > 0
    {
      own = [ZIPExtent(crc32: header.crc32, compressedSize: compressed, size: size)]
    }
    // A lost flag makes a member with a descriptor look empty.
    let isEmpty = header.compressedSize == 0
    let behind = descriptors.extents(from: header.dataOffset)
    return extents + (isEmpty ? behind + own : own + behind)
  }

  /// The member with its data as one extent says.
  /// - Throws: what is wrong with it.
  private mutating func member(
    _ header: ZIPLocalHeader, _ name: String, _ extent: ZIPExtent
  ) throws(TensorIOError) -> ZIPMember {
    let entry = ZIPEntry(
      name: name, rawName: header.name, method: header.method, crc32: extent.crc32,
      compressedSize: extent.compressedSize, size: extent.size, headerOffset: header.offset)
    let member = try ZIPMember(file, entry, header)
    guard spend(extent.compressedSize) else {
      throw .malformed("the records of the archive overlap too much to look at all")
    }
    try member.stream { _ in }
    return member
  }

  private func cutMember(
    _ header: ZIPLocalHeader, _ name: String
  ) throws(TensorIOError) -> ZIPSalvage.Cut? {
    guard [ZIPEntry.stored, ZIPEntry.deflated].contains(header.method), !header.isEncrypted,
      header.dataOffset < file.byteCount
    else { return nil }
    return ZIPSalvage.Cut(
      name: name, offset: header.offset, isDeflated: header.method == ZIPEntry.deflated,
      data: try FileSlice(file, header.dataOffset..<file.byteCount))
  }

  /// Looks at the members that only the directory knows: the data can be whole where the header in
  /// front of it is not.
  mutating func visitEntries() throws(TensorIOError) {
    let taken = members.map(\.range)
    var next = 0
    var position = 0
    for entry in directory.entries(behind: max(end, claimedEnd)) {
      guard let offset = entry.headerOffset else { continue }
      if visited.contains(offset) {
        if directory.isComplete, directory[offset]?.rawName != entry.rawName {
          lose(entry.name, offset, "the directory has two members with this data")
        }
        continue
      }
      while next < taken.count, taken[next].upperBound <= offset { next += 1 }
      let limit = next < taken.count ? taken[next].lowerBound : file.byteCount
      do throws(TensorIOError) {
        let header = try ZIPLocalHeader(window, at: offset, damaged: entry)
        let extent = ZIPExtent(
          crc32: entry.crc32, compressedSize: entry.compressedSize, size: entry.size)
        guard offset >= position, entry.compressedSize <= limit - header.dataOffset else {
          throw .malformed("its local header is damaged, and its data would overlap another's")
        }
        let member = try member(header, entry.name, extent)
        position = member.range.upperBound
        members.append(member)
      } catch {
        guard error.code != .io else { throw error }
        lose(entry.name, offset, error.reason)
      }
    }
  }

  /// Headers with two names for one member: either may be the damaged one.
  private mutating func loseBoth(_ name: String, _ entry: ZIPEntry, _ offset: Int) {
    lose(
      entry.name, offset,
      "the directory has this name for the member, its local header "
        + "'\(name.escapedForDisplay)'")
    lose(
      name, offset,
      "the local header has this name for the member, the directory "
        + "'\(entry.name.escapedForDisplay)'")
  }

  private mutating func lose(_ name: String, _ offset: Int, _ reason: String) {
    lost.append(ZIPSalvage.Lost(name: name, offset: offset, reason: reason))
  }
}
