internal import ByteIO

/// A block, and where its runs lie.
struct LaidBlock: Sendable {
  let tensor: Tensor
  /// The bytes of the first element in the whole.
  private let first: Int
  /// The axes over which runs count, with the strides of the whole in bytes.
  private let axes: [(size: Int, stride: Int)]
  /// The bytes of a run.
  let runBytes: Int

  init(_ block: TensorBlock, shape: [Int], strides: [Int], itemSize: Int) {
    tensor = block.tensor
    let sizes = block.tensor.shape
    first = zip(block.offsets, strides).reduce(0) { $0 + $1.0 * $1.1 }
    // Behind the last axis that the block does not fill, elements follow each other.
    let inner = shape.indices.last { sizes[$0] != shape[$0] } ?? 0
    axes = shape.indices.prefix(inner).map { (sizes[$0], strides[$0]) }
    runBytes = sizes.dropFirst(inner).reduce(itemSize, *)
  }

  /// Where a run begins in the whole, in bytes.
  func start(ofRun number: Int) -> Int {
    var (rest, place) = (number, first)
    for axis in axes.reversed() {
      place += rest % axis.size * axis.stride
      rest /= axis.size
    }
    return place
  }
}

/// Reads a block from its start to its end.
struct BlockReader {
  private let loader: any PartLoading
  /// Where the elements begin in the source.
  private let base: Int
  private let byteCount: Int
  private let block: LaidBlock
  private let budget: DecodingBudget
  /// What was charged for a block in memory.
  private let charged: Int
  private var position = 0
  /// Bytes that were read ahead of many small runs.
  private var window: [UInt8] = []
  private var windowStart = 0
  private let windowSize: Int

  init(
    _ block: LaidBlock, _ budget: DecodingBudget, _ limits: DecodingLimits, window: Int
  ) throws(TensorIOError) {
    self.block = block
    self.budget = budget
    let tensor = block.tensor
    byteCount = tensor.byteCount
    windowSize = window > block.runBytes ? min(window, streamChunkBytes) : 0
    let isPlain =
      tensor.isContiguous && !tensor.isConjugated && !tensor.isNegated
      && StorageRewrite(toLittleEndian: tensor).isIdentity
    if isPlain, let loader = (tensor.storage.source as? any PartwiseSource)?.partLoader() {
      self.loader = loader
      base = tensor.offset * tensor.dtype.bitWidth / 8
      charged = 0
      return
    }
    // Deflated, or in another order: in memory while it is needed.
    charged = byteCount
    try budget.reserve(charged)
    let copy = try tensor.loaded(limits: limits).storage.source
    guard let loader = (copy as? any PartwiseSource)?.partLoader() else {
      throw TensorIOError(.io, "a chunk in memory cannot be read")
    }
    self.loader = loader
    base = 0
  }

  /// The number of the run that follows; nil at the end.
  var nextRun: Int? { position < byteCount ? position / block.runBytes : nil }

  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    defer { position += buffer.count }
    guard windowSize > 0 else {
      return unsafe try loader.load(base + position..<base + position + buffer.count, into: buffer)
    }
    var done = 0
    while done < buffer.count {
      let start = position + done - windowStart
      guard start < window.count else {
        try refill(at: position + done)
        continue
      }
      let count = min(buffer.count - done, window.count - start)
      unsafe window.withUnsafeBytes { bytes in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
      }
      done += count
    }
  }

  private mutating func refill(at start: Int) throws(TensorIOError) {
    let count = min(windowSize, byteCount - start)
    guard count > 0 else { throw TensorIOError(.io, "a chunk ended too early") }
    if window.count != count { window = [UInt8](repeating: 0, count: count) }
    let range = base + start..<base + start + count
    let (loader, failure) = (loader, Locked<TensorIOError?>(nil))
    unsafe window.withUnsafeMutableBytes { bytes in
      do throws(TensorIOError) {
        unsafe try loader.load(range, into: bytes)
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    windowStart = start
  }

  /// Compares the block with its checksum.
  func finish() throws(TensorIOError) {
    try loader.finish()
    budget.release(charged)
  }
}
