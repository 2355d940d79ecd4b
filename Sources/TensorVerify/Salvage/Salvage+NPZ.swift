internal import ByteIO
internal import NumPyFormat
internal import TensorIO
internal import ZIPContainer

extension Salvage {
  /// Salvages an npz archive: the members that are whole and can be read, and the beginning of the
  /// one that is cut.
  init(
    npz zip: ZIPSalvage, _ opened: OpenedFile, _ options: Options
  ) throws(TensorIOError) {
    var lost = zip.lost.map { Lost(key: Self.key($0.name), $0) }
    var keys: Set<ByteKey> = []
    var readable: [ZIPMember] = []
    for member in zip.members where !member.isDirectory {
      do throws(TensorIOError) {
        let one = try Self.read([member], opened)
        let key = one.values.children(of: one.values.root)?.first?.key ?? member.name
        guard keys.insert(ByteKey(key)).inserted else {
          throw .malformed("an intact member in front of it has the same name, and is kept")
        }
        readable.append(member)
      } catch {
        guard error.code != .io else { throw error }
        lost.append(
          Lost(
            name: Self.key(member.name), member: member.name, offset: member.headerOffset,
            reason: error.reason))
      }
    }
    self.init(try Self.read(readable, opened))
    kept = archive.names
    isAllKnown = zip.hasDirectory
    if let cut = zip.cut, !keys.contains(ByteKey(Self.key(cut.name))) {
      try keepRows(of: cut, options, &lost)
    }
    self.lost = lost.sorted { ($0.offset ?? 0) < ($1.offset ?? 0) }
    guard !archive.values.isEmptyDictionary else {
      throw .malformed(
        self.lost.isEmpty
          ? "the archive has no members" : "no member is intact: " + Self.summary(self.lost))
    }
    let others = archive.otherValues.count
    if others > 0 { notes.append("kept as bytes: \(others) members that are no arrays") }
    if !isAllKnown {
      notes.append(
        "the directory of the archive is damaged or cut off; members of which nothing else is left "
          + "are not known")
    }
  }

  private static func read(
    _ members: [ZIPMember], _ opened: OpenedFile
  ) throws(TensorIOError) -> TensorArchive {
    // What was found stands in for what reading the directory would find.
    let found = try OpenedFile(opened.file, options: opened.options)
    _ = try found.once { ZIPArchive(salvaged: members) }
    return try NPZFormat.read(found)
  }

  /// Adds the leading rows of the member that the end of the file cuts, or says that they are there.
  private mutating func keepRows(
    of cut: ZIPSalvage.Cut, _ options: Options, _ lost: inout [Lost]
  ) throws(TensorIOError) {
    let rows: NPYLeadingRows
    do throws(TensorIOError) {
      rows = try NPYLeadingRows(
        try cut.bytes(limits: options.reading.limits), options: options.reading)
    } catch {
      guard error.code != .io else { throw error }
      return
    }
    guard let index = lost.firstIndex(where: { $0.offset == cut.offset }) else { return }
    guard options.keepsPartial else {
      lost[index] = lost[index].adding(Self.hint(rows))
      return
    }
    lost.remove(at: index)
    let name = Self.key(cut.name)
    var values = archive.values
    guard case .dictionary(let pairs) = values[values.root] else { return }
    let pair = (key: values.add(.string(name)), value: values.add(.tensor(rows.tensor)))
    values.replace(values.root, with: .dictionary(pairs + [pair]))
    archive = try archive.replacing(values)
    partial = [Partial(rows, name: name)]
  }

  /// The name that NumPy gives an array in a member.
  private static func key(_ member: String) -> String {
    member.hasSuffix(".npy") ? String(member.dropLast(4)) : member
  }

  /// The first of what is lost, for an error.
  static func summary(_ lost: [Lost]) -> String {
    let shown = lost.prefix(3).map { lost in
      "'\((lost.member ?? lost.name ?? "").escapedForDisplay)' \(lost.reason)"
    }
    return shown.joined(separator: "; ")
      + (lost.count > shown.count ? "; and \(lost.count - shown.count) more" : "")
  }
}

extension Salvage.Lost {
  init(key: String?, _ lost: ZIPSalvage.Lost) {
    self.init(name: key, member: lost.name, offset: lost.offset, reason: lost.reason)
  }

  /// The same with a further sentence.
  fileprivate func adding(_ sentence: String) -> Salvage.Lost {
    Salvage.Lost(name: name, member: member, offset: offset, reason: "\(reason); \(sentence)")
  }
}

extension ValueGraph {
  fileprivate var isEmptyDictionary: Bool {
    if case .dictionary(let pairs) = self[root] { return pairs.isEmpty }
    return false
  }
}
