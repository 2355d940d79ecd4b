internal import CTensorKernels

/// How the elements of two tensors of one shape differ.
///
/// Errors and norms are of the pairs of numbers that are finite on both sides, in double precision; of
/// complex numbers, of their moduli.
public struct ElementDifference: Sendable {
  /// How many pairs were compared: of elements, but of the numbers in pairs of 4-bit floats.
  public package(set) var count = 0
  /// Whether the elements are numbers; of others there are counts and indexes alone.
  public let isNumeric: Bool
  /// Whether both are floats, which have units in the last place.
  public let hasULPs: Bool
  /// How many numbers an element is; 2 for pairs of 4-bit floats, else 1.
  private let perElement: Int
  private var numbers = tio_comparison()

  package init(isNumeric: Bool, hasULPs: Bool, perElement: Int = 1) {
    self.isNumeric = isNumeric
    self.hasULPs = hasULPs
    self.perElement = perElement
    numbers.first_different = .max
    numbers.first_outside = .max
    numbers.max_absolute_at = .max
  }

  /// How many differ in any bit; of two dtypes, in their number or its sign.
  public var differingCount: Int { Int(numbers.different) }
  /// How many of those are not within the tolerance.
  public var mismatchedCount: Int { Int(numbers.outside) }
  /// How many are NaN on one side alone.
  public var nanMismatches: Int { Int(numbers.nans) }
  /// How many are infinite on one side alone, or with another sign.
  public var infinityMismatches: Int { Int(numbers.infinities) }
  /// The index of the first that differs, in row-major order.
  public var firstDiffering: Int? { element(numbers.first_different) }
  /// The index of the first that is not within the tolerance, in row-major order.
  public var firstMismatched: Int? { element(numbers.first_outside) }
  /// The index of the first of the largest absolute errors, in row-major order.
  public var maxAbsoluteErrorIndex: Int? { element(numbers.max_absolute_at) }

  private func element(_ index: UInt64) -> Int? {
    index == .max ? nil : Int(index) / perElement
  }

  /// Whether there are numbers to take errors of.
  private var hasErrors: Bool { isNumeric && numbers.finite > 0 }

  /// The largest `|a - b|`; nil where no pair is finite.
  public var maxAbsoluteError: Double? { hasErrors ? numbers.max_absolute : nil }
  /// The mean of `|a - b|`.
  public var meanAbsoluteError: Double? {
    hasErrors ? ScaledSum(numbers.errors).divided(by: Double(numbers.finite)) : nil
  }
  /// The largest `|a - b| / |b|`; infinite where only `b` is 0.
  public var maxRelativeError: Double? { hasErrors ? numbers.max_relative : nil }
  /// The largest distance in units in the last place, of two float types in those of the coarser.
  public var maxULPError: Double? { hasErrors && hasULPs ? numbers.max_ulps : nil }
  /// `||a - b|| / ||b||`; infinite where `b` is 0 and `a` is not.
  public var relativeL2Error: Double? {
    guard hasErrors else { return nil }
    let error = ScaledSum(numbers.squares)
    return error.isZero ? 0 : error.rootOfRatio(to: ScaledSum(numbers.right))
  }
  /// `a · b / (||a|| ||b||)`; 1 where nothing differs, NaN where only one side is 0.
  public var cosineSimilarity: Double? {
    guard hasErrors else { return nil }
    if ScaledSum(numbers.squares).isZero { return 1 }
    return ScaledSum(numbers.product)
      .cosine(ScaledSum(numbers.left), ScaledSum(numbers.right))
  }

  /// Notes an element that is no number.
  package mutating func addMismatch(at index: Int) {
    if numbers.different == 0 {
      numbers.first_different = UInt64(index)
      numbers.first_outside = UInt64(index)
    }
    numbers.different += 1
    numbers.outside += 1
  }

  /// Lets a kernel add what it finds.
  mutating func withNumbers(_ body: (inout tio_comparison) -> Void) { body(&numbers) }

  /// Adds what was found of elements that come later.
  mutating func append(_ other: ElementDifference) {
    count += other.count
    let more = other.numbers
    numbers.first_different = min(numbers.first_different, more.first_different)
    numbers.first_outside = min(numbers.first_outside, more.first_outside)
    if more.max_absolute > numbers.max_absolute {
      numbers.max_absolute = more.max_absolute
      numbers.max_absolute_at = more.max_absolute_at
    }
    numbers.different += more.different
    numbers.outside += more.outside
    numbers.nans += more.nans
    numbers.infinities += more.infinities
    numbers.finite += more.finite
    numbers.max_relative = max(numbers.max_relative, more.max_relative)
    numbers.max_ulps = max(numbers.max_ulps, more.max_ulps)
    numbers.errors += more.errors
    numbers.squares += more.squares
    numbers.left += more.left
    numbers.right += more.right
    numbers.product += more.product
  }
}

extension tio_sum {
  fileprivate static func += (sum: inout tio_sum, more: tio_sum) {
    sum.small += more.small
    sum.middle += more.middle
    sum.large += more.large
  }
}

/// A sum as a number times a power of 2^1200.
private struct ScaledSum {
  private let number: Double
  private let scale: Int
  private static let step = 1200

  /// Of what is smaller by 2^1200 nothing is left beside what is not.
  init(_ sum: tio_sum) {
    if sum.large != 0 {
      (number, scale) = (sum.large + sum.middle * 0x1p-1000 * 0x1p-200, 1)
    } else if sum.middle != 0 {
      (number, scale) = (sum.middle + sum.small * 0x1p-1000 * 0x1p-200, 0)
    } else {
      (number, scale) = (sum.small, -1)
    }
  }

  var isZero: Bool { number == 0 }

  /// A share of the sum, which may itself be more than a double holds.
  func divided(by count: Double) -> Double {
    Double(sign: .plus, exponent: scale * Self.step, significand: number / count)
  }

  func rootOfRatio(to other: ScaledSum) -> Double {
    let root = (number / other.number).squareRoot()
    return Double(
      sign: .plus, exponent: (scale - other.scale) * Self.step / 2, significand: root)
  }

  /// Of a product of two vectors with these squares.
  func cosine(_ left: ScaledSum, _ right: ScaledSum) -> Double {
    let ratio = number / left.number.squareRoot() / right.number.squareRoot()
    let exponent = scale * Self.step - (left.scale + right.scale) * Self.step / 2
    return Double(sign: .plus, exponent: exponent, significand: ratio)
  }
}
