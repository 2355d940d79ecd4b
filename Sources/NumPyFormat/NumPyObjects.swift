package import ByteIO
package import Pickle
package import PickledValues
package import TensorModel

/// Arrays and scalars of NumPy in pickles of any protocol.
///
/// | form | since |
/// |---|---|
/// | `_reconstruct(ndarray, (0,), b'b')`, state (1, shape, dtype, is_fortran, data) | always |
/// | `_frombuffer(data, dtype, shape, 'C')` | protocol 5 |
/// | `scalar(dtype, data)` | always |
///
/// The functions live in `numpy.core` (NumPy 1) or `numpy._core` (NumPy 2).
package final class NumPyObjects: ObjectInterpreter {
  private let budget: DecodingBudget
  private let dtypes = PickledDTypes()

  /// - Parameter budget: the account of decoded bytes.
  package init(budget: DecodingBudget) { self.budget = budget }

  /// The class of arrays, which marks a tensor as NumPy's.
  package static let ndarray = GlobalName("numpy", "ndarray")
  /// NumPy has 64 axes at most.
  private static let mostAxes = 64
  private static let modules: Set<String> = ["numpy.core", "numpy._core"]

  package func interpret(
    _ object: Pickle.Object, named name: GlobalName, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    guard name.module.begins(with: "numpy.") else { return nil }
    let parts = name.module.split(separator: ".")
    guard object.construction == .call,
      Self.modules.contains(parts.dropLast().joined(separator: ".")),
      let arguments = decoder.pickle.tuple(object.arguments)
    else { return nil }
    switch (parts.last, name.name) {
    case ("multiarray", "_reconstruct"), ("_internal", "_reconstruct"):
      return try array(object, arguments, &decoder)
    case ("multiarray", "scalar"):
      return decoder.isPlain(object) ? try scalar(arguments, decoder) : nil
    case ("numeric", "_frombuffer"):
      return decoder.isPlain(object) ? try buffer(arguments, decoder) : nil
    default: return nil
    }
  }

  static func shape(_ id: Pickle.ID, _ pickle: Pickle) throws(TensorIOError) -> [Int] {
    if let axis = pickle.int(id) { return [axis] }
    guard let items = pickle.tuple(id), items.count <= mostAxes else {
      throw .malformed("the shape of a NumPy array is no tuple of at most \(mostAxes)")
    }
    return try items.map { (item) throws(TensorIOError) in
      guard let axis = pickle.int(item), axis >= 0 else {
        throw .malformed("an axis of a NumPy array is no length")
      }
      return axis
    }
  }

  private func element(
    _ id: Pickle.ID, _ decoder: PickleDecoder
  ) throws(TensorIOError) -> NPYElement? {
    try PickledDType(decoder: decoder, known: dtypes).element(id)
  }

  private func array(
    _ object: Pickle.Object, _ arguments: Pickle.Items, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    let pickle = decoder.pickle
    guard object.states.count == 1, object.items.isEmpty, object.elements.isEmpty,
      let type = arguments.first.flatMap({ pickle.global($0) }),
      let state = pickle.tuple(object.states[0]), state.count == 5,
      let element = try element(state[2], decoder)
    else { return nil }
    let shape = try Self.shape(state[1], pickle)
    guard case .bool(let isFortran) = pickle[state[3]] else {
      throw .malformed("the order of a NumPy array is no bool")
    }
    if element.dtype.containsObjects {
      return try objects(element, shape, state[4], type, &decoder)
    }
    guard let data = try decoder.byteString(state[4]) else {
      throw .malformed("the data of a NumPy array are no bytes")
    }
    let tensor = try tensor(element, shape, isFortran, data)
    return Interpretation(.tensor(tensor), type: type)
  }

  private func tensor(
    _ element: NPYElement, _ shape: [Int], _ isFortran: Bool, _ data: any ByteSource
  ) throws(TensorIOError) -> Tensor {
    let shape = shape + element.shape
    let size = try Shape.byteCount(of: element.dtype, shape: shape)
    guard data.byteCount == size else {
      throw .malformed(
        "a NumPy array of shape \(shape) and \(element.dtype) has \(data.byteCount) bytes of data, "
          + "not \(size)")
    }
    return try Tensor(
      dtype: element.dtype, byteOrder: element.byteOrder, shape: shape,
      strides: isFortran ? Shape.columnMajorStrides(shape) : nil,
      storage: TensorStorage(data, budget: budget))
  }

  /// An array of Python objects: the elements follow as values.
  private func objects(
    _ element: NPYElement, _ shape: [Int], _ data: Pickle.ID, _ type: GlobalName,
    _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation {
    guard let items = decoder.pickle.list(data) else {
      throw .malformed("the data of a NumPy array of objects are no list")
    }
    guard items.count == (try Shape.elementCount(shape)) else {
      throw .malformed(
        "a NumPy array of shape \(shape) has \(items.count) objects")
    }
    try decoder.countCopies(items.count)
    // In row-major order whatever the order in memory.
    let elements = items.map { decoder.id(of: $0) }
    let size = try Shape.byteCount(of: element.dtype, shape: shape)
    let tensor = try Tensor(
      dtype: element.dtype, byteOrder: element.byteOrder, shape: shape,
      storage: TensorStorage(ObjectElements(byteCount: size), budget: budget))
    return Interpretation(
      .tensor(tensor), ValueGraph.Traits(type: type, elements: elements))
  }

  private func buffer(
    _ arguments: Pickle.Items, _ decoder: PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    guard arguments.count == 4, let data = try decoder.byteString(arguments[0]),
      let element = try element(arguments[1], decoder),
      let order = decoder.pickle.string(arguments[3]), !element.dtype.containsObjects
    else { return nil }
    let shape = try Self.shape(arguments[2], decoder.pickle)
    let tensor = try tensor(element, shape, order == "F", data)
    return Interpretation(.tensor(tensor), type: Self.ndarray)
  }

  // MARK: Scalars

  /// A scalar as the plain value it is, where no bit of it is lost by that; others stay inert.
  private func scalar(
    _ arguments: Pickle.Items, _ decoder: PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    guard arguments.count == 2,
      let element = try element(arguments[0], decoder),
      element.shape.isEmpty, element.byteOrder == .little,
      let type = Self.scalarTypes.first(where: { $0.dtype == element.dtype })?.name,
      let data = try decoder.byteString(arguments[1])
    else { return nil }
    let tensor = try tensor(element, [], false, data)
    let node: ValueGraph.Node
    switch try tensor.element(at: []) {
    case .bool(let value): node = .bool(value)
    case .int(let value): node = .int(value)
    case .uint(let value):
      node = Int64(exactly: value).map { .int($0) } ?? .bigInteger("\(value)")
    case .float(let value) where value == value: node = .float(value)
    case .complex(let real, let imaginary) where real == real && imaginary == imaginary:
      node = .complex(real, imaginary)
    default: return nil
    }
    return Interpretation(node, type: GlobalName("numpy", type))
  }

  /// The scalar classes that are plain numbers.
  static let scalarTypes: [(name: String, dtype: DType)] = [
    ("bool", .bool), ("int8", .int8), ("int16", .int16), ("int32", .int32), ("int64", .int64),
    ("uint8", .uint8), ("uint16", .uint16), ("uint32", .uint32), ("uint64", .uint64),
    ("float16", .float16), ("float32", .float32), ("float64", .float64),
    ("complex64", .complex64), ("complex128", .complex128),
  ]
}

/// Stands in for the bytes of an array of Python objects, which are values of their own.
final class ObjectElements: ByteSource {
  let byteCount: Int

  init(byteCount: Int) { self.byteCount = byteCount }

  private var refusal: TensorIOError {
    .unsupported("the elements are Python objects, which have no bytes")
  }

  var isResident: Bool { false }
  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }
  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) { throw refusal }
  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    throw refusal
  }
  func loaded() throws(TensorIOError) -> HeapBytes { throw refusal }
}
