internal import ByteIO
internal import Pickle
internal import PickledValues
internal import TensorModel

/// NumPy's dtype as a pickle describes it.
///
/// | part | content |
/// |---|---|
/// | call | `numpy.dtype('f4', False, True)`; kind and size without byte order |
/// | state[0] | version 3, or 4 with metadata |
/// | state[1] | byte order `<`, `>`, `|` or `=` |
/// | state[2] | a subarray: (base dtype, shape) |
/// | state[3], [4] | field names; name to (dtype, offset[, title]) |
/// | state[5] | the record's size in bytes, or -1 |
/// | state[8] | (metadata, (unit, multiple, 1, 1)) of a time |
struct PickledDType {
  let decoder: PickleDecoder
  /// Those that were read before.
  let known: PickledDTypes

  static let name = GlobalName("numpy", "dtype")

  /// The element type that an object describes, or nil when it is no dtype, or one that stays an
  /// object: a record whose fields do not lie in the order of their names.
  func element(_ id: Pickle.ID) throws(TensorIOError) -> NPYElement? {
    let result = try element(id, depth: 0)
    try known.countFields(result.weight, limit: decoder.limits.objectCount)
    return result.element
  }

  private func element(
    _ id: Pickle.ID, depth: Int
  ) throws(TensorIOError) -> PickledDTypes.Result {
    if let result = known[id] { return result }
    var weight = 1
    let element = try element(id, depth, &weight)
    let result = PickledDTypes.Result(element: element, weight: weight)
    known[id] = result
    return result
  }

  private func element(
    _ id: Pickle.ID, _ depth: Int, _ weight: inout Int
  ) throws(TensorIOError) -> NPYElement? {
    let pickle = decoder.pickle
    guard case .object(let object) = pickle[id], pickle.global(object.callee) == Self.name,
      let arguments = pickle.tuple(object.arguments), let first = arguments.first
    else { return nil }
    guard depth < decoder.limits.nestingDepth else {
      throw .limit(
        "the nesting of records", depth + 1, over: decoder.limits.nestingDepth,
        raise: "nestingDepth")
    }
    // ml_dtypes and NumPy's own scalar classes stand for their dtype.
    var state: Pickle.Items?
    if let stateID = object.states.first {
      guard object.states.count == 1, let items = pickle.tuple(stateID), items.count >= 8 else {
        throw .malformed("the state of a NumPy dtype is no tuple of 8 or 9")
      }
      state = items
    }
    if let type = pickle.global(first) {
      guard ["numpy", "ml_dtypes"].contains(type.module), let dtype = DType(name: type.name) else {
        return nil
      }
      let isBig = state.map { pickle.string($0[1]) == ">" } ?? false
      return NPYElement(dtype: dtype, byteOrder: isBig && dtype.swapUnit > 1 ? .big : .little)
    }
    guard let text = pickle.string(first) else { return nil }
    guard let state else { return try TypeString.parse(text) }
    return try element(text, state, depth, &weight)
  }

  private func element(
    _ text: String, _ state: Pickle.Items, _ depth: Int, _ weight: inout Int
  ) throws(TensorIOError) -> NPYElement? {
    let pickle = decoder.pickle
    if let subarray = pickle.tuple(state[2]) {
      guard subarray.count == 2 else { throw .malformed("a NumPy subarray dtype has no base") }
      let result = try element(subarray[0], depth: depth + 1)
      weight += result.weight
      guard var base = result.element else { return nil }
      base.shape = try NumPyObjects.shape(subarray[1], pickle) + base.shape
      return base
    }
    if let names = pickle.tuple(state[3]) {
      return try record(names, state, depth, &weight).map { NPYElement(dtype: $0) }
    }
    let order = pickle.string(state[1]) ?? "|"
    var mark = ["<", ">"].contains(order) ? order : ""
    if text.hasPrefix("<") || text.hasPrefix(">") || text.hasPrefix("|") { mark = "" }
    var unit = ""
    if text.hasPrefix("M8") || text.hasPrefix("m8"), state.count > 8 {
      unit = try timeUnit(state[8])
    }
    return try TypeString.parse(mark + text + unit)
  }

  /// `[25s]` of (metadata, (b's', 25, 1, 1)).
  private func timeUnit(_ id: Pickle.ID) throws(TensorIOError) -> String {
    let pickle = decoder.pickle
    guard let pair = pickle.tuple(id), let unit = pair.last.flatMap({ pickle.tuple($0) }),
      unit.count == 4, let multiple = pickle.int(unit[1]), multiple > 0
    else { throw .malformed("the unit of a NumPy time is no tuple of 4") }
    var name = pickle.string(unit[0])
    if name == nil, let bytes = try decoder.byteString(unit[0]) {
      name = String(validating: try bytes.bytes(), as: UTF8.self)
    }
    guard let name, let base = TimeUnit.Base(rawValue: name) else {
      throw .malformed("the unit of a NumPy time is unknown")
    }
    return TimeUnit(base, multiple: multiple).suffix
  }

  private func record(
    _ names: Pickle.Items, _ state: Pickle.Items, _ depth: Int, _ weight: inout Int
  ) throws(TensorIOError) -> DType? {
    let pickle = decoder.pickle
    guard case .dictionary(let pairs) = pickle[state[4]], let size = pickle.int(state[5]), size >= 0
    else { throw .malformed("a NumPy record has no fields or no size") }
    var places: [ByteKey: Pickle.Items] = [:]
    for pair in pairs {
      guard let name = try text(pair.key), let place = pickle.tuple(pair.value) else {
        throw .malformed("a field of a NumPy record has no name or no place")
      }
      places[ByteKey(name)] = place
    }
    var fields: [StructuredType.Field] = []
    for nameID in names {
      guard let name = try text(nameID), let place = places[ByteKey(name)], place.count >= 2,
        let offset = pickle.int(place[1]), offset >= 0
      else { throw .malformed("a field of a NumPy record is no (dtype, offset)") }
      let result = try element(place[0], depth: depth + 1)
      weight += result.weight
      guard weight <= PickledDTypes.mostFields else {
        throw .unsupported(
          "a NumPy record of more than \(PickledDTypes.mostFields) fields, those of its fields "
            + "included")
      }
      guard let element = result.element, offset >= fields.last?.offset ?? 0 else { return nil }
      fields.append(
        StructuredType.Field(
          name: name, title: place.count > 2 ? pickle.string(place[2]) : nil,
          dtype: element.dtype, byteOrder: element.byteOrder, shape: element.shape,
          offset: offset))
    }
    do throws(TensorIOError) {
      return .structured(try StructuredType(fields: fields, byteCount: size))
    } catch {
      throw .unsupported("a NumPy record: \(error.reason)")
    }
  }

  private func text(_ id: Pickle.ID) throws(TensorIOError) -> String? {
    if let text = decoder.pickle.string(id) { return text }
    guard let bytes = try decoder.byteString(id) else { return nil }
    return String(validating: try bytes.bytes(), as: UTF8.self)
  }
}

/// The dtypes of a pickle, each read once however many arrays and fields share it.
final class PickledDTypes {
  struct Result {
    /// Nil where the dtype stays an object.
    let element: NPYElement?
    /// The fields in it, those of its fields included.
    let weight: Int
  }

  /// The most fields of a dtype: records that share their fields' types could have 2^100.
  static let mostFields = 65_536

  private var results: [Pickle.ID: Result] = [:]
  private var fields = 0

  subscript(id: Pickle.ID) -> Result? {
    get { results[id] }
    set { results[id] = newValue }
  }

  /// Counts the fields of one more array: each is gone through more than once.
  func countFields(_ count: Int, limit: Int) throws(TensorIOError) {
    fields += count
    guard fields <= limit else {
      throw .limit("the fields of all arrays", fields, over: limit, raise: "objectCount")
    }
  }
}
