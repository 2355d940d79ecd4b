package import ByteIO

/// A block of a larger array: where it begins in each axis, and how long it is there.
package struct ArrayBlock: Sendable, Hashable {
  package let offsets: [Int]
  package let sizes: [Int]

  package init(offsets: [Int], sizes: [Int]) {
    self.offsets = offsets
    self.sizes = sizes
  }
}

/// Checks that blocks cover an array, each element once.
///
/// A block is the sum of its corners with alternating signs (the differences of its indicator along
/// each axis), and no two functions have the same corners. So blocks tile an array if and only if all
/// their corners together are those of the array: a sort, in the number of blocks.
package enum BlockTiling {
  /// The most corners that are looked at; those of a million blocks cut in three axes.
  private static let mostCorners = 1 << 23

  /// - Throws: `malformed` for blocks that reach outside the shape, overlap, or leave a gap;
  ///   `unsupported` for more corners than anybody makes.
  package static func require(
    _ blocks: [ArrayBlock], tile shape: [Int]
  ) throws(TensorIOError) {
    for block in blocks { try requireInside(block, shape) }
    if shape.contains(0) { return }
    let blocks = blocks.filter { !$0.sizes.contains(0) }
    // Corners along axes that no block cuts are the same for all.
    let axes = shape.indices.filter { axis in blocks.contains { $0.sizes[axis] != shape[axis] } }
    guard !axes.isEmpty else {
      guard blocks.count == 1 else {
        throw .malformed(
          blocks.isEmpty
            ? "no chunk holds its elements" : "\(blocks.count) chunks hold the same part")
      }
      return
    }
    guard axes.count < 24, blocks.count <= mostCorners >> axes.count else {
      throw .unsupported(
        "\(blocks.count) chunks that are cut along \(axes.count) axes; write fewer")
    }
    try requireCorners(blocks, shape, axes)
  }

  private static func requireInside(
    _ block: ArrayBlock, _ shape: [Int]
  ) throws(TensorIOError) {
    guard block.offsets.count == shape.count, block.sizes.count == shape.count else {
      throw .malformed("a chunk has another number of axes than its tensor")
    }
    for (axis, length) in shape.enumerated() {
      let (offset, size) = (block.offsets[axis], block.sizes[axis])
      guard offset >= 0, size >= 0, size <= length, offset <= length - size else {
        throw .malformed(
          "the chunk at \(block.offsets) of the shape \(block.sizes) reaches outside the shape \(shape)"
        )
      }
    }
  }

  private static func requireCorners(
    _ blocks: [ArrayBlock], _ shape: [Int], _ axes: [Int]
  ) throws(TensorIOError) {
    // Coordinates become their ranks, and corners one number.
    var ranks: [[Int: Int]] = []
    var factors: [Int] = []
    var factor = 1
    for axis in axes {
      var cuts: Set<Int> = [0, shape[axis]]
      for block in blocks {
        cuts.insert(block.offsets[axis])
        cuts.insert(block.offsets[axis] + block.sizes[axis])
      }
      var table: [Int: Int] = [:]
      for (rank, cut) in cuts.sorted().enumerated() { table[cut] = rank }
      ranks.append(table)
      factors.append(factor)
      let (next, overflow) = factor.multipliedReportingOverflow(by: cuts.count)
      guard !overflow else { throw .unsupported("chunks with too many cuts; write fewer") }
      factor = next
    }
    var corners: [(place: Int, sign: Int)] = []
    func addCorners(_ block: ArrayBlock, sign: Int) {
      for choice in 0..<(1 << axes.count) {
        var (place, isNegative) = (0, false)
        for (number, axis) in axes.enumerated() {
          let isEnd = choice >> number & 1 == 1
          let coordinate = block.offsets[axis] + (isEnd ? block.sizes[axis] : 0)
          place += (ranks[number][coordinate] ?? 0) * factors[number]
          if isEnd { isNegative.toggle() }
        }
        corners.append((place, isNegative ? -sign : sign))
      }
    }
    for block in blocks { addCorners(block, sign: 1) }
    addCorners(
      ArrayBlock(offsets: shape.map { _ in 0 }, sizes: shape), sign: -1)
    corners.sort { $0.place < $1.place }
    var (place, sum) = (-1, 0)
    for corner in corners {
      if corner.place != place {
        guard sum == 0 else { throw gaps }
        place = corner.place
      }
      sum += corner.sign
    }
    guard sum == 0 else { throw gaps }
  }

  private static var gaps: TensorIOError {
    .malformed("the chunks of the tensor overlap or leave a gap")
  }
}
