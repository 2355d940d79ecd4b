internal import ByteIO

/// Cuts a shape into blocks that follow each other in row-major order and fit in a chunk.
struct GatherPlan {
  private let shape: [Int]
  private let axis: Int
  private let blockLength: Int
  /// The size of the largest block in bytes.
  let blockBytes: Int

  /// Plans blocks of at most `chunkBytes`, but one element at least.
  init(shape: [Int], itemSize: Int, chunkBytes: Int) {
    self.shape = shape
    var inner = max(1, itemSize)
    var axis = shape.count
    while axis > 0, inner <= chunkBytes / max(1, shape[axis - 1]) {
      axis -= 1
      inner *= shape[axis]
    }
    // Axes from `axis` on fit whole; the one before is cut.
    self.axis = axis - 1
    let length = axis > 0 ? max(1, min(shape[axis - 1], chunkBytes / inner)) : 1
    blockLength = length
    blockBytes = inner * length
  }

  /// Calls `body` with the first index of each block and the block's shape.
  func forEachBlock(
    _ body: (_ index: [Int], _ shape: [Int]) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    if shape.contains(0) { return }
    var index = [Int](repeating: 0, count: shape.count)
    guard axis >= 0 else { return try body(index, shape) }
    var block = shape
    for outer in 0..<axis { block[outer] = 1 }
    while true {
      block[axis] = min(blockLength, shape[axis] - index[axis])
      try body(index, block)
      index[axis] += block[axis]
      var carried = axis
      while carried > 0, index[carried] == shape[carried] {
        index[carried] = 0
        carried -= 1
        index[carried] += 1
      }
      if index[carried] == shape[carried] { return }
    }
  }
}
