internal import ByteIO
internal import TensorIO

/// Compares arrays of Python objects, whose elements are values.
struct ObjectComparison {
  private let left: ValueGraph
  private let right: ValueGraph
  private let options: DifferenceOptions
  /// Values that were looked at: shared ones multiply, and arrays hold arrays.
  private var steps = 0

  init(_ left: ValueGraph, _ right: ValueGraph, _ options: DifferenceOptions) {
    self.left = left
    self.right = right
    self.options = options
  }

  /// How the elements of two arrays differ.
  /// - Parameter depth: how many arrays these lie in.
  /// - Throws: `limit` for arrays in too many others, and for too many values.
  mutating func difference(
    _ one: ValueGraph.ID, _ other: ValueGraph.ID, count: Int, depth: Int = 0
  ) throws(TensorIOError) -> ElementDifference {
    guard depth < options.limits.nestingDepth else {
      throw .limit(
        "the nesting of arrays of objects", depth + 1, over: options.limits.nestingDepth,
        raise: "nestingDepth")
    }
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
    where try !isSame(pair.0, pair.1, depth) {
      difference.addMismatch(at: index)
    }
    return difference
  }

  /// Whether two values are the same, with all that is in them.
  private mutating func isSame(
    _ one: ValueGraph.ID, _ other: ValueGraph.ID, _ depth: Int
  ) throws(TensorIOError) -> Bool {
    var (first, second) = (left, right)
    first.setRoot(one)
    second.setRoot(other)
    var walk = GraphWalk(first, limits: options.limits)
    var otherWalk = GraphWalk(second, limits: options.limits)
    while let step = try walk.next() {
      steps += 1
      guard steps / 8 <= options.limits.memberCount else {
        throw .limit(
          "the number of values in arrays of objects", steps, over: options.limits.memberCount,
          raise: "memberCount")
      }
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
          try isSame(tensor, step.id, otherTensor, otherStep.id, depth)
        else { return false }
      default: return false
      }
    }
    return try otherWalk.next() == nil
  }

  /// Tensors among the objects are the same bit for bit.
  private mutating func isSame(
    _ tensor: Tensor, _ id: ValueGraph.ID, _ other: Tensor, _ otherID: ValueGraph.ID, _ depth: Int
  ) throws(TensorIOError) -> Bool {
    guard tensor.dtype.isSame(as: other.dtype), tensor.shape == other.shape else { return false }
    if tensor.dtype.containsObjects {
      return try difference(id, otherID, count: tensor.count, depth: depth + 1).differingCount == 0
    }
    return try tensor.difference(from: other, limits: options.limits)?.differingCount == 0
  }
}
