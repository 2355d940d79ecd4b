package import ByteIO

/// Adds, replaces and removes members of an archive in place.
///
/// Members that stay are not touched, and neither are their entries in the directory. New ones are
/// written over the old directory, whose bytes lie in an undo file until the new one is complete: see
/// `ZIPUndo`. From the first write on the archive has no end record until its last byte is written, so
/// that nobody takes half an edit for a whole one.
package final class ZIPEditor {
  /// An entry of the new directory.
  private enum Slot {
    /// A member that stays, by its number in the old directory.
    case kept(Int)
    /// One that was written, by its number.
    case written(Int)
    case removed
  }

  /// What happened to an edit that was interrupted.
  package enum Recovery: Sendable {
    /// The archive is as before that edit.
    case undone
    /// The edit had been written whole.
    case completed
  }

  /// The archive as it was opened.
  package let archive: ZIPArchive
  /// What was found of an earlier edit and mended.
  package let recovery: Recovery?

  private let file: InPlaceFile
  private let original: ZIPDirectoryBytes
  private let output: FileTail
  private let writer: ZIPWriter
  private var slots: [Slot]
  private var undo: ZIPUndo?
  private var writtenCount = 0
  private var isChanged = false

  /// Opens an archive, and mends it where an edit of it was interrupted.
  package init(
    path: String, level: Int?, limits: DecodingLimits,
    willChange: ((InPlaceFile.Change) throws(TensorIOError) -> Void)? = nil
  ) throws(TensorIOError) {
    let file = try InPlaceFile(path: path)
    file.willChange = willChange
    self.file = file
    recovery = try Self.recover(file, limits)
    let input = try file.reading()
    archive = try locating(.init(file: path)) { () throws(TensorIOError) in
      try ZIPArchive(input, limits: limits)
    }
    original = try locating(.init(file: path)) { () throws(TensorIOError) in
      try ZIPDirectoryBytes(input)
    }
    output = FileTail(of: file, from: original.offset)
    writer = ZIPWriter(appendingTo: output, level: level)
    slots = archive.members.indices.map { .kept($0) }
  }

  deinit { cancel() }

  /// The members as they will be: the number of an old one, or nil for one that was written.
  package var members: [(slot: Int, old: ZIPMember?)] {
    slots.enumerated().compactMap { index, slot in
      switch slot {
      case .kept(let number): (index, archive.members[number])
      case .written: (index, nil)
      case .removed: nil
      }
    }
  }

  /// Writes a member behind the others.
  ///
  /// An error takes the whole edit back.
  /// - Parameter slot: the place in the directory of the member that it replaces; nil for a new one.
  /// - Returns: its place in the directory.
  @discardableResult
  package func write(
    _ name: String, byteCount: Int, replacing slot: Int? = nil,
    _ body: (ZIPWriter.Sink)
      throws(TensorIOError) -> Void
  ) throws(TensorIOError) -> Int {
    try requireOpen()
    do throws(TensorIOError) {
      try begin()
      try writer.add(name, byteCount: byteCount, body)
    } catch {
      try takeBack(after: error)
    }
    let written = Slot.written(writtenCount)
    writtenCount += 1
    guard let slot else {
      slots.append(written)
      return slots.count - 1
    }
    slots[slot] = written
    return slot
  }

  /// Takes a member out of the directory.
  package func remove(slot: Int) throws(TensorIOError) {
    try requireOpen()
    slots[slot] = .removed
    isChanged = true
  }

  /// Writes the directory and closes the archive.
  /// - Returns: the bytes of the archive that belong to no member any more.
  package func commit(synced: Bool) throws(TensorIOError) -> Int {
    try requireOpen()
    guard isChanged || writtenCount > 0 else {
      file.close()
      return unused(behind: original.offset)
    }
    do throws(TensorIOError) {
      try begin()
      let written = try writer.finishMembers()
      let entries = entries(written)
      let start = output.byteCount
      try output.write(directory(of: entries, at: start).span)
      if synced { try file.synchronize() }
      try ZIPUndo.file(of: file.path).remove(synced: synced)
      undo = nil
      let end = try moveForward(entries, from: start, synced: synced)
      file.close()
      return unused(behind: end)
    } catch {
      try takeBack(after: error)
    }
  }

  /// Takes the edit back and closes the archive.
  package func cancel() {
    guard file.isOpen else { return }
    try? restore()
    file.close()
  }

  // MARK: Steps

  private func requireOpen() throws(TensorIOError) {
    guard file.isOpen else {
      throw TensorIOError(
        .invalidArgument, "the edit has ended; open the archive again", at: .init(file: file.path))
    }
  }

  /// Keeps the end of the archive, and then cuts it off.
  private func begin() throws(TensorIOError) {
    guard undo == nil else { return }
    try save(from: original.offset, unchangedTo: original.offset)
    try file.truncate(to: original.offset)
  }

  private func save(from offset: Int, unchangedTo end: Int) throws(TensorIOError) {
    let undo = try ZIPUndo(of: try file.reading(), from: offset, unchangedTo: end)
    try ZIPUndo.file(of: file.path).write(undo.bytes.span)
    self.undo = undo
  }

  private func takeBack(after first: TensorIOError) throws(TensorIOError) -> Never {
    do throws(TensorIOError) {
      try restore()
    } catch {
      file.close()
      throw TensorIOError(
        first.code,
        "\(first.reason); taking the edit back failed too (\(error.reason)): tensorio append "
          + "--recover will do it",
        at: first.located(in: .init(file: file.path)).place)
    }
    file.close()
    throw first.located(in: .init(file: file.path))
  }

  private func restore() throws(TensorIOError) {
    guard let undo else { return }
    try undo.restore(file, synced: true)
    try ZIPUndo.file(of: file.path).remove(synced: false)
    self.undo = nil
  }

  /// Moves the directory over members that were removed right in front of it.
  ///
  /// Nobody needs their bytes any more, so this is an edit of its own, in which no member changes.
  /// - Returns: where the directory begins then.
  private func moveForward(
    _ entries: [[UInt8]], from start: Int, synced: Bool
  ) throws(TensorIOError) -> Int {
    let kept = keptMembers
    var end = start
    if writtenCount == 0 {
      let ordered = ZIPArchive.ordered(archive.members)
      for (index, member) in ordered.enumerated().reversed() {
        let next = index + 1 < ordered.count ? ordered[index + 1].range.lowerBound : original.offset
        let upper = member.range.upperBound
        guard upper + ZIPArchive.descriptorBytes(member, in: next - upper) == end,
          !kept.contains(member.range.lowerBound)
        else { break }
        end = member.range.lowerBound
      }
    }
    guard end < start else { return start }
    if end == 0 {
      // Restored from an undo file, an archive without members would begin with a hole, and would not
      // be known for one.
      do throws(TensorIOError) {
        let empty = try AtomicFile(path: file.path)
        try empty.write(directory(of: entries, at: 0).span)
        try empty.commit(synced: synced)
        return 0
      } catch {
        // The edit itself is done; bytes that nobody needs stay.
        return start
      }
    }
    do throws(TensorIOError) {
      try save(from: start, unchangedTo: end)
      try file.truncate(to: end)
      try file.write(directory(of: entries, at: end).span, at: end)
      if synced { try file.synchronize() }
      try ZIPUndo.file(of: file.path).remove(synced: synced)
      undo = nil
      return end
    } catch {
      // The edit itself is done; bytes that nobody needs stay.
      try restore()
      return start
    }
  }

  // MARK: The directory

  /// Where the members that stay begin.
  private var keptMembers: Set<Int> {
    Set(
      slots.compactMap { slot in
        if case .kept(let number) = slot { return archive.members[number].range.lowerBound }
        return nil
      })
  }

  private func entries(_ written: [[UInt8]]) -> [[UInt8]] {
    slots.compactMap { slot in
      switch slot {
      case .kept(let number): original.entries[number]
      case .written(let number): written[number]
      case .removed: nil
      }
    }
  }

  private func directory(of entries: [[UInt8]], at offset: Int) -> [UInt8] {
    let bytes = entries.flatMap { $0 }
    return bytes
      + ZIPEndRecord(
        count: entries.count, directoryOffset: offset, directoryBytes: bytes.count,
        comment: original.comment
      ).bytes
  }

  /// The bytes in front of the directory that belong to no member.
  private func unused(behind directoryOffset: Int) -> Int {
    let kept = keptMembers
    let ordered = ZIPArchive.ordered(archive.members)
    var used = 0
    for (index, member) in ordered.enumerated() where kept.contains(member.range.lowerBound) {
      let next = index + 1 < ordered.count ? ordered[index + 1].range.lowerBound : original.offset
      let rest = next - member.range.upperBound
      used += member.range.count + ZIPArchive.descriptorBytes(member, in: rest)
    }
    let isUsed = Set(
      slots.compactMap { slot in
        if case .written(let number) = slot { return number }
        return nil
      })
    for (number, extent) in writer.extents.enumerated() where isUsed.contains(number) {
      used += extent.count
    }
    return directoryOffset - used
  }
}

extension ZIPEditor {
  /// Mends what an interrupted edit left, if one did.
  private static func recover(
    _ file: InPlaceFile, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Recovery? {
    let sibling = ZIPUndo.file(of: file.path)
    guard sibling.exists else { return nil }
    let undo = try ZIPUndo.read(sibling)
    let input = try file.reading()
    try undo.requireMatch(input, sibling)
    if isComplete(input, undo, limits) {
      try file.synchronize()
      try sibling.remove(synced: true)
      return .completed
    }
    try undo.restore(file, synced: true)
    try sibling.remove(synced: true)
    return .undone
  }

  /// Whether the archive can be read, and all that the edit wrote is what its checksums say.
  private static func isComplete(
    _ file: InputFile, _ undo: ZIPUndo, _ limits: DecodingLimits
  ) -> Bool {
    guard let archive = try? ZIPArchive(file, limits: limits) else { return false }
    for member in archive.members where member.range.upperBound > undo.unchangedEnd {
      guard (try? member.stream { _ in }) != nil else { return false }
    }
    return true
  }
}
