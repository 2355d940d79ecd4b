internal import ByteIO
internal import TensorIO
internal import TorchFormat
internal import ZIPContainer

/// The intact members of a PyTorch archive, its pickle first, each name once.
struct TorchMembers {
  /// The folder of the records, with its slash.
  let folder: String
  private(set) var members: [ZIPMember] = []
  /// Intact members whose name another in front of them has.
  private(set) var duplicates: [ZIPMember] = []

  /// The members, or nil when this is another archive.
  init?(_ zip: ZIPSalvage) {
    guard let folder = TorchSalvage.folder(of: zip.members.map(\.name) + zip.lost.map(\.name))
    else { return nil }
    self.folder = folder
    var names: Set<ByteKey> = []
    // PyTorch ignores the case of names.
    for member in zip.members where !member.isDirectory {
      if names.insert(ZIPMemberIndex.fold(member.name)).inserted {
        members.append(member)
      } else {
        duplicates.append(member)
      }
    }
    if let index = members.firstIndex(where: { $0.name == folder + "data.pkl" }) {
      members.insert(members.remove(at: index), at: 0)
    }
  }

  /// Whether the pickle is intact, without which nothing has a name.
  var hasPickle: Bool { members.first?.name == folder + "data.pkl" }
}

extension Salvage {
  /// Salvages a PyTorch archive: all of the pickle, and the tensors whose storages are whole.
  init(
    torch records: TorchMembers, _ zip: ZIPSalvage, _ options: Options
  ) throws(TensorIOError) {
    let pickle = records.folder + "data.pkl"
    guard records.hasPickle else {
      let reason = zip.lost.first { $0.name == pickle }?.reason ?? "it is not in the file"
      let storages = records.members.filter { $0.name.hasPrefix(records.folder + "data/") }
      throw TensorIOError(
        .malformed,
        "the pickle, which names the tensors, is lost: \(reason); \(storages.count) storages of "
          + "\(storages.reduce(0) { $0 + $1.byteCount }) bytes are intact and have no names",
        at: .init(member: pickle))
    }
    let reading = try TorchSalvage.read(
      ZIPArchive(salvaged: records.members), options: options.reading)
    self.init(reading.archive)
    let lostRecords = Dictionary(
      zip.lost.map { (ByteKey($0.name), $0) }, uniquingKeysWith: { first, _ in first })
    lost = reading.lost.map { tensor in
      let record = lostRecords[ByteKey(tensor.record)]
      let reason = tensor.reason ?? record?.reason ?? "the file has no such record"
      return Lost(
        name: tensor.name, member: tensor.record.isEmpty ? nil : tensor.record,
        offset: record?.offset,
        reason: tensor.isReplaced ? reason + "; something without data has its place" : reason)
    }
    let names = Set(lost.compactMap { $0.name.map(ByteKey.init) })
    kept = archive.names.filter { !names.contains(ByteKey($0)) }
    guard !kept.isEmpty || lost.isEmpty || !archive.otherValues.isEmpty else {
      throw .malformed("no tensor is intact: " + Self.summary(lost))
    }
    note(records, zip)
  }

  /// What does not matter to the tensors.
  private mutating func note(_ records: TorchMembers, _ zip: ZIPSalvage) {
    let used = Set(lost.compactMap { $0.member.map(ByteKey.init) })
    for record in zip.lost where !used.contains(ByteKey(record.name)) {
      notes.append(
        "'\(record.name.escapedForDisplay)' is lost, which no tensor needs: \(record.reason)")
      if record.name == records.folder + "byteorder" {
        notes.append("little-endian is assumed, as on all machines that run PyTorch today")
      }
    }
    for member in records.duplicates {
      notes.append(
        "another '\(member.name.escapedForDisplay)' at byte \(member.headerOffset) is left out; the "
          + "first intact one counts")
    }
    if !zip.hasDirectory { notes.append("the directory of the archive is damaged or cut off") }
  }
}
