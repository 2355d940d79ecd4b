public import ByteIO
internal import Pickle
public import TensorModel
internal import ZIPContainer

/// What `torch.save` writes since 1.6: a ZIP archive with a pickle and a member for each storage.
///
/// | member | content |
/// |---|---|
/// | `P/data.pkl` | a pickle in which storages are persistent ids |
/// | `P/byteorder` | `little` or `big`; little where it is missing |
/// | `P/data/KEY` | the bytes of a storage |
/// | `P/version` | a number from 1 to 10; old: `P/.data/version` |
///
/// P is one folder, whatever its name.
public enum TorchZIPFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "torch-zip", name: "PyTorch archive", extensions: ["pt", "pth", "ckpt", "bin"],
    holdsMany: true, keepsNesting: true)

  public static func recognizes(_ opened: OpenedFile) throws(TensorIOError) -> Bool {
    guard let records = try TorchRecords.of(opened) else { return false }
    guard !records.has(".data/extern_modules") else {
      throw .unsupported(
        "this is a torch.package archive: Python code with pickles beside it; tensorio scan lists "
          + "what it names, the tensors in it are not read")
    }
    return records.has("data.pkl")
  }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    guard let records = try TorchRecords.of(opened) else { throw .malformed("no ZIP archive") }
    try records.requireVersion()
    return try read(
      records, from: try RecordStorages(records, folder: "data"), options: opened.options)
  }

  /// Reads the pickle of an archive, with storages from wherever they are.
  static func read(
    _ records: TorchRecords, from provider: any StorageProvider, options: ReadingOptions
  ) throws(TensorIOError) -> TensorArchive {
    let member = try records.member("data.pkl")
    return try locating(.init(member: member.name)) { () throws(TensorIOError) in
      var reader = TorchPickle(options, member: member.name)
      reader.findings = records.findings
      // Read whole: its checksum counts, and its texts outlive the map.
      let bytes = try records.load(member, options.limits)
      let (pickle, end) = try reader.parse(bytes)
      if end < bytes.byteCount {
        reader.findings.append(
          Finding(
            .trailingBytes, "\(bytes.byteCount - end) bytes follow the pickle",
            member: member.name, offset: end))
      }
      let root = try reader.decode(pickle, provider)
      return try reader.archive(root, format: descriptor.id)
    }
  }

  public static func losses(of archive: TensorArchive, options: WritingOptions) -> [Loss] {
    StoragePlan(archive.values, views: options.views).losses(of: archive)
  }

  public static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    try TorchWriter.write(archive, to: file, options: options)
  }
}

/// The members of a PyTorch archive below their common folder.
final class TorchRecords: Sendable {
  let members: [ZIPMember]
  let findings: [Finding]
  private let index: ZIPMemberIndex
  /// The folder with its slash; empty where the members lie in none.
  let prefix: String

  init(_ archive: ZIPArchive) {
    members = archive.members
    index = ZIPMemberIndex(archive)
    let first = archive.members.first?.name ?? ""
    let folder = first.utf8.firstIndex(of: UInt8(ascii: "/")).map { first[...$0] } ?? ""
    let prefix = String(folder)
    self.prefix = prefix
    let strays =
      folder.isEmpty
      ? archive.members : archive.members.filter { !$0.name.begins(with: prefix) }
    findings =
      archive.findings + index.findings
      + strays.prefix(8).map {
        Finding(
          .strayMember,
          "the member lies outside the folder '\(prefix.escapedForDisplay)'; "
            + "PyTorch refuses the file", member: $0.name)
      }
  }

  /// The records of a file, or nil when it is no ZIP archive.
  static func of(_ opened: OpenedFile) throws(TensorIOError) -> TorchRecords? {
    guard ZIPArchive.isArchive(opened.head) else { return nil }
    let archive = try opened.once { () throws(TensorIOError) -> ZIPArchive in
      try ZIPArchive(
        opened.file, limits: opened.options.limits, checkMeanwhile: { opened.checkMeanwhile($0) })
    }
    return try opened.once { () throws(TensorIOError) -> TorchRecords in TorchRecords(archive) }
  }

  /// Whether there is such a record, or several.
  func has(_ record: String) -> Bool { index.contains(prefix + record) }

  /// The record with this name, or nil when there is none.
  /// - Throws: `malformed` when there are several.
  func find(_ record: String) throws(TensorIOError) -> ZIPMember? {
    try index.member(prefix + record)
  }

  /// Refuses a member whose name others have too.
  func requireUnique(_ member: ZIPMember) throws(TensorIOError) {
    _ = try index.member(member.name)
  }

  /// The records of a folder that are named with a number, at their numbers.
  ///
  /// Spares a look-up by name; what is not among them may still be found so.
  func numbered(in folder: String) -> [ZIPMember?] {
    guard !index.hasDuplicates else { return [] }
    let start = "\(prefix)\(folder)/"
    var numbered: [ZIPMember?] = Array(repeating: nil, count: members.count)
    for member in members where member.name.begins(with: start) {
      if let number = member.name.canonicalNumber(after: start.utf8.count),
        number < numbered.count, numbered[number] == nil
      {
        numbered[number] = member
      }
    }
    return numbered
  }

  func member(_ record: String) throws(TensorIOError) -> ZIPMember {
    guard let member = try find(record) else {
      throw .malformed("the archive has no record '\(record.escapedForDisplay)'")
    }
    return member
  }

  /// The bytes of a record that is read whole.
  func load(_ member: ZIPMember, _ limits: DecodingLimits) throws(TensorIOError) -> HeapBytes {
    guard member.byteCount <= limits.decodedBytes else {
      throw .limit(
        "the size of the record", member.byteCount, over: limits.decodedBytes,
        raise: "decodedBytes")
    }
    return try member.loaded()
  }

  /// The text of a short record; nil when there is none.
  func text(_ record: String) throws(TensorIOError) -> String? {
    guard let member = try find(record) else { return nil }
    return try locating(.init(member: member.name)) { () throws(TensorIOError) in
      guard member.byteCount <= 64 else { throw .malformed("the record is no short text") }
      let bytes = try member.bytes()
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .malformed("the record is not UTF-8")
      }
      return text
    }
  }

  func requireVersion() throws(TensorIOError) {
    var stated = try text("version")
    if stated == nil { stated = try text(".data/version") }
    guard let text = stated else {
      throw .malformed("the archive has no record 'version'; PyTorch refuses it too")
    }
    let digits = text.prefix { $0.isNumber }
    guard let version = Int(digits), (1...10).contains(version) else {
      throw TensorIOError(
        .unsupported,
        "the archive has version '\(text.escapedForDisplay)'; 1 to 10 are those that PyTorch knows",
        at: .init(member: prefix + "version"))
    }
  }

  /// The byte order that the archive states.
  func byteOrder() throws(TensorIOError) -> ByteOrder {
    switch try text("byteorder") {
    case nil, "little": return .little
    case "big": return .big
    case .some(let other):
      throw TensorIOError(
        .malformed, "the byte order is '\(other.escapedForDisplay)', neither little nor big",
        at: .init(member: prefix + "byteorder"))
    }
  }
}

/// Storages that are members of an archive.
final class RecordStorages: StorageProvider {
  private let records: TorchRecords
  private let subfolder: String
  /// The records with the names that torch gives them, which count from 0.
  private let numbered: [ZIPMember?]
  let byteOrder: ByteOrder

  init(_ records: TorchRecords, folder: String) throws(TensorIOError) {
    self.records = records
    subfolder = folder
    numbered = records.numbered(in: folder)
    byteOrder = try records.byteOrder()
  }

  private func member(_ key: String) throws(TensorIOError) -> ZIPMember {
    if let number = key.canonicalNumber(), number < numbered.count, let member = numbered[number] {
      return member
    }
    return try records.member("\(subfolder)/\(key)")
  }

  func bytes(_ key: String, byteCount: Int) throws(TensorIOError) -> any ByteSource {
    let member = try member(key)
    guard member.byteCount == byteCount else {
      throw TensorIOError(
        .malformed,
        "the record has \(member.byteCount) bytes, the pickle says \(byteCount) for this storage",
        at: .init(member: member.name))
    }
    return member
  }
}
