public import ByteIO
public import TensorModel
internal import ZIPContainer

/// Adds, replaces and removes arrays of an `.npz` archive in place: the other members are not
/// rewritten, however large they are.
///
///     let editor = try NPZEditor("data.npz")
///     try editor.add("labels", labels)
///     try editor.remove("old")
///     let summary = try editor.commit()
///
/// An edit takes effect with ``commit(synced:)``, all of it or nothing. Without that, after an error
/// and when the editor is let go of, the archive is as before. When the process is killed in between,
/// the archive may be unreadable until the next editor opens it (or `tensorio append --recover`),
/// which makes it the old or the new one; a hidden file `.NAME.tensorio-undo` beside it has what that
/// needs.
///
/// What replaced and removed members occupied is not used again, unless they were the last: `tensorio
/// convert` writes an archive without such bytes. One editor at a time can have an archive open
/// (`flock`), and others cannot read it between the first change and the commit. Use it from one task
/// at a time.
public final class NPZEditor {
  /// What an edit did.
  public struct Summary: Sendable, Hashable {
    /// The names of arrays that are new, in order.
    public var added: [String] = []
    /// The names of arrays that were there before.
    public var replaced: [String] = []
    /// The names of members that are gone.
    public var removed: [String] = []
    /// The bytes of the archive that belong to no member.
    public var unusedByteCount = 0

    /// Creates a summary of an edit that did nothing.
    public init() {}
  }

  /// What became of an edit that had been interrupted.
  public enum Recovery: Sendable, Hashable {
    /// The archive is as it was before that edit.
    case undone
    /// That edit had been written whole, and counts.
    case completed
  }

  /// The path as the caller gave it.
  public let path: String
  /// What was mended at opening; nil where nothing had to be.
  public let recovery: Recovery?

  private let editor: ZIPEditor
  private var summary = Summary()
  /// The members by their places in the directory.
  private var names: [(slot: Int, member: String)]

  private static let ending = ".npy"

  /// Opens an archive.
  /// - Parameters:
  ///   - path: the archive.
  ///   - compressionLevel: the deflate level of new members, from 1 to 12; nil stores them.
  ///   - limits: what the archive may ask for.
  /// - Throws: `io` when the archive is missing, cannot be written, or another editor has it;
  ///   `malformed` when it cannot be read, or when what an interrupted edit left does not fit it;
  ///   `unsupported` for archives of PyTorch, for those without checksums and for those that bytes
  ///   follow.
  public convenience init(
    _ path: String, compressionLevel: Int? = nil, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) {
    try self.init(path, compressionLevel: compressionLevel, limits: limits, willChange: nil)
  }

  package init(
    _ path: String, compressionLevel: Int? = nil, limits: DecodingLimits = DecodingLimits(),
    willChange: ((InPlaceFile.Change) throws(TensorIOError) -> Void)?
  ) throws(TensorIOError) {
    self.path = path
    editor = try ZIPEditor(
      path: path, level: compressionLevel, limits: limits, willChange: willChange)
    switch editor.recovery {
    case .undone: recovery = .undone
    case .completed: recovery = .completed
    case nil: recovery = nil
    }
    names = editor.members.map { ($0.slot, $0.old?.name ?? "") }
    try locating(.init(file: path)) { [editor] () throws(TensorIOError) in
      try Self.requireNumPy(editor.archive)
    }
  }

  private static func requireNumPy(_ archive: ZIPArchive) throws(TensorIOError) {
    guard !archive.lacksChecksums else {
      throw .unsupported(
        "every CRC-32 of the archive is 0, and NumPy refuses it; tensorio convert writes a new one")
    }
    let isTorch = archive.members.contains { member in
      ["data.pkl", "constants.pkl"].contains {
        member.name == $0 || member.name.hasSuffix("/" + $0)
      }
    }
    guard !isTorch else {
      throw .unsupported(
        "this is PyTorch's archive, whose pickle names its members; tensorio convert writes a new one"
      )
    }
  }

  /// The names of the members as they will be; those of arrays without their `.npy`.
  public var memberNames: [String] { names.map { Self.key(of: $0.member) } }

  private static func key(of member: String) -> String {
    member.hasSuffix(ending) ? String(member.dropLast(ending.utf8.count)) : member
  }

  /// Adds an array.
  /// - Throws: `invalidArgument` when the name exists, or when NumPy has no such array; `io` when the
  ///   disk is full, which ends the edit and leaves the archive as it was.
  public func add(_ name: String, _ tensor: Tensor) throws(TensorIOError) {
    try write(name, try encoded(tensor, name), replacing: nil)
    summary.added.append(name)
  }

  /// Adds an array of an archive, which may be one of Python objects.
  public func add(
    _ name: String, _ entry: TensorArchive.Entry, of archive: TensorArchive
  ) throws(TensorIOError) {
    try write(name, try encoded(entry, of: archive, name), replacing: nil)
    summary.added.append(name)
  }

  /// Replaces a member by an array.
  /// - Throws: `invalidArgument` when there is none of the name, or two; otherwise as ``add(_:_:)``.
  public func replace(_ name: String, _ tensor: Tensor) throws(TensorIOError) {
    let slot = try slot(of: name)
    try write(name, try encoded(tensor, name), replacing: slot)
    summary.replaced.append(name)
  }

  /// Replaces a member by an array of an archive, which may be one of Python objects.
  public func replace(
    _ name: String, _ entry: TensorArchive.Entry, of archive: TensorArchive
  ) throws(TensorIOError) {
    let slot = try slot(of: name)
    try write(name, try encoded(entry, of: archive, name), replacing: slot)
    summary.replaced.append(name)
  }

  /// Removes a member.
  /// - Throws: `invalidArgument` when there is none of the name, or two.
  public func remove(_ name: String) throws(TensorIOError) {
    let slot = try slot(of: name)
    try editor.remove(slot: slot)
    names.removeAll { $0.slot == slot }
    summary.removed.append(name)
  }

  /// Whether there is a member of this name.
  public func contains(_ name: String) -> Bool { !slots(of: name).isEmpty }

  /// Makes the edit and closes the archive.
  /// - Parameter synced: whether the new members are on the disk, not only in the page cache, before
  ///   the old directory is given up.
  /// - Throws: `io` when the disk is full; the archive is then as it was.
  @discardableResult
  public func commit(synced: Bool = false) throws(TensorIOError) -> Summary {
    summary.unusedByteCount = try editor.commit(synced: synced)
    return summary
  }

  /// Leaves the archive as it was, and closes it.
  public func cancel() { editor.cancel() }

  /// How the writing is watched and stopped.
  package var reporting = WritingOptions()

  // MARK: Writing

  private func encoded(_ tensor: Tensor, _ name: String) throws(TensorIOError) -> NPYEncoder {
    try locating(.init(file: path, tensor: name)) { () throws(TensorIOError) in
      try NPYEncoder(tensor)
    }
  }

  private func encoded(
    _ entry: TensorArchive.Entry, of archive: TensorArchive, _ name: String
  ) throws(TensorIOError) -> NPYEncoder {
    try locating(.init(file: path, tensor: name)) { () throws(TensorIOError) in
      try NPYEncoder(entry, of: archive)
    }
  }

  private func write(
    _ name: String, _ encoder: NPYEncoder, replacing slot: Int?
  ) throws(TensorIOError) {
    let member = name + Self.ending
    let options = reporting
    try locating(.init(file: path, tensor: name)) { () throws(TensorIOError) in
      try requireUsable(name)
      if slot == nil, contains(name) {
        throw .invalidArgument(
          "the archive has a member of this name; replace it, or choose another name")
      }
      if slot == nil, let other = lookalike(of: name) {
        throw .invalidArgument(
          "the archive has '\(other.escapedForDisplay)', and NumPy takes names with and without .npy "
            + "for one; choose another name (--rename)")
      }
      let written = try editor.write(
        member, byteCount: encoder.byteCount, replacing: slot
      ) { (sink) throws(TensorIOError) in
        try sink(encoder.header.span)
        try encoder.streamElements { (chunk) throws(TensorIOError) in
          try sink(chunk)
          try options.advance(chunk.count)
        }
      }
      names.removeAll { $0.slot == written }
      names.append((written, member))
      names.sort { $0.slot < $1.slot }
    }
  }

  private func requireUsable(_ name: String) throws(TensorIOError) {
    guard name.utf8.count + Self.ending.utf8.count <= Int(UInt16.max), !name.utf8.contains(0) else {
      throw .invalidArgument(
        "ZIP has no name like this: at most 65,531 bytes, and none of them 0")
    }
  }

  // MARK: Names

  /// The members whose array has a name: `x.npy` for `x`, or a member that is called so and no array.
  private func slots(of name: String) -> [Int] {
    var keys = [Array((name + Self.ending).utf8)]
    if !name.hasSuffix(Self.ending) { keys.append(Array(name.utf8)) }
    return names.filter { keys.contains(Array($0.member.utf8)) }.map(\.slot)
  }

  /// A member that NumPy, which takes names with and without `.npy`, would mix up with a new one.
  private func lookalike(of name: String) -> String? {
    var keys = [Array((name + Self.ending + Self.ending).utf8)]
    if name.hasSuffix(Self.ending) { keys.append(Array(name.utf8)) }
    return names.first { keys.contains(Array($0.member.utf8)) }.map { Self.key(of: $0.member) }
  }

  private func slot(of name: String) throws(TensorIOError) -> Int {
    let slots = slots(of: name)
    guard let slot = slots.first else {
      let known = memberNames.prefix(8).map { "'\($0.escapedForDisplay)'" }.joined(separator: ", ")
      let more = names.count > 8 ? ", … (\(names.count) in all)" : ""
      throw TensorIOError(
        .invalidArgument,
        "no member is named '\(name.escapedForDisplay)'; "
          + (names.isEmpty ? "the archive has none" : "there are \(known)\(more)"),
        at: .init(file: path))
    }
    guard slots.count == 1 else {
      throw TensorIOError(
        .invalidArgument,
        "\(slots.count) members are named '\(name.escapedForDisplay)'; tensorio convert keeps the one "
          + "that NumPy reads",
        at: .init(file: path))
    }
    return slot
  }
}
