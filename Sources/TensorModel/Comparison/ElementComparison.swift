internal import ByteIO
internal import CTensorKernels

/// Compares runs of little-endian elements of two dtypes.
struct ElementComparison: Sendable {
  private enum Kind: Sendable {
    case numbers(left: tio_operand, right: tio_operand, perElement: Int)
    /// Runs of bytes in an element; what one side has more is to be 0.
    case bytes([ComparedBytes])
  }

  /// The bytes of an element on each side.
  let leftSize: Int
  let rightSize: Int
  private let kind: Kind
  private let tolerance: tio_tolerance
  private let level: Int32

  /// A comparison of two dtypes; nil where none is defined.
  init?(
    _ left: DType, _ right: DType, _ tolerance: Tolerance,
    level: Int32 = ElementConversion.bestLevel
  ) {
    leftSize = left.bitWidth / 8
    rightSize = right.bitWidth / 8
    self.level = level
    self.tolerance = tio_tolerance(
      absolute: tolerance.absolute, relative: tolerance.relative, ulps: tolerance.ulps,
      equal_nan: tolerance.equalNaN)
    if let one = left.operand, let other = right.operand,
      left == right || one.perElement == other.perElement
    {
      kind = .numbers(
        left: one.operand, right: other.operand, perElement: one.perElement)
    } else if let runs = ComparedBytes.runs(left, right) {
      kind = .bytes(runs)
    } else {
      return nil
    }
  }

  /// What is known before any element was compared.
  var nothing: ElementDifference {
    switch kind {
    case .numbers(let left, let right, let perElement):
      let firstFloat = Int32(TIO_F16.rawValue)
      return ElementDifference(
        isNumeric: true, hasULPs: left.type >= firstFloat && right.type >= firstFloat,
        perElement: perElement)
    case .bytes: return ElementDifference(isNumeric: false, hasULPs: false)
    }
  }

  /// Compares elements of both sides, as many of each.
  /// - Parameter first: the index of the first one.
  func add(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, first: Int,
    to difference: inout ElementDifference
  ) {
    let count = left.count / max(1, leftSize)
    switch kind {
    case .numbers(let one, let other, let perElement):
      unsafe addNumbers(left, right, one, other, perElement, count, first, &difference)
    case .bytes(let runs):
      difference.count += count
      if leftSize == rightSize, unsafe left.hasSameBytes(as: right) { return }
      for index in 0..<count {
        let isSame = runs.allSatisfy { run in
          unsafe run.isSame(left, index * leftSize, right, index * rightSize)
        }
        if !isSame { difference.addMismatch(at: first + index) }
      }
    }
  }

  private func addNumbers(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, _ one: tio_operand,
    _ other: tio_operand, _ perElement: Int, _ count: Int, _ first: Int,
    _ difference: inout ElementDifference
  ) {
    guard let a = left.baseAddress, let b = right.baseAddress, count > 0 else { return }
    let numbers = count * perElement
    difference.count += numbers
    var tolerance = tolerance
    difference.withNumbers { result in
      guard perElement == 1 else {
        return unsafe addPairs(a, b, one, numbers, first * perElement, &result)
      }
      // SAFETY: both sides hold `count` elements.
      unsafe tio_compare_numbers(
        level, one, other, a, b, count, UInt64(first), &tolerance, &result)
    }
  }

  /// Pairs of 4-bit floats, each as two numbers.
  private func addPairs(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ type: tio_operand, _ count: Int,
    _ first: Int, _ result: inout tio_comparison
  ) {
    var tolerance = tolerance
    var (a, b) = ([UInt8](repeating: 0, count: count), [UInt8](repeating: 0, count: count))
    // SAFETY: `count` is even, and half as many bytes lie on each side.
    unsafe tio_split_nibbles(left, &a, count / 2)
    unsafe tio_split_nibbles(right, &b, count / 2)
    unsafe tio_compare_numbers(
      level, type, type, a, b, count, UInt64(first), &tolerance, &result)
  }
}

extension DType {
  /// What the kernels of comparison call the numbers, and how many of them an element is.
  fileprivate var operand: (operand: tio_operand, perElement: Int)? {
    guard let (type, layout) = numbers else { return nil }
    let code = type.kernel.map { Int32($0.rawValue) } ?? Int32(TIO_X87)
    let operand = tio_operand(type: code, parts: layout == .complex ? 2 : 1)
    return (operand, layout == .pair ? 2 : 1)
  }
}
