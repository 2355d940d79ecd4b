package import ByteIO
internal import CTensorKernels

/// Conversion of contiguous little-endian elements from one dtype to another.
package struct ElementConversion: Sendable {
  /// What the elements are.
  package let source: DType
  /// What they become.
  package let target: DType
  /// What becomes of numbers that the target cannot hold.
  package let policy: CastPolicy
  /// Whether reports are made; they cost about as much as conversion does.
  package let isMeasuring: Bool

  private let from: (type: NumberType, layout: NumberLayout)
  private let to: (type: NumberType, layout: NumberLayout)
  private let reference: ReferenceConversion
  /// The kernels' instruction set; nil to convert by the reference alone.
  private let level: Int32?

  /// A conversion, on the best instructions that the processor has.
  /// - Throws: `unsupported` for dtypes that are not numbers.
  package init(
    from source: DType, to target: DType, policy: CastPolicy, isMeasuring: Bool = false
  ) throws(TensorIOError) {
    try self.init(
      from: source, to: target, policy: policy, isMeasuring: isMeasuring, level: Self.bestLevel)
  }

  /// The best of the kernels' instruction sets that the processor has.
  static let bestLevel: Int32 = tio_best_level()

  init(
    from source: DType, to target: DType, policy: CastPolicy, isMeasuring: Bool, level: Int32?
  ) throws(TensorIOError) {
    guard let from = source.numbers, let to = target.numbers else {
      throw .unsupported("converting \(source) to \(target)")
    }
    self.source = source
    self.target = target
    self.policy = policy
    self.isMeasuring = isMeasuring
    self.from = from
    self.to = to
    self.level = level
    reference = ReferenceConversion(from: from.type, to: to.type, policy: policy)
  }

  /// Elements of the source in the smallest run that becomes whole elements of the target.
  package var sourceUnit: Int { to.layout == .pair && from.layout != .pair ? 2 : 1 }

  /// The bytes that whole units become.
  package func targetByteCount(ofSource byteCount: Int) throws(TensorIOError) -> Int {
    let units = byteCount / (source.bitWidth / 8 * sourceUnit)
    return try units.multiplied(by: targetUnitBytes, "the size of the converted tensor")
  }

  /// The bytes of the target that a unit becomes.
  var targetUnitBytes: Int {
    target.bitWidth / 8 * (from.layout == .pair && to.layout != .pair ? 2 : 1)
  }

  /// Numbers, or pairs of parts, that an element of the source is.
  private var numbersInSource: Int { from.layout == .pair ? 2 : 1 }

  /// Converts whole units.
  /// - Parameters:
  ///   - target: as many bytes as ``targetByteCount(ofSource:)`` says.
  ///   - first: the index of the first element in the tensor, for messages.
  ///   - report: receives what changed, if ``isMeasuring``.
  /// - Throws: `lossy` for the first number that the policy refuses.
  package func convert(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, first: Int,
    report: inout ConversionReport
  ) throws(TensorIOError) {
    guard let input = source.baseAddress, let output = target.baseAddress, source.count > 0 else {
      return
    }
    let count = source.count / (self.source.bitWidth / 8) * numbersInSource
    let start = first * numbersInSource
    if from.layout == .single && to.layout == .single {
      return unsafe try run(input, output, count, start, &report)
    }
    if from.layout == .complex && to.layout == .complex {
      return unsafe try run(input, output, 2 * count, 2 * start, &report)
    }
    unsafe try convertInBlocks(input, output, count, start, &report)
  }

  private static let block = Int(TIO_BLOCK)

  /// Conversions between elements that are made of numbers in different ways.
  private func convertInBlocks(
    _ input: UnsafeRawPointer, _ output: UnsafeMutableRawPointer, _ count: Int, _ first: Int,
    _ report: inout ConversionReport
  ) throws(TensorIOError) {
    let (fromSize, toSize) = (from.type.byteCount, to.type.byteCount)
    let before = UnsafeMutableRawPointer.allocate(byteCount: 16 * Self.block, alignment: 64)
    let after = UnsafeMutableRawPointer.allocate(byteCount: 16 * Self.block, alignment: 64)
    defer {
      unsafe before.deallocate()
      unsafe after.deallocate()
    }
    for done in stride(from: 0, to: count, by: Self.block) {
      let numbers = min(Self.block, count - done)
      // SAFETY: the positions are those of whole elements inside of both buffers; a block of pairs
      // has an even number of numbers, as all units have.
      switch from.layout {
      case .single: break
      case .complex:
        unsafe try splitParts(
          input + 2 * done * fromSize, before, numbers, first + done, &report)
      case .pair: unsafe tio_split_nibbles(input + done / 2, before, numbers / 2)
      }
      unsafe try run(
        from.layout == .single ? input + done * fromSize : UnsafeRawPointer(before),
        to.layout == .single ? output + done * toSize : after, numbers, first + done, &report)
      switch to.layout {
      case .single: break
      case .complex: unsafe tio_join_parts(toSize, after, output + 2 * done * toSize, numbers)
      case .pair: unsafe tio_join_nibbles(after, output + done / 2, numbers / 2)
      }
    }
  }

  /// The real parts; of complex numbers that become bool, a number that is 0 where both parts are.
  private func splitParts(
    _ input: UnsafeRawPointer, _ parts: UnsafeMutableRawPointer, _ count: Int, _ first: Int,
    _ report: inout ConversionReport
  ) throws(TensorIOError) {
    let size = from.type.byteCount
    let dropped = unsafe tio_split_parts(size, input, parts, count)
    guard dropped > 0 else { return }
    if to.type == .bool {
      for index in 0..<count where unsafe !number(at: input + (2 * index + 1) * size).isZero {
        // SAFETY: a NaN of any float type, which is true.
        unsafe (parts + index * size).initializeMemory(as: UInt8.self, repeating: 0xff, count: size)
      }
      return
    }
    if policy == .exact || policy == .checked {
      for index in 0..<count {
        let imaginary = unsafe number(at: input + (2 * index + 1) * size)
        guard !imaginary.isZero else { continue }
        throw refusal(
          "\(unsafe number(at: input + 2 * index * size))+\(imaginary)j", at: first + index)
      }
    }
    if isMeasuring { report.changed += dropped }
  }

  private func number(at place: UnsafeRawPointer) -> RealNumber {
    // SAFETY: the callers point at a whole number.
    let bytes = unsafe UnsafeRawBufferPointer(start: place, count: from.type.byteCount)
    return RealNumber(from.type, unsafe Span<UInt8>(_unsafeBytes: bytes))
  }

  /// Converts numbers that follow each other.
  private func run(
    _ input: UnsafeRawPointer, _ output: UnsafeMutableRawPointer, _ count: Int, _ first: Int,
    _ report: inout ConversionReport
  ) throws(TensorIOError) {
    let (fromSize, toSize) = (from.type.byteCount, to.type.byteCount)
    guard let level, let source = from.type.kernel, let target = to.type.kernel else {
      return unsafe try runReference(input, output, 0..<count, first, &report)
    }
    if source == target, policy != .exact || source != TIO_BOOL {
      unsafe output.copyMemory(from: input, byteCount: count * fromSize)
      if isMeasuring { report.count += count }
      return
    }
    var done = 0
    while done < count {
      // SAFETY: the callers hand whole numbers of both types, `count` of each.
      done += unsafe tio_convert(
        level, source, target, range, input + done * fromSize, output + done * toSize,
        count - done)
      let block = done..<min(done + Self.block, count)
      if !block.isEmpty {
        unsafe try convertByReference(input, output, block, first)
        done = block.upperBound
      }
    }
    guard isMeasuring || policy == .exact else { return }
    var found = tio_differences()
    unsafe tio_compare(level, source, target, input, output, count, &found)
    if policy == .exact, found.changed > 0 {
      // The reference says which.
      unsafe try convertByReference(input, output, 0..<count, first)
    }
    if isMeasuring { report += ConversionReport(found, count: count) }
  }

  /// What the kernels do about numbers out of range.
  private var range: tio_range {
    switch policy {
    case .exact, .checked: TIO_STOP
    case .saturating: TIO_SATURATE
    case .wrapping: TIO_WRAP
    }
  }

  private func convertByReference(
    _ input: UnsafeRawPointer, _ output: UnsafeMutableRawPointer, _ range: Range<Int>,
    _ first: Int
  ) throws(TensorIOError) {
    let (fromSize, toSize) = (from.type.byteCount, to.type.byteCount)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.block) {
      let block = start..<min(start + Self.block, range.upperBound)
      // SAFETY: as for the caller's.
      let numbers = unsafe Span<UInt8>(
        _unsafeBytes: UnsafeRawBufferPointer(
          start: input + start * fromSize, count: block.count * fromSize))
      var bytes: [UInt8] = []
      bytes.reserveCapacity(block.count * toSize)
      if let (index, number) = reference.convert(numbers, to: &bytes) {
        throw refusal("\(number)", at: first + start + index)
      }
      unsafe bytes.withUnsafeBytes { result in
        unsafe UnsafeMutableRawBufferPointer(
          start: output + start * toSize, count: result.count
        ).copyMemory(from: result)
      }
    }
  }

  private func runReference(
    _ input: UnsafeRawPointer, _ output: UnsafeMutableRawPointer, _ range: Range<Int>,
    _ first: Int, _ report: inout ConversionReport
  ) throws(TensorIOError) {
    unsafe try convertByReference(input, output, range, first)
    guard isMeasuring else { return }
    for index in range {
      let before = unsafe number(at: input + index * from.type.byteCount)
      let bytes = unsafe UnsafeRawBufferPointer(
        start: output + index * to.type.byteCount, count: to.type.byteCount)
      report.add(before, RealNumber(to.type, unsafe Span<UInt8>(_unsafeBytes: bytes)), to.type)
    }
  }

  /// - Parameter index: of a number; complex numbers have two of them.
  private func refusal(_ number: String, at index: Int) -> TensorIOError {
    let parts = numbersInSource * (from.layout == .complex && to.layout == .complex ? 2 : 1)
    return TensorIOError(
      .lossy,
      "element \(index / parts) is \(number), which \(target) cannot hold; other policies "
        + "(--cast-policy) can: "
        + (policy == .exact ? "checked rounds, " : "")
        + "saturating takes the nearest number, wrapping what is left of it")
  }
}

extension ConversionReport {
  fileprivate init(_ found: tio_differences, count: Int) {
    self.count = count
    changed = Int(found.changed)
    overflowed = Int(found.overflowed)
    nanChanges = Int(found.nans)
    maxAbsoluteError = found.absolute
    maxRelativeError = found.relative
    maxULPError = found.ulps
  }
}
