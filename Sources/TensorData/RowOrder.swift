/// How the rows of a dataset are shuffled.
public struct Shuffle: Sendable, Hashable, Codable {
  /// Chooses the order, together with the epoch.
  public let seed: UInt64
  /// The rows that stay neighbours on the disk; nil where each row goes its own way.
  public let blockRows: Int?
  /// How many blocks are mixed with each other at a time; nil without blocks.
  public let windowBlocks: Int?

  /// Every row may come at any place.
  public static func seeded(_ seed: UInt64) -> Shuffle {
    Shuffle(seed: seed, blockRows: nil, windowBlocks: nil)
  }

  /// Blocks of rows come in random order, and the rows of so many blocks are mixed with each other:
  /// for disks that read single rows slowly.
  ///
  /// Blocks of a few MiB read at nearly full speed. Rows of one block come within
  /// `rows * window` places of each other.
  /// - Parameters:
  ///   - seed: chooses the order, together with the epoch.
  ///   - rows: of a block, 1 at least.
  ///   - window: blocks that are mixed with each other, 1 at least.
  public static func seeded(
    _ seed: UInt64, blocksOf rows: Int, window: Int = 16
  ) -> Shuffle {
    Shuffle(seed: seed, blockRows: max(1, rows), windowBlocks: max(1, window))
  }
}

/// The order of a dataset's rows in one epoch: a function of the row count, the shuffle and the epoch,
/// and of nothing else.
///
/// It is the same on every machine and in every version (`Specs/datasets.md` defines it), takes no
/// memory, and any place of it is found at once.
public struct RowOrder: Sendable, RandomAccessCollection {
  /// The number of rows.
  public let count: Int
  /// How they are shuffled; nil for the order of the dataset.
  public let shuffle: Shuffle?
  /// The number of the pass over the data.
  public let epoch: Int
  private let layout: Layout

  private enum Layout: Sendable {
    case sequential
    case rows(Permutation)
    case blocks(BlockLayout)
  }

  /// The order of `count` rows.
  /// - Precondition: `count` is not negative.
  public init(count: Int, shuffle: Shuffle? = nil, epoch: Int = 0) {
    precondition(count >= 0, "a negative number of rows")
    self.count = count
    self.shuffle = shuffle
    self.epoch = epoch
    guard let shuffle, count > 0 else {
      layout = .sequential
      return
    }
    let numbers = (shuffle.seed, UInt64(bitPattern: Int64(epoch)))
    if let size = shuffle.blockRows, let window = shuffle.windowBlocks {
      layout = .blocks(BlockLayout(count: count, size: size, window: window, numbers))
    } else {
      layout = .rows(Permutation(count: count, of: (numbers.0, numbers.1, 0)))
    }
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  /// The row that comes at a place.
  public subscript(place: Int) -> Int {
    precondition(place >= 0 && place < count, "a place outside the order")
    switch layout {
    case .sequential: return place
    case .rows(let permutation): return permutation[place]
    case .blocks(let blocks): return blocks.mix(around: place).row(at: place)
    }
  }

  /// The rows that come at some places, found faster than one by one.
  /// - Precondition: the places lie inside the order.
  public func rows(at places: Range<Int>) -> [Int] {
    precondition(places.lowerBound >= 0 && places.upperBound <= count, "places outside the order")
    switch layout {
    case .sequential: return Array(places)
    case .rows(let permutation): return places.map { permutation[$0] }
    case .blocks(let blocks):
      var rows: [Int] = []
      rows.reserveCapacity(places.count)
      while rows.count < places.count {
        let mix = blocks.mix(around: places.lowerBound + rows.count)
        let part = places.clamped(to: mix.places)
        rows += part.map { mix.row(at: $0) }
      }
      return rows
    }
  }
}

/// Blocks in random order, of which so many that follow each other are mixed.
private struct BlockLayout: Sendable {
  let count: Int
  let size: Int
  let windowBlocks: Int
  let numbers: (UInt64, UInt64)
  let blocks: Permutation
  /// Where the last block comes, which may be short.
  let lastSlot: Int

  init(count: Int, size: Int, window: Int, _ numbers: (UInt64, UInt64)) {
    self.count = count
    self.size = min(size, count)
    let blockCount = (count - 1) / self.size + 1
    windowBlocks = min(window, blockCount)
    self.numbers = numbers
    blocks = Permutation(count: blockCount, of: (numbers.0, numbers.1, 0))
    lastSlot = blocks.place(of: blockCount - 1)
  }

  /// The rows that the last block lacks.
  private var gap: Int { blocks.count * size - count }

  /// The place of the first row of the block in a slot.
  func start(ofSlot slot: Int) -> Int {
    slot * size - (slot > lastSlot ? gap : 0)
  }

  /// The slot whose block holds a place before rows are mixed.
  func slot(at place: Int) -> Int {
    place < start(ofSlot: lastSlot + 1) ? min(place / size, lastSlot) : (place + gap) / size
  }

  /// The rows that are mixed with each other around a place.
  func mix(around place: Int) -> Mix {
    let window = slot(at: place) / windowBlocks
    let start = start(ofSlot: window * windowBlocks)
    let end = self.start(ofSlot: min((window + 1) * windowBlocks, blocks.count))
    let order = Permutation(
      count: end - start, of: (numbers.0, numbers.1, UInt64(window.magnitude) + 1))
    return Mix(layout: self, places: start..<end, order: order)
  }

  struct Mix {
    let layout: BlockLayout
    let places: Range<Int>
    let order: Permutation

    func row(at place: Int) -> Int {
      let source = places.lowerBound + order[place - places.lowerBound]
      let slot = layout.slot(at: source)
      return layout.blocks[slot] * layout.size + (source - layout.start(ofSlot: slot))
    }
  }
}
