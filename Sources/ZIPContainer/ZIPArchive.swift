public import ByteIO

/// An archive opened for reading: its members in the order of the directory, each checked against
/// its local header and against the others.
public struct ZIPArchive: Sendable {
  /// The members, directory entries included.
  public let members: [ZIPMember]
  /// What was odd and accepted.
  public let findings: [Finding]
  /// Whether every checksum is 0, as PyTorch writes it after `set_crc32_options(False)`: then none is
  /// compared.
  public let lacksChecksums: Bool
  /// Where the directory starts in the file.
  let directoryOffset: Int

  /// Reads the directory of a file.
  ///
  /// Nothing is decompressed.
  /// - Throws: `malformed` when the directory cannot be read, members overlap or reach past the
  ///   file, or a local header names another member; `unsupported` for encrypted members and
  ///   methods other than stored and deflated; `limit` for too many members.
  public init(_ file: InputFile, limits: DecodingLimits) throws(TensorIOError) {
    try self.init(file, limits: limits, checkMeanwhile: nil)
  }

  /// Reads the directory of a file, and hands the second reading of it to the caller, who may do
  /// other work meanwhile and has to see it pass before the archive is used.
  package init(
    _ file: InputFile, limits: DecodingLimits,
    checkMeanwhile: ((@escaping @Sendable () throws(TensorIOError) -> Void) -> Void)?
  ) throws(TensorIOError) {
    let window = FileWindow(file)
    let layout: ZIPDirectoryLayout
    do throws(TensorIOError) {
      layout = try ZIPDirectoryLayout(file)
    } catch {
      throw ZIPUndo.explained(error, of: file.path)
    }
    var entries = layout.entries
    guard entries.count <= limits.memberCount else {
      throw .limit(
        "the number of members", entries.count, over: limits.memberCount, raise: "memberCount")
    }
    if let checkMeanwhile, entries.allSatisfy(\.isASCII) {
      checkMeanwhile { () throws(TensorIOError) in
        _ = try Self.agreedEntries(layout.entries, FileWindow(file))
      }
    } else {
      entries = try Self.agreedEntries(entries, window)
    }
    let lacksChecksums =
      entries.contains { $0.size > 0 } && entries.allSatisfy { $0.crc32 == 0 }
    var members: [ZIPMember] = []
    members.reserveCapacity(entries.count)
    var findings: [Finding] = []
    if lacksChecksums {
      findings.append(
        Finding(.noChecksums, "every CRC-32 is 0: damage to the data would not be noticed"))
    }
    for entry in entries {
      try locating(.init(member: entry.name)) { () throws(TensorIOError) in
        let header = try ZIPLocalHeader(window, at: entry.headerOffset ?? 0)
        members.append(try ZIPMember(file, entry, header, isChecksummed: !lacksChecksums))
        findings += Self.disagreements(of: header, with: entry)
      }
    }
    try Self.requireDisjoint(members, before: layout.directory.lowerBound)
    self.lacksChecksums = lacksChecksums
    self.members = members
    directoryOffset = layout.directory.lowerBound
    self.findings = findings + Self.unaccounted(members, layout, file)
  }

  /// The entries of our own reading with the names of libzip's, when both say the same.
  private static func agreedEntries(
    _ entries: [ZIPEntry], _ window: FileWindow
  ) throws(TensorIOError) -> [ZIPEntry] {
    let directory = try ZIPDirectory(window)
    guard directory.count == entries.count else {
      throw .malformed("two readings of the directory find different members")
    }
    var agreed: [ZIPEntry] = []
    agreed.reserveCapacity(entries.count)
    for (index, own) in entries.enumerated() {
      let other = try directory.entry(index)
      guard other.headerOffset == nil || other.headerOffset == own.headerOffset,
        other.rawName == own.rawName, other.size == own.size, other.crc32 == own.crc32,
        other.compressedSize == own.compressedSize, other.method == own.method
      else {
        throw TensorIOError(
          .malformed, "two readings of the directory describe the member differently",
          at: .init(member: other.name))
      }
      agreed.append(
        ZIPEntry(
          name: other.name, rawName: own.rawName, method: own.method, crc32: own.crc32,
          compressedSize: own.compressedSize, size: own.size, headerOffset: own.headerOffset))
    }
    return agreed
  }

  /// How many bytes belong to the data descriptor behind a member, where the next thing is `rest` bytes
  /// away.
  static func descriptorBytes(_ member: ZIPMember, in rest: Int) -> Int {
    // CRC and sizes, of 32 or 64 bits, with or without a signature.
    member.hasDescriptor && descriptorSizes.contains(rest) ? rest : 0
  }

  /// Bytes that belong to nothing: in front of, between and behind the members, behind the end.
  private static func unaccounted(
    _ members: [ZIPMember], _ layout: ZIPDirectoryLayout, _ file: InputFile
  ) -> [Finding] {
    var findings: [Finding] = []
    var position = 0
    func note(_ count: Int, _ what: String) {
      findings.append(Finding(.zipUnaccountedBytes, "\(count) bytes \(what)", offset: position))
    }
    let ordered = Self.ordered(members)
    for (index, member) in ordered.enumerated() {
      let gap = member.range.lowerBound - position
      if gap > 0 { note(gap, "in front of '\(member.name.escapedForDisplay)' belong to no member") }
      position = member.range.upperBound
      let next = index + 1 < ordered.count ? ordered[index + 1].range : layout.directory
      position += descriptorBytes(member, in: next.lowerBound - position)
    }
    let gap = layout.directory.lowerBound - position
    if gap > 0 { note(gap, "in front of the directory belong to no member") }
    position = layout.end.upperBound
    if position < file.byteCount { note(file.byteCount - position, "follow the archive") }
    return findings
  }

  /// Facts that the local header states otherwise than the directory.
  ///
  /// Every reader of files goes by the directory, so they are noted; a writer of streams leaves
  /// them open (bit 3).
  private static func disagreements(
    of header: ZIPLocalHeader, with entry: ZIPEntry
  ) -> [Finding] {
    guard !header.hasDescriptor else { return [] }
    var facts: [String] = []
    if header.crc32 != entry.crc32 { facts.append("CRC-32") }
    if header.size != UInt64(entry.size) { facts.append("size") }
    if header.compressedSize != UInt64(entry.compressedSize) { facts.append("compressed size") }
    if facts.isEmpty { return [] }
    return [
      Finding(
        .zipHeaderMismatch,
        "the local header and the directory disagree on \(facts.joined(separator: ", "))",
        member: entry.name, offset: entry.headerOffset)
    ]
  }

  /// The members by their place in the file, which nearly always is the order of the directory.
  static func ordered(_ members: [ZIPMember]) -> [ZIPMember] {
    var last = -1
    for member in members {
      guard member.range.lowerBound >= last else {
        return members.sorted { $0.range.lowerBound < $1.range.lowerBound }
      }
      last = member.range.lowerBound
    }
    return members
  }

  /// Refuses members that share bytes: overlapping members are how small archives unpack to
  /// terabytes.
  private static func requireDisjoint(
    _ members: [ZIPMember], before directory: Int
  ) throws(TensorIOError) {
    let ordered = Self.ordered(members)
    for (left, right) in zip(ordered, ordered.dropFirst())
    where right.range.lowerBound < left.range.upperBound {
      throw TensorIOError(
        .malformed, "the member overlaps '\(left.name.escapedForDisplay)'",
        at: .init(member: right.name, offset: right.range.lowerBound))
    }
    if let last = ordered.last, last.range.upperBound > directory {
      throw TensorIOError(
        .malformed, "the member reaches into the directory",
        at: .init(member: last.name, offset: last.range.lowerBound))
    }
  }
}
