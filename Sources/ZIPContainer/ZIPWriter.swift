public import ByteIO

/// Writes an archive in one pass: stored members with their data at multiples of 64, or deflated
/// ones, compressed in blocks on all cores.
///
/// The same members give the same bytes on every machine.
public final class ZIPWriter {
  /// Takes the next bytes of a member.
  public typealias Sink = (Span<UInt8>) throws(TensorIOError) -> Void

  private let file: any ZIPOutput
  private let deflater: BlockDeflater?
  private var members: [ZIPMemberRecord] = []
  /// Compressed members are written in order while later ones are still being read.
  private var pending: [DeflateBlock] = []
  private var pendingBytes = 0

  /// Where the members are in the file, as far as they are written.
  var extents: [Range<Int>] {
    members.map { $0.headerOffset..<$0.headerOffset + $0.localHeader.count + $0.compressedSize }
  }

  /// Creates a writer.
  /// - Parameter level: the deflate level from 1 to 12, or nil to store.
  public convenience init(_ file: AtomicFile, level: Int? = nil) {
    self.init(appendingTo: file, level: level)
  }

  /// Creates a writer that goes on behind what was written.
  init(appendingTo file: any ZIPOutput, level: Int?) {
    self.file = file
    deflater = level.map(BlockDeflater.init)
  }

  /// Adds a member of exactly `byteCount` bytes, which `body` hands to its sink.
  /// - Throws: `invalidArgument` for a name past 65,535 bytes; what `body` throws.
  public func add(
    _ name: String, byteCount: Int, _ body: (Sink) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    guard name.utf8.count <= Int(UInt16.max) else {
      throw .invalidArgument("the name has \(name.utf8.count) bytes; ZIP holds 65,535")
    }
    members.append(ZIPMemberRecord(name: name, size: byteCount, isDeflated: deflater != nil))
    let index = members.count - 1
    var written = 0
    if let deflater {
      var block = DeflateBlock(member: index)
      try body { (bytes) throws(TensorIOError) in
        written += bytes.count
        try append(bytes, to: &block, deflater)
      }
      block.isLast = true
      try enqueue(block, deflater)
    } else {
      try beginMember(index, reserving: byteCount)
      var crc = CRC32()
      try body { (bytes) throws(TensorIOError) in
        crc.update(bytes)
        written += bytes.count
        try file.write(bytes)
      }
      members[index].compressedSize = written
      try endMember(index, crc: crc.value)
    }
    guard written == byteCount else {
      throw TensorIOError(.io, "\(written) bytes came for a member of \(byteCount)")
    }
  }

  /// Writes the directory.
  ///
  /// Nothing can be added afterwards.
  public func finish() throws(TensorIOError) {
    let headers = try finishMembers()
    let start = file.byteCount
    var directory: [UInt8] = []
    for header in headers { directory += header }
    directory +=
      ZIPEndRecord(
        count: members.count, directoryOffset: start, directoryBytes: directory.count
      ).bytes
    try file.reserve(directory.count)
    try file.write(directory.span)
  }

  /// Writes what was held back, and leaves the directory to the caller.
  /// - Returns: the members' entries in it.
  func finishMembers() throws(TensorIOError) -> [[UInt8]] {
    if let deflater { try flush(deflater) }
    return members.map(\.centralHeader)
  }

  // MARK: Stored and common

  private func beginMember(_ index: Int, reserving byteCount: Int? = nil) throws(TensorIOError) {
    members[index].headerOffset = file.byteCount
    let header = members[index].localHeader
    if let byteCount { try file.reserve(header.count + byteCount) }
    try file.write(header.span)
  }

  /// Writes the header again, now that sizes and checksum are known.
  private func endMember(_ index: Int, crc: UInt32) throws(TensorIOError) {
    members[index].crc32 = crc
    try file.write(members[index].localHeader.span, at: members[index].headerOffset)
  }

  // MARK: Deflated

  private func append(
    _ bytes: Span<UInt8>, to block: inout DeflateBlock, _ deflater: BlockDeflater
  ) throws(TensorIOError) {
    var position = 0
    while position < bytes.count {
      if block.bytes.count == DeflateBlock.byteCount {
        // A full block is sent on when more follows, so the last block of a member is never empty.
        try enqueue(block, deflater)
        block = DeflateBlock(member: block.member, isFirst: false)
      }
      let end = min(position + DeflateBlock.byteCount - block.bytes.count, bytes.count)
      unsafe bytes.extracting(position..<end).withUnsafeBytes {
        unsafe block.bytes.append(contentsOf: $0)
      }
      position = end
    }
  }

  private func enqueue(
    _ block: DeflateBlock, _ deflater: BlockDeflater
  ) throws(TensorIOError) {
    pending.append(block)
    pendingBytes += block.bytes.count
    let target = 2 * Parallel.coreCount * DeflateBlock.byteCount
    if pendingBytes >= target || pending.count >= 1024 { try flush(deflater) }
  }

  private func flush(_ deflater: BlockDeflater) throws(TensorIOError) {
    let blocks = pending
    let results = ResultSlots<[UInt8]>(count: blocks.count, initial: [])
    try Parallel.forEach(blocks.count) { (index) throws(TensorIOError) in
      results[index] = try deflater.compress(blocks[index])
    }
    for (block, bytes) in zip(blocks, results.all) {
      let member = block.member
      if block.isFirst { try beginMember(member) }
      try file.write(bytes.span)
      members[member].compressedSize += bytes.count
      members[member].crc32 = CRC32.joined(
        members[member].crc32, CRC32.of(block.bytes.span), length: block.bytes.count)
      if block.isLast { try endMember(member, crc: members[member].crc32) }
    }
    pending = []
    pendingBytes = 0
  }
}
