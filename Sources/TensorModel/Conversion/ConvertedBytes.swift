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
  private let lastReport = Locked(ConversionReport())

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
    if original.dtype == conversion.target, !conversion.isMeasuring {
      return unsafe try original.copyElements(into: buffer, limits: limits)
    }
    if unsafe try loadParts(into: buffer) { return }
    unsafe try loadByStreaming(into: buffer)
  }

  private func loadParts(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) -> Bool {
    guard dequantizer == nil else { return false }
    let total = Locked(ConversionReport())
    // SAFETY: parts do not overlap, and `buffer` outlives the loop.
    nonisolated(unsafe) let buffer = unsafe buffer
    let isDone = unsafe try original.forEachPart(
      partBytes: pieceUnits * unit, unit: conversion.sourceUnit,
      batch: Parallel.writtenBytes / (pieceUnits * conversion.targetUnitBytes), limits: limits
    ) { (bytes, first) throws(TensorIOError) in
      let start = first / self.conversion.sourceUnit * self.conversion.targetUnitBytes
      let end = start + (try self.conversion.targetByteCount(ofSource: bytes.count))
      var report = ConversionReport()
      unsafe try self.conversion.convert(
        bytes, into: UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end]), first: first,
        report: &report)
      if self.conversion.isMeasuring { total.withLock { $0 += report } }
    }
    if isDone { lastReport.withLock { $0 = total.withLock { $0 } } }
    return isDone
  }
}

// MARK: In parts

extension ConvertedBytes: PartwiseSource {
  package var partUnit: Int { conversion.targetUnitBytes }

  /// A loader whose parts begin and end at whole units, so that an upload converts straight into the
  /// buffers that are copied to the device.
  package func partLoader() -> (any PartLoading)? {
    guard dequantizer == nil, let elements = try? ElementParts(original) else { return nil }
    return ConvertedParts(self, elements)
  }

  private final class ConvertedParts: PartLoading {
    private let converted: ConvertedBytes
    private let elements: ElementParts
    private let report = Locked(ConversionReport())

    init(_ converted: ConvertedBytes, _ elements: ElementParts) {
      self.converted = converted
      self.elements = elements
    }

    func load(
      _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
    ) throws(TensorIOError) {
      let (unit, target) = (converted.unit, converted.conversion.targetUnitBytes)
      guard range.lowerBound % target == 0, range.count % target == 0 else {
        throw .invalidArgument("a part of converted elements that begins or ends inside of one")
      }
      let pieceUnits = converted.pieceUnits
      let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: pieceUnits * unit, alignment: 64)
      defer { unsafe scratch.deallocate() }
      let (first, count) = (range.lowerBound / target, range.count / target)
      var report = ConversionReport()
      for done in stride(from: 0, to: count, by: pieceUnits) {
        let piece = first + done..<first + min(done + pieceUnits, count)
        let result = unsafe UnsafeMutableRawBufferPointer(
          rebasing: buffer[done * target..<(done + piece.count) * target])
        unsafe try elements.withElements(
          piece.lowerBound * unit..<piece.upperBound * unit, scratch
        ) { (bytes) throws(TensorIOError) in
          unsafe try converted.conversion.convert(
            bytes, into: result, first: piece.lowerBound * converted.conversion.sourceUnit,
            report: &report)
        }
      }
      if converted.conversion.isMeasuring { self.report.withLock { $0 += report } }
    }

    func finish() throws(TensorIOError) {
      try elements.finish()
      let total = report.withLock { $0 }
      converted.lastReport.withLock { $0 = total }
    }
  }
}
