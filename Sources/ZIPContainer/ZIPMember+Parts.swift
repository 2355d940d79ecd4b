package import ByteIO

extension ZIPMember: PartwiseSource {
  package func partLoader() -> (any PartLoading)? {
    isDeflated ? nil : StoredParts(member: self, range: 0..<byteCount)
  }
}

extension ZIPMemberSlice: PartwiseSource {
  package func partLoader() -> (any PartLoading)? {
    member.isDeflated ? nil : StoredParts(member: member, range: range)
  }
}

/// Parts of a stored member, each summed while it is still in the cache; the sums are joined at the
/// end and compared with the archive's.
private final class StoredParts: PartLoading {
  private let member: ZIPMember
  private let range: Range<Int>
  /// The checksums by the place in the member.
  private let sums = Locked<[(range: Range<Int>, crc: UInt32)]>([])

  init(member: ZIPMember, range: Range<Int>) {
    self.member = member
    self.range = range
  }

  func load(
    _ part: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    let start = range.lowerBound + part.lowerBound
    try locating(member.place) { () throws(TensorIOError) in
      unsafe try member.data.file.read(at: member.data.range.lowerBound + start, into: buffer)
    }
    guard member.isChecksummed, !part.isEmpty else { return }
    let crc = CRC32.of(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
    sums.withLock { sums in
      // Small parts in order are one in the end.
      if let last = sums.last, last.range.upperBound == start {
        var joined = CRC32()
        joined.append(last.crc, length: last.range.count)
        joined.append(crc, length: part.count)
        sums[sums.count - 1] = (last.range.lowerBound..<start + part.count, joined.value)
      } else {
        sums.append((start..<start + part.count, crc))
      }
    }
  }

  func finish() throws(TensorIOError) {
    guard member.isChecksummed else { return try member.requireUnchanged() }
    let sums = sums.withLock { $0.sorted { $0.range.lowerBound < $1.range.lowerBound } }
    try locating(member.place) { () throws(TensorIOError) in
      var crc = CRC32()
      var position = 0
      for (part, sum) in sums {
        guard part.lowerBound >= position else {
          throw TensorIOError(.io, "a part of the member was read twice")
        }
        try read(position..<part.lowerBound, into: &crc)
        crc.append(sum, length: part.count)
        position = part.upperBound
      }
      try read(position..<member.byteCount, into: &crc)
      try member.requireChecksum(crc.value)
      try member.requireUnchanged()
    }
  }

  /// What surrounds the parts belongs to the checksum too.
  private func read(_ gap: Range<Int>, into crc: inout CRC32) throws(TensorIOError) {
    if gap.isEmpty { return }
    let start = member.data.range.lowerBound
    let slice = try FileSlice(
      member.data.file, start + gap.lowerBound..<start + gap.upperBound)
    try slice.stream { crc.update($0) }
  }
}

extension ZIPMember: FileBacked {
  package var bytesInFile: FileSlice? { isDeflated ? nil : data }
}

extension ZIPMemberSlice: FileBacked {
  package var bytesInFile: FileSlice? {
    guard let data = member.bytesInFile else { return nil }
    let start = data.range.lowerBound
    return try? FileSlice(data.file, start + range.lowerBound..<start + range.upperBound)
  }
}
