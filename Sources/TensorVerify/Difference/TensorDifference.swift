internal import ByteIO
public import TensorIO

/// How a tensor differs from the one of its name in another file.
public struct TensorDifference: Sendable {
  /// How two tensors compare; the raw values are the words in reports.
  public enum Status: String, Sendable, CaseIterable {
    /// The same dtype and shape, and all elements the same, bit for bit.
    case equal
    /// The same shape, and all numbers within the tolerance, which may be none: the same numbers in
    /// another dtype, or zeros of another sign.
    case close
    /// Some elements are not within the tolerance.
    case differ
    /// The shapes differ, the dtypes have nothing in common, or one is a meta tensor.
    case incompatible
    /// There is none on the right.
    case onlyLeft = "only_left"
    /// There is none on the left.
    case onlyRight = "only_right"
    /// The elements could not be read.
    case failed
  }

  /// The tensor on the left.
  public let left: TensorArchive.Entry?
  /// The tensor on the right.
  public let right: TensorArchive.Entry?
  /// How they compare.
  public internal(set) var status: Status
  /// How their elements differ, where they were compared.
  public internal(set) var elements: ElementDifference?
  /// How tags and layout differ, one sentence each.
  public internal(set) var layout: [String] = []
  /// What else is to be said of the status.
  public internal(set) var note: String?
  /// Why the elements could not be read.
  public internal(set) var error: TensorIOError?
  /// Whether this counts as a difference, under the options of the comparison.
  public internal(set) var isDifference = false

  init(_ left: TensorArchive.Entry?, _ right: TensorArchive.Entry?, _ status: Status) {
    self.left = left
    self.right = right
    self.status = status
  }

  /// The name on the right; on the left where it is there alone.
  public var name: String { right?.name ?? left?.name ?? "" }

  /// The index of an element, one number an axis.
  /// - Parameter position: in row-major order.
  public func index(_ position: Int) -> [Int] {
    var rest = position
    var index: [Int] = []
    for length in (right ?? left)?.tensor.shape.reversed() ?? [] {
      index.append(rest % max(1, length))
      rest /= max(1, length)
    }
    return index.reversed()
  }
}

extension TensorDifference {
  /// Compares two tensors; what cannot be read is a status, not an error.
  init(
    _ left: (entry: TensorArchive.Entry, archive: TensorArchive, file: String?),
    _ right: (entry: TensorArchive.Entry, archive: TensorArchive, file: String?),
    _ options: DifferenceOptions
  ) {
    self.init(left.entry, right.entry, .equal)
    let (one, other) = (left.entry.tensor, right.entry.tensor)
    layout = Self.layoutDifferences(one, other)
    do throws(TensorIOError) {
      if one.shape != other.shape {
        (status, note) = (.incompatible, "shapes")
      } else if !one.hasElements || !other.hasElements {
        let isMeta = !one.hasElements && !other.hasElements && one.dtype == other.dtype
        (status, note) = (isMeta ? .equal : .incompatible, "meta tensors have no elements")
      } else if one.dtype.containsObjects, one.dtype.isSame(as: other.dtype) {
        var objects = ObjectComparison(left.archive.values, right.archive.values, options)
        elements = try objects.difference(left.entry.id, right.entry.id, count: one.count)
        status = elements?.differingCount == 0 ? .equal : .differ
      } else {
        elements = try one.difference(
          from: other, tolerance: options.tolerance(one.dtype, other.dtype),
          limits: options.limits, place: .init(file: left.file, tensor: left.entry.name),
          otherPlace: .init(file: right.file, tensor: right.entry.name))
        try judge(one, other, options)
      }
    } catch {
      status = .failed
      self.error = error
    }
  }

  private mutating func judge(
    _ one: Tensor, _ other: Tensor, _ options: DifferenceOptions
  ) throws(TensorIOError) {
    guard let elements else {
      (status, note) = (.incompatible, "dtypes")
      return
    }
    let meansTheSame = try one.hasSameQuantization(as: other, options.limits)
    let hasSameType = one.dtype.isSame(as: other.dtype) && meansTheSame
    if elements.differingCount == 0, hasSameType || options.ignoresDType {
      status = .equal
    } else {
      status = elements.mismatchedCount == 0 ? .close : .differ
    }
    if !hasSameType, one.dtype == other.dtype { note = "scales or zero points" }
    if hasSameType, status == .close, elements.maxAbsoluteError == 0 {
      note = "other bits, but the same numbers"
    }
  }

  /// What torch and NumPy know of tensors beside their numbers.
  private static func layoutDifferences(_ one: Tensor, _ other: Tensor) -> [String] {
    var found: [String] = []
    func compare<T: Equatable>(_ what: String, _ left: T, _ right: T, _ text: (T) -> String) {
      if left != right { found.append("\(what) \(text(left)) / \(text(right))") }
    }
    compare("device", one.device, other.device) { "\($0)" }
    compare("requires_grad", one.requiresGrad, other.requiresGrad) { $0 ? "True" : "False" }
    if one.shape == other.shape {
      compare("strides", one.meaningfulStrides, other.meaningfulStrides) { "\($0)" }
    }
    if one.dtype.swapUnit > 1, other.dtype.swapUnit > 1 {
      compare("byte order", one.byteOrder, other.byteOrder) { "\($0)" }
    }
    compare("is_conj", one.isConjugated, other.isConjugated) { $0 ? "True" : "False" }
    compare("is_neg", one.isNegated, other.isNegated) { $0 ? "True" : "False" }
    if one.dtype != other.dtype, one.dtype.isSame(as: other.dtype) {
      found.append("offsets, titles or byte orders of the fields")
    }
    return found
  }
}

extension Tensor {
  /// The strides, those of axes that have one index or none at 0.
  fileprivate var meaningfulStrides: [Int] {
    if shape.contains(0) { return [] }
    return zip(shape, strides).map { $0 > 1 ? $1 : 0 }
  }

  /// Whether integers mean the same on both sides.
  fileprivate func hasSameQuantization(
    as other: Tensor, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Bool {
    switch (quantization, other.quantization) {
    case (nil, nil): return true
    case (.perTensor(let scheme, let scale, let zero), .perTensor(let other, let two, let nought)):
      return scheme == other && scale == two && zero == nought
    case (
      .perChannel(let scheme, let scales, let zeros, let axis),
      .perChannel(let other, let factors, let noughts, let dimension)
    ):
      guard scheme == other, axis == dimension else { return false }
      let difference = try scales.difference(from: factors, limits: limits)
      let zeroDifference = try zeros.difference(from: noughts, limits: limits)
      return difference?.differingCount == 0 && zeroDifference?.differingCount == 0
    default: return false
    }
  }
}
