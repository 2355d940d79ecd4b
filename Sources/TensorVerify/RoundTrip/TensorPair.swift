internal import ByteIO
internal import TensorIO

/// A tensor of the first archive with what it is in the second.
struct TensorPair: Sendable {
  let name: String
  let left: Tensor
  let right: Tensor
  /// Whether both have elements that are bytes.
  private var hasBytes: Bool {
    left.hasElements && right.hasElements && !left.dtype.containsObjects
      && !right.dtype.containsObjects
  }

  init(_ name: String, _ left: Tensor, _ right: Tensor) {
    self.name = name
    self.left = left
    self.right = right
  }

  /// Whether elements lie alike; where they do not, the strides tell so.
  var hasSameLayout: Bool { left.shape == right.shape && left.layout == right.layout }

  /// The tensors that belong to both without being values: scales and zero points.
  var parts: [TensorPair] {
    guard case .perChannel(_, let scales, let zeroPoints, _) = left.quantization,
      case .perChannel(_, let otherScales, let otherZeroPoints, _) = right.quantization
    else { return [] }
    return [
      TensorPair(name, scales, otherScales), TensorPair(name, zeroPoints, otherZeroPoints),
    ]
  }

  /// Compares all but elements and sharing.
  func compareFacts(_ options: ArchiveComparison.Options, _ notes: inout DifferenceNotes) {
    func note(_ axis: ComparisonAxis, _ before: String, _ after: String) {
      if before != after { notes.add(axis, name, before, after) }
    }
    note(.dtype, left.dtype.exactText, right.dtype.exactText)
    note(.shape, "\(left.shape)", "\(right.shape)")
    if left.shape == right.shape, !hasSameLayout {
      notes.add(.strides, name, "\(left.strides)", "\(right.strides)")
    }
    if options.comparesByteOrder, left.dtype.swapUnit > 1, right.dtype.swapUnit > 1 {
      note(.byteOrder, "\(left.byteOrder)", "\(right.byteOrder)")
    }
    note(.device, "\(left.device)", "\(right.device)")
    note(.requiresGrad, "\(left.requiresGrad)", "\(right.requiresGrad)")
    note(.signs, left.signs, right.signs)
    note(.quantization, left.quantizationText, right.quantizationText)
    if left.hasElements != right.hasElements {
      notes.add(
        .elements, name, left.hasElements ? "elements" : nil, right.hasElements ? "elements" : nil)
    }
  }

  /// Compares the elements of many, several at a time.
  static func compareElements(
    _ pairs: [TensorPair], limits: DecodingLimits, _ notes: inout DifferenceNotes
  ) throws(TensorIOError) {
    var jobs: [(pair: TensorPair, axis: ComparisonAxis)] = []
    for pair in pairs {
      jobs.append((pair, .elements))
      for part in pair.parts { jobs.append((part, .quantization)) }
    }
    let work = jobs
    let results = ResultSlots<ElementComparison.Result?>(count: work.count, initial: nil)
    try Parallel.forEach(work.count) { (index) throws(TensorIOError) in
      let pair = work[index].pair
      guard pair.hasBytes, pair.left.shape == pair.right.shape else { return }
      results[index] = try locating(.init(tensor: pair.name)) { () throws(TensorIOError) in
        try ElementComparison.compare(pair.left, pair.right, limits: limits)
      }
    }
    for (job, result) in zip(work, results.all) {
      guard let result else { continue }
      notes.add(job.axis, job.pair.name, result.left, result.right, isDeclarable: false)
    }
  }
}

extension Tensor {
  /// The strides that tell where elements lie, in the shape that they have.
  fileprivate var layout: [Int] {
    if shape.contains(0) { return [] }
    return zip(shape, strides).map { $0 > 1 ? $1 : 0 }
  }

  fileprivate var signs: String {
    let words = [isConjugated ? "conjugated" : nil, isNegated ? "negated" : nil].compactMap { $0 }
    return words.isEmpty ? "as stored" : words.joined(separator: ", ")
  }

  fileprivate var quantizationText: String {
    switch quantization {
    case nil: "none"
    case .perTensor(let scheme, let scale, let zeroPoint):
      "\(scheme.rawValue), scale \(scale) (\(scale.bitPattern)), zero point \(zeroPoint)"
    case .perChannel(let scheme, let scales, let zeroPoints, let axis):
      "\(scheme.rawValue), \(scales.dtype) scales and \(zeroPoints.dtype) zero points of axis \(axis)"
    }
  }
}

extension DType {
  /// The dtype with all that makes two records differ.
  fileprivate var exactText: String {
    guard case .structured(let type) = self else { return description }
    return "\(description), \(type.byteCount) bytes: " + type.fields.map { "\($0)" }.joined()
  }
}
