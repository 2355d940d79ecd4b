internal import Synchronization
package import ByteIO

/// The elements of a tensor as another dtype, row-major and little-endian, converted when somebody
/// asks for them.
///
/// A source like a file: what was asked for once is converted again the next time, unless a
/// ``TensorStorage`` keeps it.
package final class ConvertedBytes: ByteSource {
  /// What is converted.
  package let original: Tensor
  /// The shape of the result: that of the original but for pairs, of which two numbers are one.
  package let shape: [Int]
  package let byteCount: Int

  private let conversion: ElementConversion
  private let dequantizer: Dequantizer?
  private let limits: DecodingLimits
  private let lastReport = Mutex<ConversionReport>(ConversionReport())

  package init(
    _ original: Tensor, to target: DType, policy: CastPolicy, isMeasuring: Bool,
    _ limits: DecodingLimits
  ) throws(TensorIOError) {
    try original.requireElements()
    self.original = original
    self.limits = limits
    dequantizer = try Dequantizer(original)
    conversion = try ElementConversion(
      from: dequantizer == nil ? original.dtype : .float32, to: target, policy: policy,
      isMeasuring: isMeasuring)
    shape = try Self.shape(of: original, conversion)
    byteCount = try Shape.byteCount(of: target, shape: shape)
  }

  private static func shape(
    of tensor: Tensor, _ conversion: ElementConversion
  ) throws(TensorIOError) -> [Int] {
    var shape = tensor.shape
    if conversion.sourceUnit == 2 {
      guard let last = shape.last, last % 2 == 0 else {
        throw .invalidArgument(
          "\(conversion.target) holds pairs, which the last axis of the shape \(shape) does not make"
        )
      }
      shape[shape.count - 1] = last / 2
    } else if conversion.targetUnitBytes > conversion.target.bitWidth / 8 {
      let last = shape.popLast() ?? 1
      shape.append(try last.multiplied(by: 2, "the number of 4-bit floats"))
    }
    return shape
  }

  /// The converted tensor, over these bytes or a copy of them.
  package func tensor(over source: any ByteSource) throws(TensorIOError) -> Tensor {
    let target = conversion.target
    return try Tensor(
      dtype: target, shape: shape, storage: TensorStorage(source), device: original.device,
      requiresGrad: original.requiresGrad && (target.isFloatingPoint || target.isComplex))
  }

  /// How the numbers changed when they were last converted.
  package var report: ConversionReport { lastReport.withLock { $0 } }

  package var isResident: Bool { false }
  package func requireUnchanged() throws(TensorIOError) {
    try original.storage.source.requireUnchanged()
  }

  package func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }
}

// MARK: In order

extension ConvertedBytes {
  /// Of source or target, whichever is longer; both stay in the second-level cache.
  private static let pieceBytes = 256 << 10

  /// The bytes of a unit in the source.
  private var unit: Int { conversion.source.bitWidth / 8 * conversion.sourceUnit }

  /// Units that are converted at a time.
  private var pieceUnits: Int {
    max(1, Self.pieceBytes / max(unit, conversion.targetUnitBytes))
  }

  package func stream(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var pass = Pass(byteCount: pieceUnits * conversion.targetUnitBytes)
    defer { pass.deallocate() }
    var carry = ElementCarry(unit: unit)
    try forEachNumber { (chunk) throws(TensorIOError) in
      if carry.isAligned(chunk.count) {
        try convert(chunk, &pass, body)
      } else {
        try carry.add(chunk, rewrite: nil) { (whole) throws(TensorIOError) in
          try convert(whole, &pass, body)
        }
      }
    }
    lastReport.withLock { $0 = pass.report }
  }

  /// What changes from chunk to chunk.
  @safe
  private struct Pass {
    var report = ConversionReport()
    /// The elements that were converted.
    var first = 0
    let piece: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
      unsafe piece = .allocate(byteCount: byteCount, alignment: 64)
    }

    func deallocate() { unsafe piece.deallocate() }
  }

  private func convert(
    _ chunk: Span<UInt8>, _ pass: inout Pass, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var start = 0
    while start < chunk.count {
      let count = min(chunk.count - start, pieceUnits * unit)
      let part = chunk.extracting(start..<start + count)
      let size = try conversion.targetByteCount(ofSource: count)
      let result = unsafe UnsafeMutableRawBufferPointer(rebasing: pass.piece[..<size])
      let failure = unsafe part.withUnsafeBytes { bytes -> TensorIOError? in
        do throws(TensorIOError) {
          unsafe try conversion.convert(
            bytes, into: result, first: pass.first, report: &pass.report)
          return nil
        } catch {
          return error
        }
      }
      if let failure { throw failure }
      try body(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(result)))
      start += count
      pass.first += count / (conversion.source.bitWidth / 8)
    }
  }

  /// The elements that conversion starts from, in order.
  private func forEachNumber(
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    guard let dequantizer else { return try original.streamElements(limits: limits, body) }
    var position = 0
    try original.streamElements(limits: limits) { (chunk) throws(TensorIOError) in
      try dequantizer.forEachRun(of: chunk, first: &position, body)
    }
  }
}

// MARK: On all cores

extension ConvertedBytes {
  package func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try requireSize(of: buffer)
    if byteCount == 0 { return }
    if dequantizer == nil, original.dtype.bitWidth % 8 == 0 {
      if original.isContiguous {
        if let source = original.storage.source as? any RandomAccessSource, source.hasRandomAccess {
          try original.storage.verify()
          return unsafe try loadPieces(of: source, into: buffer)
        }
      } else if conversion.sourceUnit == 1 {
        return unsafe try loadBlocks(into: buffer)
      }
    }
    var position = 0
    try stream { (chunk) throws(TensorIOError) in
      unsafe chunk.withUnsafeBytes { bytes in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[position...]).copyMemory(from: bytes)
      }
      position += chunk.count
    }
  }

  /// Adds up reports of pieces that are converted at the same time.
  private func measuring(
    _ body: (_ add: @escaping @Sendable (ConversionReport) -> Void) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let total = MutexBox()
    try body { report in total.report.withLock { $0 += report } }
    lastReport.withLock { $0 = total.report.withLock { $0 } }
  }

  private final class MutexBox: Sendable {
    let report = Mutex(ConversionReport())
  }

  /// Converts contiguous elements, read from the file piece by piece.
  private func loadPieces(
    of source: any RandomAccessSource, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    let (unit, target) = (unit, conversion.targetUnitBytes)
    let start = original.firstIndex * (original.dtype.bitWidth / 8)
    let units = original.byteCount / unit
    let pieceUnits = pieceUnits
    let rewrite = ElementRewrite(original)
    // SAFETY: pieces do not overlap, and `buffer` outlives the loop.
    nonisolated(unsafe) let buffer = unsafe buffer
    try measuring { (add) throws(TensorIOError) in
      unsafe try Parallel.forEach(
        (units + pieceUnits - 1) / pieceUnits, scratchBytes: pieceUnits * unit
      ) { (index, scratch) throws(TensorIOError) in
        let piece = index * pieceUnits..<min((index + 1) * pieceUnits, units)
        let place = start + piece.lowerBound * unit
        let result = unsafe UnsafeMutableRawBufferPointer(
          rebasing: buffer[piece.lowerBound * target..<piece.upperBound * target])
        let first = piece.lowerBound * conversion.sourceUnit
        var report = ConversionReport()
        let convert = { (bytes: UnsafeRawBufferPointer) throws(TensorIOError) in
          unsafe try self.conversion.convert(bytes, into: result, first: first, report: &report)
        }
        let size = piece.count * unit
        if rewrite.isIdentity,
          unsafe try source.withOwnBytes({ (region) throws(TensorIOError) in
            unsafe try convert(UnsafeRawBufferPointer(rebasing: region[place..<place + size]))
          }) != nil
        {
          return add(report)
        }
        let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<size])
        unsafe try source.read(at: place, into: bytes)
        unsafe rewrite.apply(to: bytes)
        unsafe try convert(UnsafeRawBufferPointer(bytes))
        add(report)
      }
    }
    try source.requireUnchanged()
  }

  /// Converts a strided view, gathered block by block.
  private func loadBlocks(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    try original.requireExpansion(limits)
    let itemSize = original.dtype.bitWidth / 8
    let plan = GatherPlan(
      shape: original.shape, itemSize: itemSize, chunkBytes: pieceUnits * unit)
    var blocks: [(source: Int, first: Int, shape: [Int])] = []
    var first = 0
    try plan.forEachBlock { (index, shape) in
      let start = zip(index, original.strides).reduce(original.offset) { $0 + $1.0 * $1.1 }
      blocks.append((start, first, shape))
      first += shape.reduce(1, *)
    }
    let rewrite = ElementRewrite(original)
    let target = conversion.targetUnitBytes
    let all = blocks
    try original.storage.verifyInPlace()
    // SAFETY: blocks do not overlap in the target, and both regions outlive the loop.
    nonisolated(unsafe) let buffer = unsafe buffer
    unsafe try original.storage.withUnsafeBytes { (region) throws(TensorIOError) in
      guard let base = region.baseAddress else { return }
      nonisolated(unsafe) let source = unsafe base
      try measuring { (add) throws(TensorIOError) in
        unsafe try Parallel.forEach(all.count, scratchBytes: plan.blockBytes) {
          (index, scratch) throws(TensorIOError) in
          let block = all[index]
          let count = block.shape.reduce(1, *)
          let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<(count * itemSize)])
          unsafe Tensor.gather(
            into: bytes, from: source + block.source * itemSize, itemSize: itemSize,
            shape: block.shape, strides: self.original.strides)
          unsafe rewrite.apply(to: bytes)
          let result = unsafe UnsafeMutableRawBufferPointer(
            rebasing: buffer[block.first * target..<(block.first + count) * target])
          var report = ConversionReport()
          unsafe try self.conversion.convert(
            UnsafeRawBufferPointer(bytes), into: result, first: block.first, report: &report)
          add(report)
        }
      }
    }
    try original.storage.source.requireUnchanged()
  }
}
