public import ByteIO

/// A member of an archive as a run of bytes: in place in the mapped file when stored, inflated when
/// deflated.
///
/// Loading and streaming check the CRC-32; bytes in place are not checked.
public final class ZIPMember: ByteSource {
  /// The name.
  public let name: String
  /// The size after decompression.
  public let byteCount: Int
  /// Whether the member is deflated.
  public let isDeflated: Bool
  /// From the local header to the end of the data.
  let range: Range<Int>
  let hasDescriptor: Bool
  /// Nil where the archive was written without checksums.
  let crc32: UInt32?
  let data: FileSlice

  /// The longest output that a byte of deflated input can have is 1,032 bytes.
  private static let maximumRatio = 1032

  init(
    _ file: InputFile, _ entry: ZIPEntry, _ header: ZIPLocalHeader, isChecksummed: Bool = true
  ) throws(TensorIOError) {
    guard header.name == entry.rawName else {
      let other = String(decoding: header.name, as: UTF8.self)
      throw .malformed(
        header.name.contains(0)
          ? "the name has a NUL byte" : "the local header has another name, '\(other)'",
        offset: header.offset)
    }
    guard !header.isUTF8 || entry.isASCII || String(validating: header.name, as: UTF8.self) != nil
    else {
      throw .malformed("the name is marked as UTF-8 and is not", offset: header.offset)
    }
    // Without the mark the same bytes are another name, in code page 437.
    guard entry.isASCII || header.isUTF8 == entry.name.utf8.elementsEqual(entry.rawName) else {
      throw .malformed(
        "the local header and the directory disagree on whether the name is UTF-8",
        offset: header.offset)
    }
    guard !header.isEncrypted else {
      throw .unsupported("the member is encrypted; decrypt the archive first")
    }
    guard header.unknownFlags == 0 else {
      throw .unsupported(
        "the member has the flags \(String(header.unknownFlags, radix: 2)), of no known meaning",
        offset: header.offset)
    }
    guard header.method == entry.method else {
      throw .malformed(
        "the local header says method \(header.method), the directory \(entry.method)",
        offset: header.offset)
    }
    try Self.requirePlausible(entry)
    name = entry.name
    byteCount = entry.size
    isDeflated = entry.method == ZIPEntry.deflated
    hasDescriptor = header.hasDescriptor
    crc32 = isChecksummed ? entry.crc32 : nil
    let end = try header.dataOffset.added(to: entry.compressedSize, "the end of the member")
    range = header.offset..<end
    data = try FileSlice(file, header.dataOffset..<end)
  }

  /// Refuses methods that are not read, and sizes that the data cannot have.
  private static func requirePlausible(_ entry: ZIPEntry) throws(TensorIOError) {
    switch entry.method {
    case ZIPEntry.stored:
      guard entry.size == entry.compressedSize else {
        throw .malformed(
          "stored as \(entry.compressedSize) bytes but said to be \(entry.size)")
      }
    case ZIPEntry.deflated:
      let most = entry.compressedSize.multipliedReportingOverflow(by: maximumRatio)
      guard most.overflow || entry.size <= most.partialValue else {
        throw .malformed(
          "\(entry.compressedSize) deflated bytes cannot make the \(entry.size) that are declared")
      }
    default:
      throw .unsupported(
        "compressed with \(methodName(entry.method)); "
          + "write the archive again with stored or deflated members")
    }
  }

  private static func methodName(_ method: UInt16) -> String {
    let names: [UInt16: String] = [
      9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 99: "AES",
    ]
    return names[method].map { "\($0) (method \(method))" } ?? "method \(method)"
  }

  /// Where the data starts in the file.
  public var dataOffset: Int { data.range.lowerBound }

  /// Where the local header starts in the file.
  package var headerOffset: Int { range.lowerBound }

  /// Whether the name says that this is a folder.
  public var isDirectory: Bool { name.hasSuffix("/") && byteCount == 0 }

  /// A part of the member as a source of its own, covered by the member's checksum.
  public func slice(_ range: Range<Int>) -> ZIPMemberSlice { ZIPMemberSlice(self, range) }

  /// The first bytes, or all when there are fewer.
  ///
  /// Not checked against the CRC.
  public func prefix(_ count: Int) throws(TensorIOError) -> [UInt8] {
    let count = min(count, byteCount)
    return try located { () throws(TensorIOError) in
      if !isDeflated {
        let start = data.range.lowerBound
        return try data.file.bytes(start..<start + count)
      }
      return try Inflater.prefix(count, of: data)
    }
  }

  /// The member as a file of its own: a part of the archive when stored, else inflated.
  package func asFile() throws(TensorIOError) -> InputFile {
    isDeflated ? InputFile(try loaded(), from: data.file.path) : InputFile(data)
  }

  public func requireUnchanged() throws(TensorIOError) { try data.requireUnchanged() }
  public var isResident: Bool { !isDeflated }
  public var isChecksummed: Bool { crc32 != nil }

  public func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    isDeflated ? nil : unsafe try data.withResidentBytes(body)
  }

  public func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    try located { () throws(TensorIOError) in
      let found: UInt32
      if isDeflated {
        unsafe try Inflater.inflate(data, into: buffer)
        found = unsafe CRC32.parallel(of: UnsafeRawBufferPointer(buffer))
      } else {
        found = unsafe try CRC32.load(data, into: buffer)
      }
      try requireChecksum(found)
    }
  }

  public func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var crc = CRC32()
    // Only this member's own errors are placed in it; `body` may throw about something else.
    var bodyError: TensorIOError?
    do throws(TensorIOError) {
      let step = { (chunk: Span<UInt8>) throws(TensorIOError) in
        crc.update(chunk)
        do throws(TensorIOError) {
          try body(chunk)
        } catch {
          bodyError = error
          throw error
        }
      }
      if isDeflated {
        try Inflater.stream(data, size: byteCount, step)
      } else {
        try data.stream(step)
      }
      try requireChecksum(crc.value)
    } catch {
      throw bodyError ?? error.located(in: place)
    }
  }

  /// Fills `buffer` with a part of the member, checking all of it.
  fileprivate func load(
    _ part: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard !isDeflated else {
      var position = 0
      return try slice(part).stream { (chunk) throws(TensorIOError) in
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[position...])
        unsafe chunk.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        position += chunk.count
      }
    }
    try located { () throws(TensorIOError) in
      let start = data.range.lowerBound
      var crc = CRC32()
      try FileSlice(data.file, start..<start + part.lowerBound).stream { crc.update($0) }
      let payload = try FileSlice(data.file, start + part.lowerBound..<start + part.upperBound)
      crc.append(unsafe try CRC32.load(payload, into: buffer), length: part.count)
      try FileSlice(data.file, start + part.upperBound..<data.range.upperBound)
        .stream { crc.update($0) }
      try requireChecksum(crc.value)
    }
  }

  func requireChecksum(_ found: UInt32) throws(TensorIOError) {
    guard let crc32, found != crc32 else { return }
    throw .malformed(
      "the CRC-32 of the data is \(CRC32.text(found)), the archive says \(CRC32.text(crc32)); "
        + "the data is damaged")
  }

  /// The file and the member, for errors about its contents.
  public var place: TensorIOError.Place { .init(file: data.file.path, member: name) }

  private func located<R>(
    _ body: () throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    try locating(place, body)
  }
}

/// A part of a member: the payload behind an array's header.
public final class ZIPMemberSlice: ByteSource {
  /// The member.
  public let member: ZIPMember
  /// The part of its bytes after decompression; lies inside the member.
  public let range: Range<Int>

  /// Headers are small; a member that is mostly something else is streamed.
  private static let mostSurroundings = 1 << 20
  private var isDeflated: Bool { member.isDeflated }

  init(_ member: ZIPMember, _ range: Range<Int>) {
    self.member = member
    self.range = range.clamped(to: 0..<member.byteCount)
  }

  public var byteCount: Int { range.count }
  public func requireUnchanged() throws(TensorIOError) { try member.requireUnchanged() }
  public var isResident: Bool { member.isResident }
  public var isChecksummed: Bool { member.isChecksummed }

  public func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    unsafe try member.withResidentBytes { (bytes) throws(TensorIOError) in
      unsafe try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
  }

  public func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    unsafe try member.load(range, into: buffer)
  }

  public func loaded() throws(TensorIOError) -> HeapBytes {
    guard isDeflated, member.byteCount - byteCount <= Self.mostSurroundings else {
      return unsafe try HeapBytes(byteCount: byteCount) { (buffer) throws(TensorIOError) in
        unsafe try load(into: buffer)
      }
    }
    // What surrounds the part is inflated with it, which spares a copy.
    return unsafe try HeapBytes(byteCount: member.byteCount, keeping: range) {
      (buffer) throws(TensorIOError) in
      unsafe try member.load(into: buffer)
    }
  }

  public func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var position = 0
    try member.stream { (chunk) throws(TensorIOError) in
      let start = max(range.lowerBound, position)
      let end = min(range.upperBound, position + chunk.count)
      if start < end { try body(chunk.extracting(start - position..<end - position)) }
      position += chunk.count
    }
  }
}
