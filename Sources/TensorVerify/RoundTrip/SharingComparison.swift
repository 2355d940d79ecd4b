internal import TensorIO

/// Compares which tensors share storages, and how they lie in them.
struct SharingComparison {
  private let pairs: [TensorPair]
  private let keepsStorages: Bool

  /// - Parameter keepsStorages: whether sizes of storages and places in them count.
  init(_ pairs: [TensorPair], keepsStorages: Bool) {
    self.pairs = pairs.filter { $0.left.hasElements && $0.right.hasElements }
    self.keepsStorages = keepsStorages
  }

  func compare(_ notes: inout DifferenceNotes) {
    compareAliases(&notes)
    if keepsStorages { compareStorages(&notes) }
  }

  private func compareAliases(_ notes: inout DifferenceNotes) {
    var forward: [ObjectIdentifier: (pair: TensorPair, ObjectIdentifier)] = [:]
    var backward: [ObjectIdentifier: (pair: TensorPair, ObjectIdentifier)] = [:]
    // Of nothing there are no two copies.
    for pair in pairs where pair.left.byteCount > 0 && pair.right.byteCount > 0 {
      let left = ObjectIdentifier(pair.left.storage)
      let right = ObjectIdentifier(pair.right.storage)
      if let (first, storage) = forward[left] {
        if storage != right {
          notes.add(
            .aliasing, pair.name, "shares its storage with '\(first.name)'", "has its own storage")
        }
      } else {
        forward[left] = (pair, right)
      }
      if let (first, storage) = backward[right] {
        if storage != left {
          notes.add(
            .aliasing, pair.name, "has its own storage", "shares its storage with '\(first.name)'",
            isDeclarable: false)
        }
      } else {
        backward[right] = (pair, left)
      }
    }
  }

  private struct Sides: Hashable {
    let left: ObjectIdentifier
    let right: ObjectIdentifier
  }

  /// Of a storage that became smaller, all tensors on it begin as much earlier.
  private func compareStorages(_ notes: inout DifferenceNotes) {
    var names: [ObjectIdentifier: String] = [:]
    var shifts: [Sides: Int] = [:]
    for pair in pairs {
      let (left, right) = (pair.left.storage, pair.right.storage)
      let id = ObjectIdentifier(left)
      let sides = Sides(left: id, right: ObjectIdentifier(right))
      let name = names[id] ?? pair.name
      names[id] = name
      let shift = pair.left.offsetInBits - pair.right.offsetInBits
      guard let known = shifts[sides] else {
        shifts[sides] = shift
        if left.byteCount != right.byteCount {
          notes.add(
            .storage, name, "a storage of \(left.byteCount) bytes",
            "a storage of \(right.byteCount) bytes", isDeclarable: right.byteCount < left.byteCount)
        } else if shift != 0, pair.hasSameLayout {
          notes.add(
            .storage, pair.name, "begins at bit \(pair.left.offsetInBits) of its storage",
            "at bit \(pair.right.offsetInBits)", isDeclarable: false)
        }
        continue
      }
      if shift != known, pair.hasSameLayout {
        notes.add(
          .storage, pair.name, "begins at bit \(pair.left.offsetInBits) of its storage",
          "at bit \(pair.right.offsetInBits)", isDeclarable: false)
      }
    }
  }
}

extension Tensor {
  fileprivate var offsetInBits: Int { offset * dtype.bitWidth }
}
