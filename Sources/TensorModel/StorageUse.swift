/// Where the elements of a tensor lie in its storage.
package struct Outline: Hashable, Sendable {
  package let offset: Int
  package let shape: [Int]
  package let strides: [Int]

  package init(_ tensor: Tensor) {
    offset = tensor.offset
    shape = tensor.shape
    strides = tensor.strides
  }

  /// The elements of the storage that are used; broadcast axes use one.
  var count: Int {
    zip(shape, strides).reduce(1) { $0 * ($1.0 == 0 ? 0 : $1.1 == 0 ? 1 : $1.0) }
  }

  /// From the first to the last element that is used.
  package var hull: Range<Int>? {
    // Making the tensor would have failed.
    (try? Shape.reach(shape, strides, from: offset)).map { Range($0) }
  }
}

/// What the tensors on a storage use of it; they are of one dtype.
package struct StorageUse: Sendable {
  /// What of the storage is kept.
  package enum Extent: Sendable {
    case window(Range<Int>)
    /// The elements of the only outline, without the gaps.
    case copy
  }

  /// The elements under all outlines, those under several counted as often; `Int.max` at the most.
  package let used: Int
  private let hull: Range<Int>
  private let isOneOutline: Bool
  /// Whether, written out, the first tensor takes more room than it takes now.
  private let isBroadcast: Bool

  package init(_ tensors: [Tensor]) {
    let outlines = Set(tensors.map { Outline($0) })
    let used = outlines.reduce(0) { sum, outline in
      let (sum, overflow) = sum.addingReportingOverflow(outline.count)
      return overflow ? .max : sum
    }
    var hull: Range<Int>?
    for part in outlines.compactMap(\.hull) {
      hull =
        min(
          part.lowerBound, hull?.lowerBound ?? part.lowerBound)..<max(
          part.upperBound, hull?.upperBound ?? 0)
    }
    self.used = used
    self.hull = hull ?? 0..<0
    isOneOutline = outlines.count == 1
    isBroadcast = (tensors.first?.count ?? 0) > used
  }

  /// What is kept of a storage of `count` elements.
  package func extent(of count: Int, _ views: ViewPolicy) -> Extent {
    let isWasteful = used < count - used
    guard views == .compact || (views == .automatic && isWasteful), used < count else {
      return .window(0..<count)
    }
    if isOneOutline, used < hull.count, !isBroadcast { return .copy }
    return .window(views == .compact || hull.count < count - hull.count ? hull : 0..<count)
  }
}
