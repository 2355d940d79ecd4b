internal import ByteIO

/// Cuts a shape into blocks that follow each other in row-major order and fit in a chunk.
struct GatherPlan: Sendable {
  /// A part of the shape.
  struct Block {
    /// The index of the first element, one number an axis.
    let index: [Int]
    let shape: [Int]
    /// The index of the first element in row-major order.
    let first: Int
    /// The number of elements.
    let count: Int
  }

  private let shape: [Int]
  private let axis: Int
  private let blockLength: Int
  /// The number of elements behind one index of the cut axis.
  private let innerCount: Int
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
    innerCount = shape[axis...].reduce(1, *)
  }

  /// The number of blocks along the cut axis.
  private var rowBlocks: Int { (shape[axis] + blockLength - 1) / blockLength }

  /// The number of blocks; 0 for a shape without elements.
  var blockCount: Int {
    if shape.contains(0) { return 0 }
    return axis < 0 ? 1 : shape[..<axis].reduce(rowBlocks, *)
  }

  /// The block with a number below ``blockCount``.
  func block(_ number: Int) -> Block {
    var index = [Int](repeating: 0, count: shape.count)
    guard axis >= 0 else { return Block(index: index, shape: shape, first: 0, count: innerCount) }
    var outer = number / rowBlocks
    let row = outer
    index[axis] = number % rowBlocks * blockLength
    for position in (0..<axis).reversed() {
      index[position] = outer % shape[position]
      outer /= shape[position]
    }
    var block = shape
    for position in 0..<axis { block[position] = 1 }
    block[axis] = min(blockLength, shape[axis] - index[axis])
    return Block(
      index: index, shape: block, first: (row * shape[axis] + index[axis]) * innerCount,
      count: block[axis] * innerCount)
  }

  /// Calls `body` with the first index of each block and the block's shape.
  func forEachBlock(
    _ body: (_ index: [Int], _ shape: [Int]) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    for number in 0..<blockCount {
      let block = block(number)
      try body(block.index, block.shape)
    }
  }
}
