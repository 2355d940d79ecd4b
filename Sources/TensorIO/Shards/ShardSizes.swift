/// The bytes that tensors take in shards.
struct ShardSizes {
  /// The number of the first tensor on the same storage; of most it is their own.
  private var leaders: [Int] = []
  /// The bytes of a tensor and of all that share its storage, for leaders.
  private var sizes: [Int: Int] = [:]

  init(_ archive: TensorArchive, _ format: FormatDescriptor, _ options: WritingOptions) {
    // Of tensors that do not share in the file, each is one.
    let isSharing = format.keepsNesting || format.keepsSharing && options.ties != .clone
    var groups: [ObjectIdentifier: [Int]] = [:]
    for (number, entry) in archive.entries.enumerated() {
      let storage = ObjectIdentifier(entry.tensor.storage)
      // Without elements there is nothing to share.
      if entry.tensor.byteCount == 0 || !isSharing {
        leaders.append(number)
        sizes[number] = entry.tensor.byteCount
        continue
      }
      groups[storage, default: []].append(number)
      leaders.append(groups[storage]?.first ?? number)
    }
    for group in groups.values {
      let tensors = group.map { archive.entries[$0].tensor }
      sizes[group[0]] =
        format.keepsNesting ? Self.storageSize(tensors, options.views) : Self.distinctSize(tensors)
    }
  }

  /// What is written of a storage.
  private static func storageSize(_ tensors: [Tensor], _ views: ViewPolicy) -> Int {
    let (first, whole) = (tensors[0], tensors[0].storage.byteCount)
    let size = first.dtype.bitWidth / 8
    guard first.dtype.bitWidth % 8 == 0, size > 0, whole % size == 0,
      tensors.allSatisfy({ $0.dtype == first.dtype })
    else { return whole }
    let use = StorageUse(tensors)
    return switch use.extent(of: whole / size, views) {
    case .copy: first.byteCount
    case .window(let window): window.count * size
    }
  }

  /// The bytes of tensors of which each is written whole, but for those that are the same.
  private static func distinctSize(_ tensors: [Tensor]) -> Int {
    var seen: Set<Outline> = []
    return tensors.reduce(0) { sum, tensor in
      guard seen.insert(Outline(tensor)).inserted else { return sum }
      let (total, overflow) = sum.addingReportingOverflow(tensor.byteCount)
      return overflow ? .max : total
    }
  }

  /// The tensors of each shard, and the bytes of all.
  func cut(_ shardSize: Int) throws(TensorIOError) -> (shards: [[Int]], total: Int) {
    var (shards, current, currentSize, total) = ([[Int]](), [Int](), 0, 0)
    for number in leaders.indices where leaders[number] == number {
      let size = sizes[number] ?? 0
      total = try total.added(to: size, "the bytes of all tensors")
      if size > shardSize {
        shards.append([number])
        continue
      }
      if size > shardSize - currentSize {
        shards.append(current)
        (current, currentSize) = ([], 0)
      }
      current.append(number)
      currentSize += size
    }
    if !current.isEmpty { shards.append(current) }
    var places: [Int: Int] = [:]
    for (place, shard) in shards.enumerated() { for number in shard { places[number] = place } }
    var whole = Array(repeating: [Int](), count: shards.count)
    for (number, leader) in leaders.enumerated() {
      if let place = places[leader] { whole[place].append(number) }
    }
    return (whole, total)
  }
}
