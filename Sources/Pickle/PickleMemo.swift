/// The numbered objects of a pickle machine.
///
/// Slots that follow each other lie in an array, which stays at least half full but for a start; a
/// slot far off costs one entry of a dictionary and not the gap before it.
struct PickleMemo {
  private var dense: [UInt32] = []
  private var sparse: [UInt64: UInt32] = [:]
  /// The number of slots in use.
  private(set) var count = 0

  subscript(slot: UInt64) -> UInt32? {
    if slot < UInt64(dense.count) {
      let value = dense[Int(slot)]
      return value == .max ? nil : value
    }
    return sparse[slot]
  }

  mutating func set(_ slot: UInt64, to value: UInt32) {
    if slot < UInt64(dense.count) {
      if dense[Int(slot)] == .max { count += 1 }
      dense[Int(slot)] = value
    } else if slot < UInt64(2 * count + 1024), sparse.isEmpty {
      while UInt64(dense.count) < slot { dense.append(.max) }
      dense.append(value)
      count += 1
    } else if sparse.updateValue(value, forKey: slot) == nil {
      count += 1
    }
  }
}
