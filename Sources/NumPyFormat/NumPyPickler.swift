package import ByteIO
package import Pickle
package import PickledValues
package import TensorModel

/// Writes arrays and scalars as NumPy pickles them.
package final class NumPyPickler: ObjectPickler {
  private let module: String
  private let takesAll: Bool
  private let keepsClasses: Bool

  /// - Parameters:
  ///   - module: where NumPy's functions live: `numpy._core` (NumPy 2), or `numpy.core`, which both
  ///     NumPy 1 and 2 can load.
  ///   - takesAll: whether tensors that were no NumPy arrays become ones.
  ///   - keepsClasses: whether every tensor was a NumPy array, so that a class of another package is a
  ///     subclass of theirs.
  package init(
    module: String = "numpy.core", takesAll: Bool = false, keepsClasses: Bool = false
  ) {
    self.module = module
    self.takesAll = takesAll
    self.keepsClasses = keepsClasses
  }

  package func prerequisites(
    _ node: ValueGraph.Node, _ traits: ValueGraph.Traits?
  ) -> [ValueGraph.ID] { [] }

  package func pickle(
    _ node: ValueGraph.Node, _ traits: ValueGraph.Traits?, _ id: ValueGraph.ID,
    _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID? {
    let isNumPy = traits?.type?.module.split(separator: ".").first == "numpy"
    if case .tensor(let tensor) = node {
      guard isNumPy || takesAll else { return nil }
      let type = isNumPy || keepsClasses ? traits?.type : nil
      return try array(tensor, type ?? NumPyObjects.ndarray, traits?.elements ?? [], id, &encoder)
    }
    guard isNumPy, let type = traits?.type,
      let dtype = NumPyObjects.scalarTypes.first(where: { $0.name == type.name })?.dtype
    else { return nil }
    guard let bytes = try scalarBytes(node, dtype) else { return nil }
    let element = try self.dtype(NPYElement(dtype: dtype), &encoder)
    let data = encoder.pickle.add(.bytes(try HeapBytes(bytes.span)))
    return encoder.call(GlobalName("\(module).multiarray", "scalar"), [element, data])
  }

  private func scalarBytes(
    _ node: ValueGraph.Node, _ dtype: DType
  ) throws(TensorIOError) -> [UInt8]? {
    let tensor: Tensor
    switch node {
    case .bool(let value): return [value ? 1 : 0]
    case .int(let value):
      var bytes: [UInt8] = []
      bytes.append(littleEndian: value)
      return Array(bytes.prefix(dtype.bitWidth / 8))
    case .bigInteger(let digits):
      guard let value = UInt64(digits) else { return nil }
      var bytes: [UInt8] = []
      bytes.append(littleEndian: value)
      return bytes
    case .float(let value): tensor = try Tensor([value], shape: [])
    case .complex(let real, let imaginary):
      tensor = try Tensor([Complex<Double>(real, imaginary)], shape: [])
    default: return nil
    }
    var bytes: [UInt8] = []
    try tensor.converted(to: dtype).streamElements { chunk in bytes += chunk.array }
    return bytes
  }

  /// `_reconstruct(ndarray, (0,), b'b')` with the state (1, shape, dtype, is_fortran, data).
  private func array(
    _ tensor: Tensor, _ type: GlobalName, _ elements: [ValueGraph.ID], _ id: ValueGraph.ID,
    _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID {
    let zero = encoder.tuple([0])
    let kind = encoder.pickle.add(.bytes(try HeapBytes([UInt8(ascii: "b")].span)))
    let call = encoder.call(
      GlobalName("\(module).multiarray", "_reconstruct"), [encoder.global(type), zero, kind])
    let isFortran =
      !tensor.isContiguous && tensor.isFortranContiguous && !tensor.dtype.containsObjects
    let dtype = try self.dtype(
      NPYElement(dtype: tensor.dtype, byteOrder: tensor.byteOrder), &encoder)
    let data: Pickle.ID
    if tensor.dtype.containsObjects {
      guard elements.count == tensor.count else {
        throw .invalidArgument(
          "an array of \(tensor.count) Python objects knows \(elements.count) of them; write it as "
            + "a part of the archive that it was read from")
      }
      data = encoder.pickle.add(.list([]))
      encoder.fillLater(data, with: elements)
    } else {
      let payload = isFortran ? tensor.transposed() : tensor
      data = encoder.pickle.add(.bytes(StoredElements(payload)))
    }
    let state = encoder.pickle.add(
      .tuple([
        encoder.pickle.add(.int(1)), encoder.tuple(tensor.shape), dtype,
        encoder.pickle.add(.bool(isFortran)), data,
      ]))
    encoder.pickle.fill(call, states: [state])
    return call
  }

  // MARK: Dtypes

  private func dtype(
    _ element: NPYElement, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID {
    if case .structured(let type) = element.dtype { return try record(type, &encoder) }
    if Self.extensions.contains(element.dtype) { return extended(element.dtype, &encoder) }
    let text = try TypeString.text(element.dtype, element.byteOrder)
    let order = String(text.prefix(1))
    var state: [Pickle.Value] = [.int(3), .string(order), .none, .none, .none]
    var code = String(text.dropFirst())
    switch element.dtype {
    case .bytes(let count): state += [.int(Int64(count)), .int(1), .int(0)]
    case .void(let count): state += [.int(Int64(count)), .int(1), .int(0)]
    case .string(let count): state += [.int(4 * Int64(count)), .int(4), .int(8)]
    case .object:
      code = "O8"
      state += [.int(-1), .int(-1), .int(63)]
    case .datetime(let unit), .timedelta(let unit):
      code = String(code.prefix(2))
      let base = unit.base == .generic ? "generic" : unit.base.rawValue
      let name = encoder.pickle.add(.bytes(try HeapBytes(Array(base.utf8).span)))
      let parts =
        [name]
        + [unit.multiple, 1, 1].map { encoder.pickle.add(.int(Int64($0))) }
      let metadata = [encoder.pickle.add(.none), encoder.pickle.add(.tuple(parts))]
      state[0] = .int(4)
      state += [.int(-1), .int(-1), .int(0), .tuple(metadata)]
    case _ where TypeString.rawSize(element.dtype) != nil:
      state[1] = .string("|")
      state += [.int(Int64(element.dtype.bitWidth / 8)), .int(1), .int(0)]
    default: state += [.int(-1), .int(-1), .int(0)]
    }
    return described(code, state.map { encoder.pickle.add($0) }, &encoder)
  }

  /// The dtypes that the package ml_dtypes adds to NumPy, and that have its names here.
  private static let extensions: [DType] = [
    .bfloat16, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU,
  ]

  /// `dtype(ml_dtypes.bfloat16, False, True)`.
  private func extended(_ dtype: DType, _ encoder: inout PickleEncoder) -> Pickle.ID {
    let size = Int64(dtype.bitWidth / 8)
    let state: [Pickle.Value] = [
      .int(3), .string("<"), .none, .none, .none, .int(size), .int(size), .int(64),
    ]
    return described(
      encoder.global(GlobalName("ml_dtypes", dtype.description)),
      state.map { encoder.pickle.add($0) }, &encoder)
  }

  private func described(
    _ code: String, _ state: [Pickle.ID], _ encoder: inout PickleEncoder
  ) -> Pickle.ID {
    described(encoder.string(code), state, &encoder)
  }

  private func described(
    _ kind: Pickle.ID, _ state: [Pickle.ID], _ encoder: inout PickleEncoder
  ) -> Pickle.ID {
    let flags = [encoder.pickle.add(.bool(false)), encoder.pickle.add(.bool(true))]
    let call = encoder.call(PickledDType.name, [kind] + flags)
    encoder.pickle.fill(call, states: [encoder.pickle.add(.tuple(state))])
    return call
  }

  private func record(
    _ type: StructuredType, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID {
    var names: [Pickle.ID] = []
    var fields: [(key: Pickle.ID, value: Pickle.ID)] = []
    for field in type.fields {
      let name = encoder.string(field.name)
      var dtype = try dtype(
        NPYElement(dtype: field.dtype, byteOrder: field.byteOrder), &encoder)
      if !field.shape.isEmpty { dtype = subarray(dtype, field, &encoder) }
      var place = [dtype, encoder.pickle.add(.int(Int64(field.offset)))]
      if let title = field.title { place.append(encoder.string(title)) }
      names.append(name)
      let tuple = encoder.pickle.add(.tuple(place))
      fields.append((name, tuple))
      if let title = field.title { fields.append((encoder.string(title), tuple)) }
    }
    let hasObjects = type.fields.contains { $0.dtype.containsObjects }
    let state: [Pickle.Value] = [
      .int(3), .string("|"), .none, .tuple(names), .dictionary(fields),
      .int(Int64(type.byteCount)), .int(1), .int(hasObjects ? 27 : 16),
    ]
    return described("V\(type.byteCount)", state.map { encoder.pickle.add($0) }, &encoder)
  }

  private func subarray(
    _ base: Pickle.ID, _ field: StructuredType.Field, _ encoder: inout PickleEncoder
  ) -> Pickle.ID {
    let pair = [base, encoder.tuple(field.shape)]
    let state: [Pickle.Value] = [
      .int(3), .string("|"), .tuple(pair), .none, .none, .int(Int64(field.byteCount)), .int(1),
      .int(0),
    ]
    return described("V\(field.byteCount)", state.map { encoder.pickle.add($0) }, &encoder)
  }
}

/// The elements of a tensor in row-major order as they are stored, made when they are asked for.
private final class StoredElements: ByteSource {
  private let tensor: Tensor

  init(_ tensor: Tensor) { self.tensor = tensor }

  var byteCount: Int { tensor.byteCount }
  var isResident: Bool { false }
  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try loadByStreaming(into: buffer)
  }

  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    try tensor.streamElements(as: .stored, body)
  }
}
