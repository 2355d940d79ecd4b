internal import TorchFormat

/// Which tensors of an archive are converted together, and what becomes of them.
///
/// Tensors of one dtype on one storage that get the same dtype are converted at once, as the flat
/// run of elements that they lie in; the others each alone.
struct ConversionPlan {
  /// What tensors have in common that are converted together.
  private struct Key: Hashable {
    let storage: ObjectIdentifier
    let device: Device
    let byteOrder: ByteOrder
    let source: DType
    let target: DType
    var alone: Alone?
  }

  /// What tells tensors apart that are not converted as parts of their storage.
  private enum Alone: Hashable {
    /// Those with the same elements are one.
    case outline(Outline, isConjugated: Bool, isNegated: Bool)
    case node(ValueGraph.ID)
  }

  private struct Group {
    let key: Key
    var members: [(id: ValueGraph.ID, name: String, tensor: Tensor)] = []
  }

  /// What becomes of a tensor: the group it is converted with, or nothing.
  private typealias Fate = Int?

  private struct StorageFate {
    /// Of the first tensor.
    let name: String
    let dtype: DType
    let fate: Fate
    /// Whether other tensors on it have another fate.
    var isSplit = false
    /// Whether a tensor stays as it is.
    var isKept: Bool
    /// The bytes that groups use, those that several use counted as often.
    var used = 0
  }

  private let archive: TensorArchive
  private let targets: ConversionTargets
  private let options: ConversionOptions
  private let budget: DecodingBudget
  private var values: ValueGraph
  private var groups: [Group] = []
  /// What becomes of storages on which something is converted.
  private var storages: [ObjectIdentifier: StorageFate] = [:]
  private(set) var losses: [Loss] = []
  private(set) var parts: [ConvertedPart] = []

  init(_ archive: TensorArchive, _ targets: ConversionTargets, _ options: ConversionOptions) {
    self.archive = archive
    self.targets = targets
    self.options = options
    budget = DecodingBudget(options.limits)
    values = archive.values
  }

  /// The values with the tensors converted.
  mutating func convert() throws(TensorIOError) -> ValueGraph {
    if targets.isEmpty { return values }
    group()
    if options.keepsAliases { noteAttributes() }
    for group in groups {
      try locating(.init(tensor: group.members[0].name)) { () throws(TensorIOError) in
        try convert(group)
      }
    }
    noteUnused()
    return values
  }

  // MARK: Groups

  private mutating func group() {
    var indexes: [Key: Int] = [:]
    var seen: Set<ValueGraph.ID> = []
    let wrapped = wrappedTensors()
    for entry in archive.entries where seen.insert(entry.id).inserted {
      let fate: Fate
      if let key = key(of: entry, wrapped) {
        if let known = indexes[key] {
          fate = known
        } else {
          fate = groups.count
          indexes[key] = groups.count
          groups.append(Group(key: key))
        }
        if let fate { groups[fate].members.append((entry.id, entry.name, entry.tensor)) }
      } else {
        fate = nil
      }
      if options.keepsAliases { noteSeparation(of: entry, fate) }
    }
  }

  /// How a tensor is converted; nil where it stays as it is.
  private mutating func key(
    of entry: TensorArchive.Entry, _ wrapped: [ValueGraph.ID: String]
  ) -> Key? {
    let tensor = entry.tensor
    guard let target = targets[entry.id] else { return nil }
    if let type = wrapped[entry.id] {
      refuse(entry, target, "as a part of \(type), which says its dtype elsewhere")
      return nil
    }
    var key = Key(
      storage: ObjectIdentifier(tensor.storage), device: tensor.device,
      byteOrder: tensor.byteOrder, source: tensor.dtype, target: target)
    let traits = values.traits(of: entry.id)
    let isStorage = TorchClasses.isStorage(traits)
    if isStorage, options.keepsClasses,
      traits.flatMap({ TorchClasses.traits($0, withElements: target) }) == nil
    {
      refuse(entry, target, "as PyTorch has no class for such storages")
      return nil
    }
    let isNumPy = traits?.type?.module.split(separator: ".").first == "numpy"
    if isNumPy, options.keepsClasses, !target.isKnownToNumPy {
      refuse(entry, target, "as an array of NumPy, which has no such dtype")
      return nil
    }
    if tensor.dtype.isQuantized {
      losses.append(
        Loss(
          .quantization, of: entry.name,
          "its integers, scales and zero points; it has the numbers they stand for, as \(target)"))
    }
    if !options.keepsAliases || isNumPy && options.keepsClasses || tensor.dtype.isQuantized {
      key.alone = .node(entry.id)
    } else if tensor.strides.contains(where: { $0 < 0 }) || !tensor.keepsSigns(as: target)
      || tensor.dtype == .float4E2M1FNx2 || target == .float4E2M1FNx2
      || isStorage && (tensor.offset != 0 || tensor.byteCount != tensor.storage.byteCount)
    {
      key.alone = .outline(
        Outline(tensor), isConjugated: tensor.isConjugated, isNegated: tensor.isNegated)
    }
    return key
  }

  private mutating func refuse(
    _ entry: TensorArchive.Entry, _ target: DType, _ reason: String
  ) {
    losses.append(
      Loss(
        .dtype, of: entry.name,
        "its rule, to become \(target); it stays \(entry.tensor.dtype), \(reason)")
    )
  }

  /// The parts of tensors of classes that wrap others, with the class.
  private func wrappedTensors() -> [ValueGraph.ID: String] {
    var wrapped: [ValueGraph.ID: String] = [:]
    for id in values.reachable() {
      guard case .object(let object) = values[id], TorchClasses.isWrapper(object, in: values)
      else { continue }
      for part in object.parts {
        wrapped[part.value] = values.traits(of: id)?.type?.description ?? "a tensor"
      }
    }
    return wrapped
  }

  // MARK: What no longer shares

  private mutating func noteSeparation(of entry: TensorArchive.Entry, _ fate: Fate) {
    let tensor = entry.tensor
    guard tensor.byteCount > 0, tensor.hasElements else { return }
    let dtype = fate.map { groups[$0].key.target } ?? tensor.dtype
    let storage = ObjectIdentifier(tensor.storage)
    guard let first = storages[storage] else {
      storages[storage] = StorageFate(
        name: entry.name, dtype: dtype, fate: fate, isKept: fate == nil)
      return
    }
    if first.fate == fate { return }
    storages[storage]?.isSplit = true
    if fate == nil { storages[storage]?.isKept = true }
    losses.append(
      Loss(
        .aliasing, of: entry.name,
        "that it shares its storage with '\(first.name)'; each gets a copy"
          + (first.dtype == dtype ? "" : ", as \(dtype) and \(first.dtype)")))
  }

  /// Tensors that are attributes of others have no names, and no rules.
  private mutating func noteAttributes() {
    let named = Set(archive.entries.map(\.id))
    var noted: Set<ObjectIdentifier> = []
    for id in values.reachable() where !named.contains(id) {
      guard case .tensor(let tensor) = values[id], tensor.byteCount > 0,
        let first = storages[ObjectIdentifier(tensor.storage)], !first.isKept,
        noted.insert(ObjectIdentifier(tensor.storage)).inserted
      else { continue }
      losses.append(
        Loss(
          .aliasing, of: first.name,
          "that an attribute shares its storage; that stays \(tensor.dtype)"))
    }
  }

  // MARK: Conversion

  private mutating func convert(_ group: Group) throws(TensorIOError) {
    let first = group.members[0].tensor
    let key = group.key
    guard first.hasElements else {
      for (id, _, tensor) in group.members { set(id, try tensor.meta(as: key.target), key.target) }
      return append(group, nil)
    }
    let size = key.source.bitWidth / 8
    guard options.keepsAliases, size > 0 else { return try convertAlone(group) }
    let count = first.storage.byteCount / size
    let use = StorageUse(group.members.map(\.tensor))
    let isSplit = storages[key.storage]?.isSplit ?? false
    storages[key.storage]?.used += min(use.used, count) * size
    guard key.alone == nil else {
      if !isSplit { note(group, kept: use.used, of: count) }
      return try convertAlone(group)
    }
    // What several make copies of is not copied whole by each.
    let views = isSplit && options.views == .automatic ? .compact : options.views
    switch use.extent(of: count, views) {
    case .copy:
      if !isSplit { note(group, kept: use.used, of: count) }
      try convertAlone(group)
    case .window(let window):
      if !isSplit { note(group, kept: window.count, of: count) }
      try convert(group, window)
    }
  }

  /// Says what of a storage is left out.
  private mutating func note(_ group: Group, kept: Int, of count: Int) {
    guard kept < count else { return }
    let size = group.key.source.bitWidth / 8
    losses.append(omission(group, kept: kept * size))
  }

  private func omission(_ group: Group, kept: Int) -> Loss {
    Loss(
      .storage, of: group.members[0].name,
      "the part of its storage that it does not use: \(kept) of "
        + "\(group.members[0].tensor.storage.byteCount) bytes are converted")
  }

  /// Says what nobody uses of storages that become several.
  private mutating func noteUnused() {
    for group in groups {
      let storage = group.key.storage
      guard let fate = storages.removeValue(forKey: storage), fate.isSplit, !fate.isKept,
        options.views != .keep, fate.used < group.members[0].tensor.storage.byteCount
      else { continue }
      losses.append(omission(group, kept: fate.used))
    }
  }

  /// Converts a run of a storage, on which each tensor keeps its outline.
  private mutating func convert(_ group: Group, _ window: Range<Int>) throws(TensorIOError) {
    let first = group.members[0].tensor
    let run = try Tensor(
      dtype: first.dtype, byteOrder: first.byteOrder, shape: [window.count],
      offset: window.lowerBound, storage: first.storage)
    let bytes = try NamedConversion(
      run, to: group.key.target, of: group.members.map { ($0.name, $0.tensor) }, options)
    let storage = TensorStorage(bytes, budget: budget)
    for (id, _, tensor) in group.members {
      let offset = tensor.shape.contains(0) ? 0 : tensor.offset - window.lowerBound
      set(
        id,
        try Tensor(
          dtype: group.key.target, shape: tensor.shape, strides: tensor.strides, offset: offset,
          storage: storage, device: tensor.device,
          requiresGrad: tensor.requiresGrad(as: group.key.target),
          isConjugated: tensor.isConjugated, isNegated: tensor.isNegated), group.key.target)
    }
    append(group, bytes)
  }

  /// Converts the elements of one outline, in row-major order, or in column-major order where they
  /// lie so.
  private mutating func convertAlone(_ group: Group) throws(TensorIOError) {
    let first = group.members[0].tensor
    let target = group.key.target
    let isReversed =
      !first.isContiguous && first.isFortranContiguous && !first.dtype.isQuantized
      && first.dtype != .float4E2M1FNx2 && target != .float4E2M1FNx2
    let original = isReversed ? first.transposed() : first
    let bytes = try NamedConversion(
      original, to: target, of: group.members.map { ($0.name, $0.tensor) }, options)
    let storage = TensorStorage(bytes, budget: budget)
    for (id, _, tensor) in group.members {
      let converted = try Tensor(
        dtype: target, shape: bytes.shape, storage: storage, device: tensor.device,
        requiresGrad: tensor.requiresGrad(as: target))
      set(id, isReversed ? converted.transposed() : converted, target)
    }
    append(group, bytes)
  }

  private mutating func set(_ id: ValueGraph.ID, _ tensor: Tensor, _ target: DType) {
    values.replace(id, with: .tensor(tensor))
    guard let traits = values.traits(of: id), TorchClasses.isStorage(traits) else { return }
    values.setTraits(TorchClasses.traits(traits, withElements: target), of: id)
  }

  private mutating func append(_ group: Group, _ bytes: NamedConversion?) {
    parts.append(
      ConvertedPart(
        names: group.members.map(\.name), source: group.key.source, target: group.key.target,
        bytes: bytes))
  }
}

extension Tensor {
  /// Whether conjugation and negation mean the same before and after conversion, so that the stored
  /// numbers can be converted and the flags stay.
  fileprivate func keepsSigns(as target: DType) -> Bool {
    guard isConjugated || isNegated else { return true }
    return dtype.isComplex
      ? target.isComplex
      : dtype.isFloatingPoint && target.isFloatingPoint && target != .float8E8M0FNU
  }

  /// Whether torch would go on recording operations.
  fileprivate func requiresGrad(as target: DType) -> Bool {
    requiresGrad && (target.isFloatingPoint || target.isComplex)
  }

  /// A meta tensor as another dtype.
  fileprivate func meta(as target: DType) throws(TensorIOError) -> Tensor {
    var (shape, strides): ([Int], [Int]?) = (shape, strides)
    if (dtype == .float4E2M1FNx2) != (target == .float4E2M1FNx2) {
      strides = nil
      let last = shape.popLast() ?? 1
      guard target != .float4E2M1FNx2 || last % 2 == 0 && !self.shape.isEmpty else {
        throw TensorIOError(
          .invalidArgument,
          "\(target) holds pairs, which the last axis of the shape \(self.shape) does not make")
      }
      let (count, overflow) = last.multipliedReportingOverflow(by: 2)
      shape.append(target == .float4E2M1FNx2 ? last / 2 : overflow ? .max : count)
    }
    return try Tensor.meta(
      dtype: target, shape: shape, strides: strides, requiresGrad: requiresGrad(as: target)
    ).tagged(device: device, requiresGrad: requiresGrad(as: target))
  }
}

extension DType {
  /// Whether NumPy has the dtype, and not only raw bytes of its size.
  fileprivate var isKnownToNumPy: Bool {
    switch self {
    case .bool, .float16, .float32, .float64, .longDouble, .complex64, .complex128,
      .complexLongDouble:
      true
    default: isInteger
    }
  }
}
