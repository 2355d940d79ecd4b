package import ByteIO

extension ValueGraph {
  /// The graph without some tensors, and without the objects that have one for a part.
  ///
  /// Entries of dictionaries go. Elsewhere nothing may move, so something else stands in the place:
  /// for a plain tensor or parameter a meta tensor of its dtype and shape, for anything else None.
  package func withoutTensors(
    where isRemoved: (Tensor) -> Bool
  ) throws(TensorIOError) -> ValueGraph {
    var graph = self
    let all = (0..<count).map { ID(index: UInt32($0)) }
    var removed: Set<ID> = []
    for id in all {
      if case .tensor(let tensor) = self[id], isRemoved(tensor) { removed.insert(id) }
    }
    for id in all {
      // A sparse tensor with other indices would be another tensor.
      if case .object(let object) = self[id],
        object.parts.contains(where: { removed.contains($0.value) })
      {
        removed.insert(id)
      }
    }
    if removed.isEmpty { return self }
    for id in all {
      switch self[id] {
      case .dictionary(let pairs):
        guard pairs.contains(where: { removed.contains($0.value) }) else { continue }
        graph.replace(id, with: .dictionary(pairs.filter { !removed.contains($0.value) }))
      case .object(var object):
        guard object.items.contains(where: { removed.contains($0.value) }) else { continue }
        object.items.removeAll { removed.contains($0.value) }
        graph.replace(id, with: .object(object))
      default: break
      }
    }
    for id in removed { try graph.replaceRemoved(id) }
    return graph
  }

  private mutating func replaceRemoved(_ id: ID) throws(TensorIOError) {
    let isPlain = traits(of: id)?.type.map { $0.name == "Parameter" } ?? true
    guard isPlain, case .tensor(let tensor) = self[id], tensor.quantization == nil,
      !tensor.dtype.containsObjects,
      let stand = try? Tensor.meta(
        dtype: tensor.dtype, shape: tensor.shape, strides: tensor.strides,
        requiresGrad: tensor.requiresGrad)
    else {
      replace(id, with: .none)
      return setTraits(nil, of: id)
    }
    replace(id, with: .tensor(stand))
  }

  /// The paths of all values that are no containers.
  package func pathsOfAll(limits: DecodingLimits) -> [[String]] {
    ((try? leaves(limits: limits)) ?? []).map(\.path)
  }
}
