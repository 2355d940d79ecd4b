/// A permutation of 0..<count that a few numbers choose: any place of it is found at once, in no
/// memory.
///
/// A place x below `columns * rows` is the pair (x / rows, x % rows); 16 rounds add to the one part
/// what a hash makes of the other, in turns (a Feistel network). Results that are no place go through
/// again until one is. `columns` is even, so that odd permutations come about as well as even ones.
///
/// `Specs/datasets.md` has the same in Python. Nothing here may change: positions that were saved, and
/// the results of experiments, depend on it.
struct Permutation: Sendable {
  let count: Int
  private let columns: UInt64
  private let rows: UInt64
  private let keys: InlineArray<16, UInt64>

  /// The permutation of 0..<count that belongs to these numbers.
  init(count: Int, of numbers: (UInt64, UInt64, UInt64)) {
    self.count = count
    let size = UInt64(count.magnitude)
    // The smallest even number whose square is not below the count.
    var columns = max(2, UInt64(Double(size).squareRoot()))
    columns -= columns % 2
    while columns > 2, (columns - 2) * (columns - 2) >= size { columns -= 2 }
    while columns * columns < size { columns += 2 }
    self.columns = columns
    rows = max(1, (size + columns - 1) / columns)
    var state: UInt64 = 0
    for number in [numbers.0, numbers.1, numbers.2] {
      state = Self.mixed((state ^ number) &+ Self.step)
    }
    var next = state
    keys = InlineArray { _ in
      next &+= Self.step
      return Self.mixed(next)
    }
  }

  /// 2^64 divided by the golden ratio.
  private static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// The finaliser of SplitMix64: every bit of the result depends on every bit of the number.
  private static func mixed(_ number: UInt64) -> UInt64 {
    var number = number
    number = (number ^ (number >> 30)) &* 0xbf58_476d_1ce4_e5b9
    number = (number ^ (number >> 27)) &* 0x94d0_49bb_1331_11eb
    return number ^ (number >> 31)
  }

  /// A number below `bound`, which has 32 bits at most.
  private static func hash(_ part: UInt64, _ key: UInt64, below bound: UInt64) -> UInt64 {
    ((mixed(part ^ key) >> 32) &* bound) >> 32
  }

  /// What stands at a place of the permutation; the place lies in 0..<count.
  subscript(place: Int) -> Int {
    var value = UInt64(place.magnitude)
    repeat {
      var (left, right) = (value / rows, value % rows)
      for round in stride(from: 0, to: 16, by: 2) {
        left &+= Self.hash(right, keys[round], below: columns)
        if left >= columns { left &-= columns }
        right &+= Self.hash(left, keys[round + 1], below: rows)
        if right >= rows { right &-= rows }
      }
      value = left &* rows &+ right
    } while value >= UInt64(count.magnitude)
    return Int(truncatingIfNeeded: value)
  }

  /// The place at which a number stands.
  func place(of number: Int) -> Int {
    var value = UInt64(number.magnitude)
    repeat {
      var (left, right) = (value / rows, value % rows)
      for round in stride(from: 14, through: 0, by: -2) {
        right &+= rows &- Self.hash(left, keys[round + 1], below: rows)
        if right >= rows { right &-= rows }
        left &+= columns &- Self.hash(right, keys[round], below: columns)
        if left >= columns { left &-= columns }
      }
      value = left &* rows &+ right
    } while value >= UInt64(count.magnitude)
    return Int(truncatingIfNeeded: value)
  }
}
