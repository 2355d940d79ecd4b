package import ByteIO

/// What is intact in a damaged archive, found by its local headers; the directory only helps where
/// it is there.
///
/// A member counts when all of its data has the CRC-32 that some record of the archive gives it.
package struct ZIPSalvage {
  /// A member that is not intact.
  package struct Lost: Sendable {
    package let name: String
    /// Where its local header is or should be.
    package let offset: Int
    package let reason: String
  }

  /// The data of a member that ends with the file, in front of its own end.
  package struct Cut: Sendable {
    package let name: String
    package let offset: Int
    /// Whether the data is deflated.
    package let isDeflated: Bool
    /// What is left of the data, as it lies in the file.
    package let data: FileSlice
  }

  /// The intact members, in the order of the file.
  package let members: [ZIPMember]
  /// The members of which it is known that they are lost.
  package let lost: [Lost]
  /// The last of the lost ones, where the end of the file cuts it.
  package let cut: Cut?
  /// Whether the directory is whole and all was looked at, so that every member is known.
  package let hasDirectory: Bool
  /// Looks for members.
  /// - Throws: `limit` for more signatures than members allowed; `io`.
  package init(_ file: InputFile, limits: DecodingLimits) throws(TensorIOError) {
    let places = try ZIPSignatures(file, limits: limits)
    let directory = try ZIPEntries(file, places)
    var walk = ZIPSalvageWalk(
      file, directory, try ZIPDescriptors(FileWindow(file), places))
    for place in places.headers { try walk.visit(place) }
    try walk.visitEntries()
    members = walk.members.sorted { $0.range.lowerBound < $1.range.lowerBound }
    lost = walk.lost.sorted { $0.offset < $1.offset }
    cut = walk.cut
    hasDirectory = directory.isComplete && !walk.isExhausted
  }
}

extension ZIPArchive {
  /// An archive of members that were found without a directory.
  package init(salvaged members: [ZIPMember]) {
    self.members = members
    findings = []
    lacksChecksums = false
    directoryOffset = members.last?.range.upperBound ?? 0
  }
}

extension ZIPSalvage.Cut {
  /// The beginning of the data, inflated where it is deflated, as far as it goes.
  /// - Throws: `limit` when that is more than `limits.decodedBytes`.
  package func bytes(limits: DecodingLimits) throws(TensorIOError) -> any ByteSource {
    guard isDeflated else { return data }
    var bytes: [UInt8] = []
    let stream = try InflateStream()
    do throws(TensorIOError) {
      try data.stream { (input) throws(TensorIOError) in
        try stream.feed(input) { (output) throws(TensorIOError) in
          guard output.count <= limits.decodedBytes - bytes.count else {
            throw .limit(
              "the size of the member", bytes.count + output.count, over: limits.decodedBytes,
              raise: "decodedBytes")
          }
          bytes.append(contentsOf: output.array)
          return true
        }
      }
    } catch {
      // Damage ends it; what came before is what was asked for.
      guard error.code == .malformed else { throw error }
    }
    return try HeapBytes(bytes.span)
  }
}
