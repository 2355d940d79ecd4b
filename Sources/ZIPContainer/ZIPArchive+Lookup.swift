package import ByteIO

extension ZIPArchive {
  /// Whether a file starts as an archive does.
  package static func isArchive(_ head: [UInt8]) -> Bool {
    head.starts(with: [0x50, 0x4b, 3, 4]) || head.starts(with: [0x50, 0x4b, 5, 6])
  }
}

/// The members of an archive by their names.
package struct ZIPMemberIndex: Sendable {
  private var exact: [ByteKey: ZIPMember] = [:]
  /// Members whose names have letters of upper case, by their names without.
  private var folded: [ByteKey: ZIPMember] = [:]
  /// The members in order, when names differ in case only.
  private var twins: [ZIPMember] = []
  /// Names that occur twice.
  package private(set) var findings: [Finding] = []

  /// Whether names differ in upper and lower case only.
  package var hasTwins: Bool { !twins.isEmpty }

  /// Of members with one name the first counts, as for PyTorch.
  package init(_ archive: ZIPArchive) {
    exact.reserveCapacity(archive.members.count)
    for member in archive.members where !member.isDirectory {
      let name = ByteKey(member.name)
      guard exact[name] == nil else {
        findings.append(
          Finding(
            "duplicate-member",
            "the name occurs twice; the first member counts, as for PyTorch; Python takes the last",
            member: member.name, offset: member.dataOffset))
        continue
      }
      exact[name] = member
    }
    // Names without letters of upper case fold to themselves.
    for member in archive.members where Self.hasUpper(member.name) {
      let key = Self.fold(member.name)
      if exact[key] != nil || folded[key] != nil {
        findings.append(
          Finding(
            "duplicate-member",
            "two names differ in upper and lower case only; the first counts, as for PyTorch",
            member: member.name, offset: member.dataOffset))
        if twins.isEmpty { twins = archive.members.filter { !$0.isDirectory } }
      }
      if folded[key] == nil { folded[key] = member }
    }
  }

  /// The member with this name; PyTorch ignores the case of ASCII letters, and so does this where no
  /// member has the very name.
  package subscript(name: String) -> ZIPMember? {
    if !twins.isEmpty {
      let key = Self.fold(name)
      return twins.first { Self.fold($0.name) == key }
    }
    return exact[ByteKey(name)] ?? exact[Self.fold(name)] ?? folded[Self.fold(name)]
  }

  private static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) }

  private static func hasUpper(_ name: String) -> Bool {
    let bytes = name.utf8.span
    for index in bytes.indices where isUpper(bytes[index]) { return true }
    return false
  }

  private static func fold(_ name: String) -> ByteKey {
    guard hasUpper(name) else { return ByteKey(name) }
    return ByteKey(
      String(decoding: name.utf8.map { isUpper($0) ? $0 + 0x20 : $0 }, as: UTF8.self))
  }
}
