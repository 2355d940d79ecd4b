package import ByteIO
package import TensorModel
package import ZIPContainer

/// Reads a PyTorch archive of which records are missing.
package enum TorchSalvage {
  /// A tensor whose storage is missing, or that of another part of the same tensor.
  package struct LostTensor: Sendable {
    package let name: String
    /// The record of the storage.
    package let record: String
    /// Why it is lost, where that is not because the record is missing.
    package let reason: String?
    /// Whether the archive has something in the tensor's place, because leaving it out would move
    /// other values.
    package let isReplaced: Bool
  }

  /// What could be read.
  package struct Reading {
    /// The values without those that are lost.
    package let archive: TensorArchive
    package let lost: [LostTensor]
  }

  /// The folder of the records, with its slash, when `names` are those of an archive that
  /// `torch.save` wrote; its `data.pkl` may be lost.
  package static func folder(of names: [String]) -> String? {
    if let folder = folder(of: names, with: "data.pkl") { return folder }
    guard !names.contains(where: { $0.hasSuffix(".npy") }) else { return nil }
    return folder(of: names, with: "byteorder") ?? folder(of: names, with: "version")
  }

  private static func folder(of names: [String], with record: String) -> String? {
    for name in names where name.hasSuffix(record) {
      let folder = name.dropLast(record.count)
      if folder.isEmpty || folder.firstIndex(of: "/") == folder.indices.last {
        return String(folder)
      }
    }
    return nil
  }

  /// Reads an archive of intact members, the first of which is the pickle.
  /// - Throws: what reading the pickle throws.
  package static func read(
    _ archive: ZIPArchive, options: ReadingOptions
  ) throws(TensorIOError) -> Reading {
    let records = TorchRecords(archive)
    let storages = RemainingStorages(records)
    let whole = try TorchZIPFormat.read(records, from: storages, options: options)
    let isMissing = { (tensor: Tensor) in storages.missing(tensor) != nil }
    let values = try whole.values.withoutTensors(where: isMissing)
    let archive = try whole.replacing(values)
    let keptTensors = Set(archive.entries.map { $0.path.map(ByteKey.init) })
    let keptValues = Set(
      archive.values.pathsOfAll(limits: options.limits).map { $0.map(ByteKey.init) })
    let lost = whole.entries.compactMap { entry -> LostTensor? in
      let path = entry.path.map(ByteKey.init)
      let missing = storages.missing(entry.tensor)
      guard missing != nil || !keptTensors.contains(path) else { return nil }
      return LostTensor(
        name: entry.name, record: missing?.record ?? "",
        reason: missing == nil ? "another part of the same tensor is lost" : missing?.reason,
        isReplaced: keptValues.contains(path))
    }
    return Reading(archive: archive, lost: lost)
  }
}

/// Storages of which some are missing; those have a size and no bytes.
private final class RemainingStorages: StorageProvider {
  struct Missing {
    /// Kept, so that no other source can come to its address.
    let source: NoBytes
    let record: String
    let reason: String?
  }

  private let records: TorchRecords
  let byteOrder: ByteOrder
  private var missing: [ObjectIdentifier: Missing] = [:]

  init(_ records: TorchRecords) {
    self.records = records
    // All machines that run PyTorch today are little-endian.
    byteOrder = (try? records.text("byteorder")) == "big" ? .big : .little
  }

  /// What is missing of a tensor, or nil when nothing is.
  func missing(_ tensor: Tensor) -> Missing? {
    (tensor.storage.source as? NoBytes).flatMap { missing[ObjectIdentifier($0)] }
  }

  func bytes(_ key: String, byteCount: Int) throws(TensorIOError) -> any ByteSource {
    let record = "data/\(key)"
    var reason: String?
    do throws(TensorIOError) {
      if let member = try records.find(record) {
        if member.byteCount == byteCount { return member }
        reason =
          "the record has \(member.byteCount) bytes, the pickle says \(byteCount) for this storage"
      }
    } catch {
      reason = error.reason
    }
    let source = NoBytes(byteCount: byteCount)
    missing[ObjectIdentifier(source)] = Missing(
      source: source, record: records.prefix + record, reason: reason)
    return source
  }
}
