package import ByteIO

extension ZIPArchive {
  /// Whether a file starts as an archive does.
  package static func isArchive(_ head: [UInt8]) -> Bool {
    head.starts(with: [0x50, 0x4b, 3, 4]) || head.starts(with: [0x50, 0x4b, 5, 6])
  }
}

/// The members of an archive by their names, in which PyTorch ignores the case of ASCII letters.
package struct ZIPMemberIndex: Sendable {
  /// The members by their names in lower case; nil where a name occurs twice.
  private var members: [ByteKey: ZIPMember?] = [:]
  /// The members whose names occurred before.
  package private(set) var findings: [Finding] = []

  /// Whether any name occurs twice.
  package var hasDuplicates: Bool { !findings.isEmpty }

  package init(_ archive: ZIPArchive) {
    members.reserveCapacity(archive.members.count)
    for member in archive.members where !member.isDirectory {
      let name = Self.fold(member.name)
      if let known = members.updateValue(member, forKey: name) {
        members[name] = .some(nil)
        let isSame = known.map { ByteKey($0.name) == ByteKey(member.name) } ?? true
        findings.append(
          Finding(
            .duplicateMember,
            isSame
              ? "the archive has another member of this name"
              : "the name differs from another member's in upper and lower case only",
            member: member.name, offset: member.dataOffset))
      }
    }
  }

  /// Whether there is a member with this name.
  package func contains(_ name: String) -> Bool { members[Self.fold(name)] != nil }

  /// The member with this name, or nil when there is none.
  /// - Throws: `malformed` when there are several: PyTorch takes one or another of them, depending on
  ///   how many members the archive has, and Python the last.
  package func member(_ name: String) throws(TensorIOError) -> ZIPMember? {
    guard let found = members[Self.fold(name)] else { return nil }
    guard let member = found else {
      throw TensorIOError(
        .malformed,
        "the archive has several members of this name (upper and lower case are the same to "
          + "PyTorch), and readers disagree on which one counts", at: .init(member: name))
    }
    return member
  }

  private static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) }

  /// A name in lower case; one without letters of upper case folds to itself.
  package static func fold(_ name: String) -> ByteKey {
    let bytes = name.utf8.span
    for index in bytes.indices where isUpper(bytes[index]) {
      return ByteKey(
        String(decoding: name.utf8.map { isUpper($0) ? $0 + 0x20 : $0 }, as: UTF8.self))
    }
    return ByteKey(name)
  }
}
