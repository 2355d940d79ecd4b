internal import ByteIO
internal import Pickle

/// Looks up the fields of Python's data classes in a pickle.
///
/// A few bytes can refer to one large object again and again, so all that is looked at is counted.
struct PickledFields {
  let pickle: Pickle
  private let limits: DecodingLimits
  private var seen = 0

  init(_ pickle: Pickle, _ limits: DecodingLimits) {
    self.pickle = pickle
    self.limits = limits
  }

  /// The most fields that a data class has here.
  private static let mostFields = 64

  mutating func count(_ items: Int) throws(TensorIOError) {
    seen += items + 1
    guard seen <= limits.objectCount else {
      throw .limit(
        "the number of objects that the metadata refer to", seen, over: limits.objectCount,
        raise: "objectCount")
    }
  }

  /// Whether an object is of a class of torch.
  func isObject(_ id: Pickle.ID, _ type: String) -> Bool {
    guard case .object(let object) = pickle[id], let name = pickle.global(object.callee) else {
      return false
    }
    return name.module.begins(with: "torch.distributed.") && name.name == type
  }

  /// The fields of an object of a class of torch, by their names.
  mutating func object(
    _ id: Pickle.ID, _ type: String
  ) throws(TensorIOError) -> [String: Pickle.ID] {
    guard isObject(id, type), case .object(let object) = pickle[id] else {
      throw .malformed("something else is in the place of \(type)")
    }
    var fields: [String: Pickle.ID] = [:]
    try count(object.states.count)
    for state in object.states {
      for pair in try dictionary(state, type) {
        guard let name = pickle.string(pair.key), fields.count < Self.mostFields else {
          throw .malformed("the fields of \(type) are none of that class")
        }
        fields[name] = pair.value
      }
    }
    return fields
  }

  /// The values that an object of a class of torch is made of, where its state is a tuple, or a
  /// dictionary in the same order.
  mutating func state(_ id: Pickle.ID, _ type: String) throws(TensorIOError) -> [Pickle.ID] {
    guard isObject(id, type), case .object(let object) = pickle[id], let state = object.states.last
    else { throw .malformed("something else is in the place of \(type)") }
    if let parts = pickle.tuple(state), parts.count <= Self.mostFields {
      try count(parts.count)
      return Array(parts)
    }
    return try dictionary(state, type).map(\.value)
  }

  func require(
    _ field: String, of fields: [String: Pickle.ID], _ type: String
  ) throws(TensorIOError) -> Pickle.ID {
    guard let id = fields[field] else { throw .malformed("\(type) has no \(field)") }
    return id
  }

  mutating func dictionary(
    _ id: Pickle.ID, _ what: String
  ) throws(TensorIOError) -> [(key: Pickle.ID, value: Pickle.ID)] {
    guard case .dictionary(let pairs) = pickle[id] else {
      throw .malformed("\(what) is no dictionary")
    }
    try count(pairs.count)
    return pairs
  }

  mutating func list(_ id: Pickle.ID, _ what: String) throws(TensorIOError) -> Pickle.Items {
    guard let items = pickle.list(id) ?? pickle.tuple(id) else {
      throw .malformed("\(what) is no list")
    }
    try count(items.count)
    return items
  }

  mutating func text(_ id: Pickle.ID?, _ what: String) throws(TensorIOError) -> String {
    guard let id, let text = pickle.string(id) else { throw .malformed("\(what) is no text") }
    try count(text.utf8.count / 64)
    return text
  }

  func int(_ id: Pickle.ID?, _ what: String) throws(TensorIOError) -> Int {
    guard let id, let value = pickle.int(id) else {
      throw .malformed("\(what) is no integer of 64 bits")
    }
    return value
  }

  func isNone(_ id: Pickle.ID) -> Bool {
    if case .none = pickle[id] { return true }
    return false
  }

  /// A `torch.Size`, tuple or list of at most 64 integers; nil for None, and where there is none.
  mutating func integers(_ id: Pickle.ID?, _ what: String) throws(TensorIOError) -> [Int]? {
    guard let id, !isNone(id) else { return nil }
    guard let items = TorchArguments.items(id, pickle), items.count <= 64 else {
      throw .malformed("\(what) is no tuple of at most 64 integers")
    }
    try count(items.count)
    var values: [Int] = []
    for item in items { values.append(try int(item, what)) }
    return values
  }
}
