/// Which elements of a tensor a printer shows: all of them, or the ends of each axis.
struct ShownElements {
  /// What is shown of one axis.
  struct Axis {
    /// The length.
    let count: Int
    /// The elements before the dots.
    let head: Int
    /// The elements after the dots; without dots, all.
    let tail: Int

    /// Whether dots stand for the elements between.
    var isElided: Bool { head + tail < count }
    /// The shown positions in order.
    var positions: [Int] { Array(0..<head) + Array((count - tail)..<count) }
  }

  /// More elements than this are never shown in a summary.
  ///
  /// Only tensors of many axes come to so many: at 6 an axis, some would take years.
  private static let limit = 1 << 20

  let shape: [Int]
  let axes: [Axis]
  /// The number of elements of the tensor; `Int.max` when it is too large for an Int.
  let elementCount: Int
  /// Whether the tensor has more elements than the threshold, or than an Int can count.
  let isSummary: Bool
  /// Whether even the summary has too many elements to be shown.
  let isTooLarge: Bool

  /// Chooses the elements.
  ///
  /// - Parameter leastTail: the elements that stay after the dots when `edgeItems` is 0: NumPy keeps
  ///   one, torch none.
  init(shape: [Int], options: PrintOptions, leastTail: Int) {
    self.shape = shape
    let count = shape.contains { $0 <= 0 } ? 0 : Self.product(shape)
    let summary = count > options.threshold || count == .max
    let edge = options.edge
    axes = shape.map { length in
      summary && length > 2 * edge
        ? Axis(count: length, head: edge, tail: min(max(edge, leastTail), length))
        : Axis(count: max(length, 0), head: 0, tail: max(length, 0))
    }
    elementCount = count
    isSummary = summary
    let shown = Self.product(axes.map { $0.head + $0.tail })
    isTooLarge = count > 0 && (summary && shown > Self.limit || shape.count > 512)
  }

  /// The shown elements in row-major order.
  func scalars(of tensor: some PrintableElements) -> [Scalar] {
    guard elementCount > 0, !isTooLarge else { return [] }
    var result: [Scalar] = []
    var index = [Int](repeating: 0, count: axes.count)
    func visit(_ axis: Int) {
      guard axis < axes.count else {
        result.append(tensor.scalar(at: index))
        return
      }
      for position in axes[axis].positions {
        index[axis] = position
        visit(axis + 1)
      }
    }
    visit(0)
    return result
  }

  private static func product(_ factors: [Int]) -> Int {
    factors.reduce(1) { product, factor in
      let (result, overflow) = product.multipliedReportingOverflow(by: factor)
      return overflow ? Int.max : result
    }
  }
}
