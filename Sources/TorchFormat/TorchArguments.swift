internal import ByteIO
internal import Pickle
internal import TensorModel

/// The arguments of one of torch's functions, each checked for its type.
struct TorchArguments {
  let function: GlobalName
  let ids: Pickle.Items

  /// - Throws: `malformed` when there are fewer or more arguments than the function takes.
  init(
    _ function: GlobalName, _ arguments: Pickle.ID, _ pickle: Pickle, _ count: ClosedRange<Int>
  ) throws(TensorIOError) {
    self.function = function
    ids = pickle.tuple(arguments) ?? Pickle.Items()
    guard count.contains(ids.count) else {
      throw .malformed(
        "\(function) has \(ids.count) arguments; it takes \(count.lowerBound)"
          + (count.count > 1 ? " to \(count.upperBound)" : ""))
    }
  }

  private func refuse(_ index: Int, _ what: String) -> TensorIOError {
    .malformed("argument \(index) of \(function) is no \(what)")
  }

  func int(_ index: Int, _ pickle: Pickle) throws(TensorIOError) -> Int {
    guard let value = pickle.int(ids[index]) else { throw refuse(index, "integer of 64 bits") }
    return value
  }

  func bool(_ index: Int, _ pickle: Pickle) throws(TensorIOError) -> Bool {
    switch pickle[ids[index]] {
    case .bool(let value): return value
    case .int(let value) where value == 0 || value == 1: return value == 1
    default: throw refuse(index, "bool")
    }
  }

  func string(_ index: Int, _ pickle: Pickle) throws(TensorIOError) -> String {
    guard let text = pickle.string(ids[index]) else { throw refuse(index, "string") }
    return text
  }

  func dtype(_ index: Int, _ pickle: Pickle) throws(TensorIOError) -> DType {
    guard let dtype = TorchNames.dtype(pickle.global(ids[index])) else {
      throw refuse(index, "torch dtype")
    }
    return dtype
  }

  /// A tuple or list of integers, or a torch.Size.
  func integers(_ index: Int, _ pickle: Pickle) throws(TensorIOError) -> [Int] {
    guard let items = Self.items(ids[index], pickle) else {
      throw refuse(index, "tuple of integers")
    }
    guard items.count <= 64 else {
      throw .malformed("argument \(index) of \(function) has \(items.count) axes; 64 are the most")
    }
    var values: [Int] = []
    values.reserveCapacity(items.count)
    for item in items {
      guard let value = pickle.int(item) else { throw refuse(index, "tuple of integers") }
      values.append(value)
    }
    return values
  }

  static func items(_ id: Pickle.ID, _ pickle: Pickle) -> Pickle.Items? {
    if let items = pickle.tuple(id) ?? pickle.list(id) { return items }
    guard case .object(let object) = pickle[id], pickle.global(object.callee) == TorchNames.size,
      let parts = pickle.tuple(object.arguments), parts.count == 1
    else { return nil }
    return pickle.tuple(parts[0])
  }

  /// Whether an argument holds nothing: None, or an empty dictionary of either kind.
  func isEmpty(_ index: Int, _ pickle: Pickle) -> Bool {
    switch pickle[ids[index]] {
    case .none: return true
    case .dictionary(let pairs): return pairs.isEmpty
    case .object(let object):
      return pickle.global(object.callee)?.name == "OrderedDict" && object.items.isEmpty
        && object.states.isEmpty && pickle.tuple(object.arguments)?.isEmpty ?? false
    default: return false
    }
  }
}
