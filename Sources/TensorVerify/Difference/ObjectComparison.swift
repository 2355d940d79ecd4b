internal import ByteIO
internal import TensorIO

/// Compares arrays of Python objects, whose elements are values.
struct ObjectComparison {
  private let left: ValueGraph
  private let right: ValueGraph
  private let options: DifferenceOptions

  init(_ left: ValueGraph, _ right: ValueGraph, _ options: DifferenceOptions) {
    self.left = left
    self.right = right
    self.options = options
  }

  /// How the elements of two arrays differ.
  func difference(
    _ one: ValueGraph.ID, _ other: ValueGraph.ID, count: Int
  ) throws(TensorIOError) -> ElementDifference {
    var difference = ElementDifference(isNumeric: false, hasULPs: false)
    difference.count = count
    let (elements, others) = (
      left.traits(of: one)?.elements ?? [], right.traits(of: other)?.elements ?? []
    )
    guard elements.count == others.count else {
      difference.addMismatch(at: min(elements.count, others.count))
      return difference
    }
    for (index, pair) in zip(elements, others).enumerated()
    where try !isSame(pair.0, pair.1) {
      difference.addMismatch(at: index)
    }
    return difference
  }

  /// Whether two values are the same, with all that is in them.
  private func isSame(
    _ one: ValueGraph.ID, _ other: ValueGraph.ID
  ) throws(TensorIOError) -> Bool {
    var (first, second) = (left, right)
    first.setRoot(one)
    second.setRoot(other)
    var walk = GraphWalk(first, limits: options.limits)
    var otherWalk = GraphWalk(second, limits: options.limits)
    while let step = try walk.next() {
      guard let otherStep = try otherWalk.next(), step.isLeaf == otherStep.isLeaf,
        step.hasContents == otherStep.hasContents,
        walk.path.map(ByteKey.init) == otherWalk.path.map(ByteKey.init),
        first.typeName(of: step.id) == second.typeName(of: otherStep.id)
      else { return false }
      if step.hasContents { continue }
      let contents = (
        ValueContent(step.id, in: first), ValueContent(otherStep.id, in: second)
      )
      switch contents {
      case (let content?, let otherContent?):
        guard try content.isSame(as: otherContent, options) else { return false }
      case (nil, nil):
        guard case .tensor(let tensor) = first[step.id],
          case .tensor(let otherTensor) = second[otherStep.id],
          try isSame(tensor, step.id, otherTensor, otherStep.id)
        else { return false }
      default: return false
      }
    }
    return try otherWalk.next() == nil
  }

  /// Tensors among the objects are the same bit for bit, and never hold objects themselves.
  private func isSame(
    _ tensor: Tensor, _ id: ValueGraph.ID, _ other: Tensor, _ otherID: ValueGraph.ID
  ) throws(TensorIOError) -> Bool {
    guard tensor.dtype.isSame(as: other.dtype), tensor.shape == other.shape,
      !tensor.dtype.containsObjects
    else { return false }
    return try tensor.difference(from: other, limits: options.limits)?.differingCount == 0
  }
}
