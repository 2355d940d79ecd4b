import TensorIO

/// Compares two archives, value by value, without recursion and through cycles.
struct Comparison {
  private struct Pair: Hashable {
    let left: ValueGraph.ID
    let right: ValueGraph.ID
  }

  private let left: TensorArchive
  private let right: TensorArchive
  private let limits: DecodingLimits
  private var pending: [Pair] = []
  private var seen: Set<Pair> = []

  init(_ left: TensorArchive, _ right: TensorArchive, _ limits: DecodingLimits) {
    (self.left, self.right, self.limits) = (left, right, limits)
  }

  /// The first difference in words, or nil.
  mutating func difference() throws(TensorIOError) -> String? {
    guard left.entries.count == right.entries.count else {
      return "\(left.entries.count) tensors became \(right.entries.count)"
    }
    for (old, new) in zip(left.entries, right.entries)
    where !old.name.utf8.elementsEqual(new.name.utf8) {
      return "the name \(old.name.debugDescription) became \(new.name.debugDescription)"
    }
    add(left.values.root, right.values.root)
    while let pair = pending.popLast() {
      if let difference = try compare(pair.left, pair.right) { return difference }
    }
    return nil
  }

  private mutating func add(_ old: ValueGraph.ID, _ new: ValueGraph.ID) {
    let pair = Pair(left: old, right: new)
    if seen.insert(pair).inserted { pending.append(pair) }
  }

  private mutating func add(_ old: [ValueGraph.ID], _ new: [ValueGraph.ID]) -> Bool {
    guard old.count == new.count else { return false }
    for (old, new) in zip(old, new) { add(old, new) }
    return true
  }

  private mutating func compare(
    _ old: ValueGraph.ID, _ new: ValueGraph.ID
  ) throws(TensorIOError) -> String? {
    let (oldTraits, newTraits) = (left.values.traits(of: old), right.values.traits(of: new))
    let areTraitsEqual =
      Self.meaning(oldTraits?.type) == Self.meaning(newTraits?.type)
      && add(oldTraits?.arguments ?? [], newTraits?.arguments ?? [])
      && add(oldTraits?.states ?? [], newTraits?.states ?? [])
      && add(oldTraits?.elements ?? [], newTraits?.elements ?? [])
    let (oldNode, newNode) = (left.values[old], right.values[new])
    guard areTraitsEqual, try isEqual(oldNode, newNode) else {
      return "\(oldNode) \(describe(oldTraits)) became \(newNode) \(describe(newTraits))"
    }
    return nil
  }

  private func describe(_ traits: ValueGraph.Traits?) -> String {
    traits.map { "\($0)" } ?? ""
  }

  private mutating func isEqual(
    _ old: ValueGraph.Node, _ new: ValueGraph.Node
  ) throws(TensorIOError) -> Bool {
    switch (old, new) {
    case (.none, .none): return true
    case (.bool(let old), .bool(let new)): return old == new
    case (.int(let old), .int(let new)): return old == new
    case (.bigInteger(let old), .bigInteger(let new)): return old == new
    case (.float(let old), .float(let new)): return old.bitPattern == new.bitPattern
    case (.complex(let old, let oldPart), .complex(let new, let newPart)):
      return old.bitPattern == new.bitPattern && oldPart.bitPattern == newPart.bitPattern
    case (.string(let old), .string(let new)): return old.utf8.elementsEqual(new.utf8)
    case (.bytes(let old), .bytes(let new)):
      return try Contents.bytes(old) == Contents.bytes(new)
    case (.list(let old), .list(let new)), (.tuple(let old), .tuple(let new)),
      (.set(let old), .set(let new)):
      return add(old, new)
    case (.dictionary(let old), .dictionary(let new)):
      // Other members follow the arrays in the archives that we write.
      return left.format == "npz"
        ? add(sorted(old, left.values), sorted(new, right.values)) : add(old, new)
    case (.tensor(let old), .tensor(let new)): return try isEqual(old, new)
    case (.object(let old), .object(let new)): return isEqual(old, new)
    default: return false
    }
  }

  private mutating func add(
    _ old: [(key: ValueGraph.ID, value: ValueGraph.ID)],
    _ new: [(key: ValueGraph.ID, value: ValueGraph.ID)]
  ) -> Bool {
    add(old.map(\.key), new.map(\.key)) && add(old.map(\.value), new.map(\.value))
  }

  private func sorted(
    _ pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)], _ graph: ValueGraph
  ) -> [(key: ValueGraph.ID, value: ValueGraph.ID)] {
    func text(_ id: ValueGraph.ID) -> String {
      if case .string(let text) = graph[id] { text } else { "" }
    }
    return pairs.sorted { text($0.key).utf8.lexicographicallyPrecedes(text($1.key).utf8) }
  }

  /// A class by its name of today; the classes of storages only repeat dtype and device.
  private static func meaning(_ name: GlobalName?) -> GlobalName? {
    guard let name = name?.modern else { return nil }
    let isStorage = name.name.hasSuffix("Storage") && name.module.hasPrefix("torch")
    return isStorage ? GlobalName("torch", "Storage") : name
  }

  private func isEqual(_ old: Tensor, _ new: Tensor) throws(TensorIOError) -> Bool {
    guard old.dtype == new.dtype, old.shape == new.shape, old.hasElements == new.hasElements
    else { return false }
    if !old.hasElements || old.dtype.containsObjects { return true }
    return try Contents.bytes(old, limits) == Contents.bytes(new, limits)
  }

  private mutating func isEqual(
    _ old: ValueGraph.InertObject, _ new: ValueGraph.InertObject
  ) -> Bool {
    let isSameOrigin: Bool
    switch (old.origin, new.origin) {
    case (.global(let old), .global(let new)):
      isSameOrigin = Self.meaning(old) == Self.meaning(new)
    case (.call(let old, let oldArguments), .call(let new, let newArguments)):
      isSameOrigin = add([old, oldArguments], [new, newArguments])
    case (
      .new(let old, let oldArguments, let oldWords), .new(let new, let newArguments, let newWords)
    ):
      isSameOrigin =
        add([old, oldArguments], [new, newArguments])
        && add([oldWords].compactMap { $0 }, [newWords].compactMap { $0 })
    case (.persistent(let old), .persistent(let new)): isSameOrigin = add([old], [new])
    case (.extension(let old), .extension(let new)): isSameOrigin = old == new
    default: isSameOrigin = false
    }
    return isSameOrigin && add(old.elements, new.elements) && add(old.items, new.items)
      && add(old.states, new.states) && add(old.parts.map(\.value), new.parts.map(\.value))
  }
}
