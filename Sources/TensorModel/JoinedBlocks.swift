package import ByteIO

/// A part of a tensor that lies by itself: a chunk of a distributed checkpoint.
package struct TensorBlock: Sendable {
  /// Where it begins in the whole.
  package let offsets: [Int]
  /// Its elements.
  package let tensor: Tensor

  package init(offsets: [Int], tensor: Tensor) {
    self.offsets = offsets
    self.tensor = tensor
  }
}

extension Tensor {
  /// A tensor made of blocks, which are read when somebody asks for its elements.
  /// - Parameter budget: the account of what is kept in memory for bytes in place.
  /// - Throws: `malformed` when the blocks do not tile the shape or are of another dtype;
  ///   `unsupported` for elements that are no whole bytes.
  package init(
    joining blocks: [TensorBlock], dtype: DType, shape: [Int], requiresGrad: Bool,
    limits: DecodingLimits, budget: DecodingBudget? = nil
  ) throws(TensorIOError) {
    let byteCount = try Shape.byteCount(of: dtype, shape: shape)
    try BlockTiling.require(
      blocks.map { ArrayBlock(offsets: $0.offsets, sizes: $0.tensor.shape) }, tile: shape)
    guard dtype.bitWidth % 8 == 0, !dtype.isQuantized, !dtype.containsObjects else {
      throw .unsupported("\(dtype) in several chunks")
    }
    guard blocks.allSatisfy({ $0.tensor.dtype == dtype }) else {
      throw .malformed("a chunk has another dtype than its tensor")
    }
    let source = JoinedBlocks(
      blocks.filter { $0.tensor.byteCount > 0 }, shape: shape, itemSize: dtype.bitWidth / 8,
      byteCount: byteCount, limits: limits)
    try self.init(
      dtype: dtype, shape: shape,
      storage: TensorStorage(source, budget: budget ?? DecodingBudget(limits)),
      requiresGrad: requiresGrad)
  }
}

/// The elements of blocks that tile an array, in row-major order.
///
/// Each block is a row of runs, which lie in the whole with gaps between them. At every place of the
/// whole exactly one block has its next run there.
private final class JoinedBlocks: ByteSource {
  let byteCount: Int
  private let blocks: [LaidBlock]
  private let limits: DecodingLimits

  /// What is read ahead of all blocks together.
  private static let windowBytes = 16 << 20

  init(
    _ blocks: [TensorBlock], shape: [Int], itemSize: Int, byteCount: Int, limits: DecodingLimits
  ) {
    let strides = Shape.rowMajorStrides(shape).map { $0 * itemSize }
    self.byteCount = byteCount
    self.limits = limits
    self.blocks = blocks.map { LaidBlock($0, shape: shape, strides: strides, itemSize: itemSize) }
  }

  var isResident: Bool { false }
  var isChecksummed: Bool { blocks.contains { $0.tensor.storage.source.isChecksummed } }

  func requireUnchanged() throws(TensorIOError) {
    for block in blocks { try block.tensor.storage.source.requireUnchanged() }
  }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try loadByStreaming(into: buffer)
  }

  func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: streamChunkBytes, alignment: 64)
    defer { unsafe chunk.deallocate() }
    // The blocks by the places of their next runs.
    var waiting: [Int: Int] = [:]
    for (number, block) in blocks.enumerated() { waiting[block.start(ofRun: 0)] = number }
    var readers: [Int: BlockReader] = [:]
    let budget = DecodingBudget(limits)
    var (position, filled) = (0, 0)
    while position < byteCount {
      guard let number = waiting.removeValue(forKey: position) else {
        throw .malformed("the chunks of the tensor leave a gap")
      }
      let block = blocks[number]
      var reader: BlockReader
      if let known = readers.removeValue(forKey: number) {
        reader = known
      } else {
        let window = Self.windowBytes / max(1, blocks.count)
        reader = try BlockReader(block, budget, limits, window: window)
      }
      var left = block.runBytes
      while left > 0 {
        let count = min(left, chunk.count - filled)
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[filled..<filled + count])
        unsafe try reader.read(into: part)
        (left, filled) = (left - count, filled + count)
        if filled == chunk.count {
          try body(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(chunk)))
          filled = 0
        }
      }
      position += block.runBytes
      if let next = reader.nextRun {
        waiting[block.start(ofRun: next)] = number
        readers[number] = reader
      } else {
        try reader.finish()
      }
    }
    if filled > 0 {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: chunk[..<filled])
      try body(unsafe Span<UInt8>(_unsafeBytes: rest))
    }
  }
}
