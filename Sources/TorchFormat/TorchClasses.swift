internal import ByteIO
package import TensorModel

/// What the classes of PyTorch say about the dtypes of tensors.
package enum TorchClasses {
  /// Whether a tensor stands for a storage by itself.
  package static func isStorage(_ traits: ValueGraph.Traits?) -> Bool {
    TorchNames.isStorage(traits?.type)
  }

  /// The traits of a storage by itself whose elements get another dtype; nil where PyTorch has no
  /// class for it, or there are bytes without a dtype.
  package static func traits(
    _ traits: ValueGraph.Traits, withElements dtype: DType
  ) -> ValueGraph.Traits? {
    guard traits.type != TorchNames.untypedStorage, let type = TorchNames.storage(of: dtype) else {
      return nil
    }
    var new = traits
    new.type = type
    return new
  }

  /// Whether an object is a tensor of a class that wraps others, and says its dtype beside them.
  package static func isWrapper(
    _ object: ValueGraph.InertObject, in values: ValueGraph
  ) -> Bool {
    guard case .call(_, let arguments) = object.origin,
      case .tuple(let items) = values[arguments], let first = items.first
    else { return false }
    return values.typeName(of: first) == TorchNames.rebuildWrapper
  }
}
