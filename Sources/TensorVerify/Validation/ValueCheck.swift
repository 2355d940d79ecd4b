internal import ByteIO
internal import TensorIO

/// Looks at the numbers of tensors: whether they are finite, and between which they lie.
struct ValueCheck {
  /// One thing that is asked of the numbers of some tensors.
  private struct Demand {
    let names: NamePattern?
    /// Nil asks for finite numbers.
    let range: ClosedRange<Double>?
  }

  private var demands: [Demand] = []

  init(_ options: ValidationOptions) {
    if options.requiresFinite { demands.append(Demand(names: nil, range: nil)) }
    for range in options.ranges { add(range.names, range.minimum, range.maximum) }
  }

  /// Asks what a policy asks.
  mutating func add(_ policy: ValidationPolicy) {
    if policy.requiresFinite { demands.append(Demand(names: nil, range: nil)) }
    for rule in policy.tensors {
      if rule.requiresFinite { demands.append(Demand(names: rule.names, range: nil)) }
      if rule.minimum != nil || rule.maximum != nil {
        add(rule.names, rule.minimum ?? -.infinity, rule.maximum ?? .infinity)
      }
    }
  }

  private mutating func add(_ names: NamePattern, _ minimum: Double, _ maximum: Double) {
    // Nothing lies in an empty range, which no ClosedRange is.
    let range = minimum <= maximum ? minimum...maximum : Double.infinity...Double.infinity
    demands.append(Demand(names: names, range: range))
  }

  /// What is found in the tensors of an archive, and what could not be read.
  func outcome(
    of archive: TensorArchive, limits: DecodingLimits
  ) -> (findings: [Finding], errors: [TensorIOError]) {
    var (findings, errors): ([Finding], [TensorIOError]) = ([], [])
    for demand in demands {
      var isMet = demand.names == nil
      for entry in archive.entries where demand.names.map(entry.isMeant) ?? true {
        isMet = true
        do throws(TensorIOError) {
          if let finding = try finding(demand, entry, limits) { findings.append(finding) }
        } catch {
          errors.append(error.located(in: .init(tensor: entry.name)))
        }
      }
      if !isMet, let names = demand.names {
        findings.append(
          Finding(
            .missingTensor,
            "no tensor is named '\(names.description.escapedForDisplay)', of which a range is asked"
          ))
      }
    }
    return (findings, errors)
  }

  private func finding(
    _ demand: Demand, _ entry: TensorArchive.Entry, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Finding? {
    let tensor = entry.tensor
    // A meta tensor has no numbers, and objects are a finding of their own.
    guard tensor.hasElements, tensor.count > 0, !tensor.dtype.containsObjects else { return nil }
    let test: NumberTest?
    if let range = demand.range {
      test = NumberTest.outside(range.lowerBound, range.upperBound, of: tensor.dtype)
    } else {
      test = NumberTest.notFinite(tensor.dtype)
      // Integers, texts and bits are finite; records are not looked into.
      if test == nil, !tensor.dtype.isRecord { return nil }
    }
    guard let test else {
      return Finding(
        .uncheckedValues, "elements of \(tensor.dtype) are not looked at", tensor: entry.name)
    }
    // Elements along an axis of stride 0 are one; of a terabyte of them, all were looked at long ago.
    let distinct = try tensor.withoutBroadcasting()
    guard let failure = try Self.failures(of: test, in: distinct, limits) else { return nil }
    let index =
      "[" + distinct.index(of: failure.first).map(String.init).joined(separator: ", ") + "]"
    let count = "\(failure.count) of \(distinct.count) elements"
    if let range = demand.range {
      return Finding(
        .outOfRange,
        "\(count) lie outside of \(range.lowerBound)...\(range.upperBound); the first is \(index)",
        tensor: entry.name)
    }
    return Finding(
      .notFinite, "\(count) are not finite; the first is \(index)", tensor: entry.name)
  }

  /// The elements that fail: the first in row-major order, and how many there are.
  private static func failures(
    of test: NumberTest, in tensor: Tensor, _ limits: DecodingLimits
  ) throws(TensorIOError) -> (first: Int, count: Int)? {
    let found = Locked<(first: Int, count: Int)>((.max, 0))
    let note = { @Sendable (bytes: Span<UInt8>, start: Int) in
      guard let failure = test.failures(bytes) else { return }
      let first = start + failure.first / test.numbersPerElement
      found.withLock { $0 = (min($0.first, first), $0.count + failure.count) }
    }
    let isDone = unsafe try tensor.forEachPart(
      partBytes: 512 << 10, batch: 4, limits: limits
    ) { (bytes, first) throws(TensorIOError) in note(unsafe Span<UInt8>(_unsafeBytes: bytes), first)
    }
    if !isDone {
      var start = 0
      try tensor.streamElements(limits: limits) { (chunk) throws(TensorIOError) in
        note(chunk, start)
        start += chunk.count / (test.width * test.numbersPerElement)
      }
    }
    let total = found.withLock { $0 }
    // Of a complex number both halves may fail.
    return total.count == 0 ? nil : (total.first, min(total.count, tensor.count))
  }
}

extension DType {
  fileprivate var isRecord: Bool {
    if case .structured = self { return true }
    return false
  }
}

extension Tensor {
  /// The tensor with one index along every axis of stride 0.
  fileprivate func withoutBroadcasting() throws(TensorIOError) -> Tensor {
    guard strides.contains(0), dtype.bitWidth % 8 == 0 else { return self }
    let lengths = zip(shape, strides).map { $1 == 0 ? 1 : $0 }
    return try Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: lengths, strides: strides, offset: offset,
      storage: storage, isConjugated: isConjugated, isNegated: isNegated)
  }

  /// The index on each axis of an element that is counted in row-major order.
  fileprivate func index(of element: Int) -> [Int] {
    var rest = element
    var index: [Int] = []
    for length in shape.reversed() {
      index.append(rest % max(1, length))
      rest /= max(1, length)
    }
    return index.reversed()
  }
}
