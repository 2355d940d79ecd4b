package import ByteIO

extension ZIPArchive {
  /// Whether a file starts as an archive does.
  package static func isArchive(_ head: [UInt8]) -> Bool {
    head.starts(with: [0x50, 0x4b, 3, 4]) || head.starts(with: [0x50, 0x4b, 5, 6])
  }
}

/// The members of an archive by their names.
package struct ZIPMemberIndex: Sendable {
  private var exact: [[UInt8]: ZIPMember] = [:]
  private var folded: [[UInt8]: ZIPMember] = [:]
  /// Names that occur twice.
  package private(set) var findings: [Finding] = []

  /// Of members with one name the first counts, as for PyTorch.
  package init(_ archive: ZIPArchive) {
    exact.reserveCapacity(archive.members.count)
    for member in archive.members where !member.isDirectory {
      let name = Array(member.name.utf8)
      if exact[name] == nil {
        exact[name] = member
      } else {
        findings.append(
          Finding(
            "duplicate-member",
            "the name occurs twice; the first member counts, as for PyTorch; Python takes the last",
            member: member.name, offset: member.dataOffset))
      }
      let key = Self.fold(name)
      if folded[key] == nil {
        folded[key] = member
      } else if exact[name] === member {
        findings.append(
          Finding(
            "duplicate-member", "two names differ in upper and lower case only",
            member: member.name, offset: member.dataOffset))
      }
    }
  }

  /// The member with this name; PyTorch ignores the case of ASCII letters, and so does this where no
  /// member has the very name.
  package subscript(name: String) -> ZIPMember? {
    let bytes = Array(name.utf8)
    return exact[bytes] ?? folded[Self.fold(bytes)]
  }

  private static func fold(_ name: [UInt8]) -> [UInt8] {
    name.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
  }
}
