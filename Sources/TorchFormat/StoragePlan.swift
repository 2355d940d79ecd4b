internal import ByteIO
internal import TensorModel

/// Which storages an archive is written with, and what each tensor is on them.
///
/// Storages keep their identity: tensors that shared one go on sharing it.
struct StoragePlan {
  /// A storage to be written.
  struct Record {
    let key: String
    /// All elements of the storage, to be streamed little-endian.
    let contents: Tensor
    /// The class; nil for one without a dtype.
    let type: GlobalName?
    let device: Device
    /// The number in the persistent id.
    let count: Int
  }

  /// What is left out of a storage.
  struct Omission {
    let storage: TensorStorage
    let kept: Int
  }

  private struct Key: Hashable {
    let storage: ObjectIdentifier
    let device: Device
    let byteOrder: ByteOrder
    /// The type that the storage is kept for.
    ///
    /// Bytes of two types cannot be swapped alike: big-endian tensors share with their own type. So
    /// do quantized ones, whose dtype PyTorch takes from the storage.
    let dtype: DType?
    /// The outline of a tensor that is copied alone: torch has no negative strides, and writes no
    /// storage that is a part of another.
    let alone: Outline?
  }

  private(set) var records: [Record] = []
  private(set) var omissions: [Omission] = []
  private var places: [Key: Int] = [:]
  /// The first element that was kept, for each record.
  private var starts: [Int] = []
  /// Records that hold one tensor, copied row by row.
  private var isCopy: [Bool] = []

  init(_ values: ValueGraph, views: ViewPolicy) {
    var order: [Key] = []
    var groups: [Key: [Tensor]] = [:]
    func note(_ tensor: Tensor, isStorage: Bool = false) {
      guard tensor.hasElements, TorchPickler.canHold(tensor.dtype) else { return }
      let key = Self.key(tensor, isStorage: isStorage)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(tensor)
      if case .perChannel(_, let scales, let zeroPoints, _) = tensor.quantization {
        note(scales)
        note(zeroPoints)
      }
    }
    for id in values.reachable() {
      guard case .tensor(let tensor) = values[id] else { continue }
      let type = values.traits(of: id)?.type
      if type?.module.hasPrefix("numpy") ?? false { continue }
      note(tensor, isStorage: TorchNames.isStorage(type))
    }
    for key in order {
      guard let tensors = groups[key] else { continue }
      places[key] = records.count
      add(tensors, views, isAlone: key.alone != nil)
    }
  }

  private static func key(_ tensor: Tensor, isStorage: Bool) -> Key {
    let isPart =
      isStorage && tensor.dtype.bitWidth % 8 == 0
      && (tensor.offset != 0 || tensor.byteCount != tensor.storage.byteCount)
    return Key(
      storage: ObjectIdentifier(tensor.storage), device: tensor.device,
      byteOrder: tensor.byteOrder,
      dtype: tensor.byteOrder == .big || tensor.dtype.isQuantized ? tensor.dtype : nil,
      alone: isPart || tensor.strides.contains { $0 < 0 } ? Outline(tensor) : nil)
  }

  /// The record of a tensor and the tensor as an outline over it.
  /// - Parameter isStorage: whether the tensor stands for a storage by itself.
  func place(
    _ tensor: Tensor, isStorage: Bool = false
  ) -> (record: Record, offset: Int, strides: [Int])? {
    guard let index = places[Self.key(tensor, isStorage: isStorage)] else { return nil }
    if isCopy[index] { return (records[index], 0, Shape.rowMajorStrides(tensor.shape)) }
    let offset = tensor.shape.contains(0) ? tensor.offset : tensor.offset - starts[index]
    return (records[index], offset, tensor.strides)
  }

  // MARK: Decisions

  private mutating func add(_ tensors: [Tensor], _ views: ViewPolicy, isAlone: Bool) {
    let first = tensors[0]
    let isOneType = tensors.allSatisfy { $0.dtype == first.dtype }
    let whole = first.storage.byteCount
    let bits = first.dtype.bitWidth
    // Mixed types, and sizes that are no whole number of elements, are kept as plain bytes.
    let isWhole = whole % max(1, bits / 8) == 0 || first.byteOrder == .big || isAlone
    let isTyped = isOneType && bits % 8 == 0 && isWhole
    guard isTyped else { return addBytes(first) }
    let count = whole / (bits / 8)
    let use = StorageUse(tensors)
    if isAlone { return addCopy(first, use.used, count) }
    switch use.extent(of: count, views) {
    case .copy: addCopy(first, use.used, count)
    case .window(let window): addWindow(first, window, count)
    }
  }

  private mutating func addCopy(_ tensor: Tensor, _ used: Int, _ count: Int) {
    note(tensor, kept: used, of: count)
    append(tensor.unsigned, start: 0, copy: true, tensor, count: tensor.count)
  }

  private mutating func addWindow(_ tensor: Tensor, _ window: Range<Int>, _ count: Int) {
    note(tensor, kept: window.count, of: count)
    guard let contents = tensor.wholeStorage(window) else { return }
    append(contents, start: window.lowerBound, copy: false, tensor, count: window.count)
  }

  private mutating func addBytes(_ tensor: Tensor) {
    guard let contents = tensor.storageBytes else { return }
    let isPacked = [.quint4x2, .quint2x4].contains(tensor.dtype)
    records.append(
      Record(
        key: String(records.count), contents: contents,
        type: isPacked ? TorchNames.storage(of: tensor.dtype) : nil, device: tensor.device,
        count: contents.count))
    starts.append(0)
    isCopy.append(false)
  }

  private mutating func append(
    _ contents: Tensor, start: Int, copy: Bool, _ tensor: Tensor, count: Int
  ) {
    let type = TorchNames.storage(of: tensor.dtype)
    records.append(
      Record(
        key: String(records.count), contents: contents, type: type, device: tensor.device,
        count: type == nil ? contents.byteCount : count))
    starts.append(start)
    isCopy.append(copy)
  }

  private mutating func note(_ tensor: Tensor, kept: Int, of count: Int) {
    guard kept < count else { return }
    let size = tensor.dtype.bitWidth / 8
    omissions.append(Omission(storage: tensor.storage, kept: kept * size))
  }

  /// What writing does not keep of an archive.
  func losses(of archive: TensorArchive) -> [Loss] {
    var names: [ObjectIdentifier: String] = [:]
    for entry in archive.entries where !omissions.isEmpty {
      let storage = ObjectIdentifier(entry.tensor.storage)
      if names[storage] == nil { names[storage] = entry.name }
    }
    return omissions.compactMap { omission in
      guard let name = names[ObjectIdentifier(omission.storage)] else { return nil }
      return Loss(
        .storage, of: name,
        "the part of its storage that it does not use: \(omission.kept) of "
          + "\(omission.storage.byteCount) bytes are written")
    } + layouts(in: archive) + separations(in: archive)
  }

  /// Tensors that are copied row by row and lay otherwise.
  private func layouts(in archive: TensorArchive) -> [Loss] {
    guard isCopy.contains(true) else { return [] }
    return archive.entries.compactMap { entry in
      let type = archive.values.traits(of: entry.id)?.type
      let tensor = entry.tensor
      guard !tensor.isContiguous, type?.module.hasPrefix("numpy") != true,
        let index = places[Self.key(tensor, isStorage: TorchNames.isStorage(type))], isCopy[index]
      else { return nil }
      return Loss(.strides, of: entry.name, "the strides \(tensor.strides); written row-major")
    }
  }

  /// Tensors that share a storage with others of which PyTorch needs it in another form.
  private func separations(in archive: TensorArchive) -> [Loss] {
    var losses: [Loss] = []
    for group in archive.aliasGroups {
      let parts = group.map { entry in
        let type = archive.values.traits(of: entry.id)?.type
        return (entry, key: Self.key(entry.tensor, isStorage: TorchNames.isStorage(type)))
      }.filter { places[$0.key] != nil && $0.0.tensor.byteCount > 0 }
      guard let first = parts.first else { continue }
      for (entry, key) in parts where key != first.key {
        losses.append(
          Loss(
            .aliasing, of: entry.name,
            "that it shares its storage with '\(first.0.name)'; each gets a copy"))
      }
    }
    return losses
  }
}

extension Tensor {
  /// The stored values, before conjugation and negation.
  fileprivate var unsigned: Tensor {
    (try? Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: shape, strides: strides, offset: offset,
      storage: storage)) ?? self
  }

  /// A range of the storage's elements in a row.
  fileprivate func wholeStorage(_ window: Range<Int>) -> Tensor? {
    try? Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: [window.count], offset: window.lowerBound,
      storage: storage)
  }

  /// The storage's bytes in a row.
  fileprivate var storageBytes: Tensor? {
    try? Tensor(dtype: .uint8, shape: [storage.byteCount], storage: storage)
  }
}
