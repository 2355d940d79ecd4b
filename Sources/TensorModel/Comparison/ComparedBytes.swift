internal import ByteIO

/// A run of bytes in an element that means the same on both sides.
struct ComparedBytes: Sendable {
  /// In the left element.
  private var left: Range<Int>
  /// In the right element; what is longer ends in zeros where both are the same.
  private var right: Range<Int>

  /// The bytes to compare in elements that are no numbers; nil where the dtypes have nothing in
  /// common.
  ///
  /// Texts may differ in length. Records have the same fields, at offsets of their own; padding is
  /// left out.
  static func runs(_ left: DType, _ right: DType) -> [ComparedBytes]? {
    let (one, other) = (left.bitWidth / 8, right.bitWidth / 8)
    switch (left, right) {
    case (.bytes, .bytes), (.string, .string):
      return [ComparedBytes(left: 0..<one, right: 0..<other)]
    case (.structured(let a), .structured(let b)):
      guard !left.containsObjects, a.hasSameFields(as: b) else { return nil }
      var runs: [ComparedBytes] = []
      add(a, at: 0, b, at: 0, to: &runs)
      return runs
    default:
      guard left == right, !left.containsObjects else { return nil }
      var runs: [ComparedBytes] = []
      add(left, at: 0, right, at: 0, count: 1, to: &runs)
      return runs
    }
  }

  private static func add(
    _ left: StructuredType, at start: Int, _ right: StructuredType, at other: Int,
    to runs: inout [ComparedBytes]
  ) {
    for (a, b) in zip(left.fields, right.fields) {
      add(
        a.dtype, at: start + a.offset, b.dtype, at: other + b.offset, count: a.count, to: &runs)
    }
  }

  /// Elements side by side.
  private static func add(
    _ left: DType, at start: Int, _ right: DType, at other: Int, count: Int,
    to runs: inout [ComparedBytes]
  ) {
    let (one, two) = (left.bitWidth / 8, right.bitWidth / 8)
    // Very many small parts with padding cost more than they are worth: that is then compared too.
    guard left.hasPadding || right.hasPadding, one != two || count <= 1 << 10 else {
      return append(start, other, one * count, to: &runs)
    }
    for index in 0..<count {
      let (from, to) = (start + index * one, other + index * two)
      switch (left, right) {
      case (.structured(let a), .structured(let b)): add(a, at: from, b, at: to, to: &runs)
      case (.complexLongDouble, _):
        append(from, to, 10, to: &runs)
        append(from + 16, to + 16, 10, to: &runs)
      default: append(from, to, 10, to: &runs)
      }
    }
  }

  private static func append(_ from: Int, _ to: Int, _ count: Int, to runs: inout [ComparedBytes]) {
    if let last = runs.last, last.left.upperBound == from, last.right.upperBound == to {
      runs[runs.count - 1].left = last.left.lowerBound..<from + count
      runs[runs.count - 1].right = last.right.lowerBound..<to + count
    } else if count > 0 {
      runs.append(ComparedBytes(left: from..<from + count, right: to..<to + count))
    }
  }

  /// Whether elements that begin at these places have the same bytes here.
  func isSame(
    _ leftBytes: UnsafeRawBufferPointer, _ leftStart: Int, _ rightBytes: UnsafeRawBufferPointer,
    _ rightStart: Int
  ) -> Bool {
    let common = min(left.count, right.count)
    let (from, to) = (leftStart + left.lowerBound, rightStart + right.lowerBound)
    guard
      unsafe UnsafeRawBufferPointer(rebasing: leftBytes[from..<from + common])
        .hasSameBytes(as: UnsafeRawBufferPointer(rebasing: rightBytes[to..<to + common]))
    else { return false }
    let leftRest = unsafe leftBytes[from + common..<from + left.count]
    let rightRest = unsafe rightBytes[to + common..<to + right.count]
    return unsafe leftRest.allSatisfy { $0 == 0 } && rightRest.allSatisfy { $0 == 0 }
  }
}

extension StructuredType {
  /// Whether names, dtypes and shapes of the fields are the same; offsets, titles and byte orders are
  /// layout.
  package func hasSameFields(as other: StructuredType) -> Bool {
    fields.count == other.fields.count
      && zip(fields, other.fields).allSatisfy { one, other in
        one.name.utf8.elementsEqual(other.name.utf8) && one.shape == other.shape
          && one.dtype.isSame(as: other.dtype)
      }
  }

  fileprivate var hasPadding: Bool {
    fields.contains { $0.dtype.hasPadding }
      || fields.reduce(0, { $0 + $1.byteCount }) < byteCount
  }
}

extension DType {
  /// Whether elements are of the same kind, wherever records have their fields.
  package func isSame(as other: DType) -> Bool {
    if case .structured(let one) = self, case .structured(let two) = other {
      return one.hasSameFields(as: two)
    }
    return self == other
  }

  /// Whether an element has bytes that mean nothing.
  fileprivate var hasPadding: Bool {
    switch self {
    case .longDouble, .complexLongDouble: true
    case .structured(let type): type.hasPadding
    default: false
    }
  }
}
