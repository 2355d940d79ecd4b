internal import ByteIO
internal import NumPyFormat
internal import Pickle
internal import PickledValues
internal import TensorModel

extension TorchObjects {
  /// How many functions may be wrapped around a tensor: a parameter of a subclass is three.
  private static let mostWrappers = 8

  /// The tensor that an object is, or nil.
  func tensor(
    _ id: Pickle.ID, _ decoder: inout PickleDecoder, depth: Int
  ) throws(TensorIOError) -> Rebuilt? {
    guard case .object(let object) = decoder.pickle[id],
      let name = decoder.pickle.global(object.callee)
    else { return nil }
    return try tensor(object, name, &decoder, depth: depth)
  }

  /// The tensor that a call of `name` makes, or nil when it makes something else.
  func tensor(
    _ object: Pickle.Object, _ name: GlobalName, _ decoder: inout PickleDecoder, depth: Int
  ) throws(TensorIOError) -> Rebuilt? {
    guard depth < Self.mostWrappers else {
      throw .malformed("a tensor is wrapped in more than \(Self.mostWrappers) functions")
    }
    if TorchNames.isOldTensor(name) { return try oldTensor(object, name, decoder) }
    guard object.construction == .call, object.items.isEmpty, object.elements.isEmpty else {
      return nil
    }
    let arguments = object.arguments
    switch (name.module, name.name) {
    case (TorchNames.utilities, "_rebuild_tensor"):
      let values = try TorchArguments(name, arguments, decoder.pickle, 4...4)
      return Rebuilt(tensor: try strided(values, decoder))
    case (TorchNames.utilities, "_rebuild_tensor_v2"):
      let values = try TorchArguments(name, arguments, decoder.pickle, 6...7)
      noteHooks(values, 5, &decoder)
      return Rebuilt(
        tensor: try strided(
          values, decoder, requiresGrad: 4, metadata: values.ids.count > 6 ? 6 : nil))
    case (TorchNames.utilities, "_rebuild_tensor_v3"):
      let values = try TorchArguments(name, arguments, decoder.pickle, 7...8)
      noteHooks(values, 5, &decoder)
      return Rebuilt(
        tensor: try strided(
          values, decoder, requiresGrad: 4, dtype: try values.dtype(6, decoder.pickle),
          metadata: values.ids.count > 7 ? 7 : nil))
    case (TorchNames.utilities, "_rebuild_qtensor"):
      return try quantized(try TorchArguments(name, arguments, decoder.pickle, 7...7), &decoder)
    case (TorchNames.utilities, "_rebuild_meta_tensor_no_storage"):
      let values = try TorchArguments(name, arguments, decoder.pickle, 4...4)
      return Rebuilt(
        tensor: try Tensor.meta(
          dtype: try values.dtype(0, decoder.pickle), shape: try values.integers(1, decoder.pickle),
          strides: try values.integers(2, decoder.pickle),
          requiresGrad: try values.bool(3, decoder.pickle)))
    case (TorchNames.utilities, "_rebuild_parameter"),
      (TorchNames.utilities, "_rebuild_parameter_with_state"), ("torch.nn.parameter", "Parameter"):
      return try parameter(object, name, &decoder, depth: depth)
    case ("torch._tensor", "_rebuild_from_type_v2"), ("torch._tensor", "_rebuild_from_type"):
      return try typed(object, name, &decoder, depth: depth)
    case (TorchNames.utilities, "_rebuild_device_tensor_from_numpy"),
      (TorchNames.utilities, "_rebuild_device_tensor_from_cpu_tensor"),
      (TorchNames.utilities, "_rebuild_xla_tensor"):
      return try onDevice(
        try TorchArguments(name, arguments, decoder.pickle, 4...4), &decoder, depth: depth)
    default: return nil
    }
  }

  func noteHooks(
    _ values: TorchArguments, _ index: Int, _ decoder: inout PickleDecoder
  ) {
    guard !values.isEmpty(index, decoder.pickle) else { return }
    decoder.findings.append(
      Finding(
        .backwardHooks, "a tensor comes with backward hooks, which are code and are left out"))
  }

  /// (storage, offset, size, stride, …), counted in elements.
  private func strided(
    _ values: TorchArguments, _ decoder: PickleDecoder, requiresGrad: Int? = nil,
    dtype: DType? = nil, metadata: Int? = nil,
    quantization: Quantization? = nil
  ) throws(TensorIOError) -> Tensor {
    let reference = try pool.reference(values.ids[0], decoder)
    let dtype = dtype ?? reference.dtype ?? .uint8
    let strides = try values.integers(3, decoder.pickle)
    guard strides.allSatisfy({ $0 >= 0 }) else {
      throw .malformed("a stride is negative; torch has none")
    }
    guard
      reference.fileOrder == .little || reference.dtype == nil
        || reference.dtype?.bitWidth == dtype.bitWidth
    else {
      throw .unsupported(
        "a big-endian storage of \(reference.type.name) under a tensor of \(dtype)")
    }
    let lazy = try metadata.map { (index) throws(TensorIOError) in
      try Self.lazySigns(values.ids[index], decoder.pickle)
    }
    // A view's offset counts elements of the storage's own type.
    let offset = try values.int(1, decoder.pickle).added(to: reference.offset, "the storage offset")
    return try Tensor(
      dtype: dtype, byteOrder: reference.byteOrder(of: dtype),
      shape: try values.integers(2, decoder.pickle), strides: strides, offset: offset,
      storage: reference.storage,
      device: reference.device,
      requiresGrad: try requiresGrad.map { (index) throws(TensorIOError) in
        try values.bool(index, decoder.pickle)
      } ?? false, quantization: quantization, isConjugated: lazy?.conjugated ?? false,
      isNegated: lazy?.negated ?? false)
  }

  /// The metadata of a tensor: `{'conj': True, 'neg': True}`.
  private static func lazySigns(
    _ id: Pickle.ID, _ pickle: Pickle
  ) throws(TensorIOError) -> (conjugated: Bool, negated: Bool) {
    var signs = (conjugated: false, negated: false)
    var id = id
    // TorchScript says the type of the dictionary too.
    if case .object(let object) = pickle[id],
      pickle.global(object.callee) == TorchNames.restoreTypeTag,
      let dictionary = pickle.tuple(object.arguments)?.first
    {
      id = dictionary
    }
    switch pickle[id] {
    case .none: return signs
    case .dictionary(let pairs):
      for pair in pairs {
        guard case .bool(let value) = pickle[pair.value] else {
          throw .malformed("the metadata of a tensor are no bools")
        }
        switch pickle.string(pair.key) {
        case "conj": signs.conjugated = value
        case "neg": signs.negated = value
        default: throw .unsupported("metadata of a tensor beside 'conj' and 'neg'")
        }
      }
      return signs
    default: throw .malformed("the metadata of a tensor are no dictionary")
    }
  }

  /// (storage, offset, size, stride, (scheme, …), requires_grad, hooks).
  private func quantized(
    _ values: TorchArguments, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Rebuilt {
    noteHooks(values, 6, &decoder)
    let pickle = decoder.pickle
    guard let parts = pickle.tuple(values.ids[4]), parts.count >= 3,
      let name = pickle.global(parts[0]), name.module == "torch",
      let scheme = Quantization.Scheme(rawValue: name.name)
    else { throw .malformed("the parameters of a quantized tensor name no scheme") }
    let quantization: Quantization
    if scheme.isPerChannel {
      guard parts.count == 4, let axis = pickle.int(parts[3]),
        let scales = try tensor(parts[1], &decoder, depth: 1)?.tensor,
        let zeroPoints = try tensor(parts[2], &decoder, depth: 1)?.tensor
      else { throw .malformed("a scheme per channel has no scales, zero points or axis") }
      // torch writes per_channel_affine for either kind of zero points.
      let isFloat = [.float32, .float64, .float16, .bfloat16].contains(zeroPoints.dtype)
      quantization = .perChannel(
        scheme: isFloat ? .perChannelAffineFloatQParams : scheme, scales: scales,
        zeroPoints: zeroPoints, axis: axis)
    } else {
      guard parts.count == 3, case .float(let scale) = pickle[parts[1]],
        let zeroPoint = pickle.int(parts[2])
      else { throw .malformed("a scheme per tensor has no scale or zero point") }
      quantization = .perTensor(scheme: scheme, scale: scale, zeroPoint: Int64(zeroPoint))
    }
    return Rebuilt(
      tensor: try strided(values, decoder, requiresGrad: 5, quantization: quantization))
  }

  /// `_rebuild_parameter(data, requires_grad, hooks[, state])`, `Parameter(data[, requires_grad])`.
  private func parameter(
    _ object: Pickle.Object, _ name: GlobalName, _ decoder: inout PickleDecoder, depth: Int
  ) throws(TensorIOError) -> Rebuilt? {
    let isClass = name == TorchNames.parameter
    let hasState = name == TorchNames.rebuildParameterWithState
    let values = try TorchArguments(
      name, object.arguments, decoder.pickle, isClass ? 1...2 : hasState ? 4...4 : 3...3)
    let old = isClass ? try oldState(of: object, name, decoder.pickle) : nil
    let data = old?.data ?? values.ids[0]
    guard let inner = try tensor(data, &decoder, depth: depth + 1) else {
      // Sparse and nested tensors are calls too, and stay calls.
      if case .object = decoder.pickle[values.ids[0]] { return nil }
      if isClass { return nil }
      throw .malformed("argument 0 of \(name) is no tensor")
    }
    if !isClass { noteHooks(values, 2, &decoder) }
    var requiresGrad = values.ids.count > 1 ? try values.bool(1, decoder.pickle) : true
    var traits = inner.traits ?? ValueGraph.Traits()
    // A parameter of a subclass keeps the subclass.
    traits.type = traits.type ?? TorchNames.parameter
    if hasState { traits.states.append(decoder.id(of: values.ids[3])) }
    if let old {
      requiresGrad = old.requiresGrad
      noteHooks(old.state, 2, &decoder)
    } else {
      traits.states += object.states.map { decoder.id(of: $0) }
    }
    return Rebuilt(
      tensor: inner.tensor.tagged(device: inner.tensor.device, requiresGrad: requiresGrad),
      traits: traits)
  }

  /// What torch before 0.4 handed to a parameter by BUILD: (requires_grad, volatile, hooks), or
  /// (data, creator, hooks, requires_grad, volatile).
  private func oldState(
    of object: Pickle.Object, _ name: GlobalName, _ pickle: Pickle
  ) throws(TensorIOError) -> (state: TorchArguments, data: Pickle.ID?, requiresGrad: Bool)? {
    guard object.states.count == 1, let count = pickle.tuple(object.states[0])?.count,
      count == 3 || count == 5
    else { return nil }
    let state = try TorchArguments(name, object.states[0], pickle, count...count)
    return (state, count == 5 ? state.ids[0] : nil, try state.bool(count == 5 ? 3 : 0, pickle))
  }

  /// `_rebuild_from_type_v2(function, class, arguments, state)`.
  private func typed(
    _ object: Pickle.Object, _ name: GlobalName, _ decoder: inout PickleDecoder, depth: Int
  ) throws(TensorIOError) -> Rebuilt? {
    let values = try TorchArguments(name, object.arguments, decoder.pickle, 4...4)
    guard let function = decoder.pickle.global(values.ids[0]),
      let type = decoder.pickle.global(values.ids[1])
    else { return nil }
    let call = Pickle.Object(
      construction: .call, callee: values.ids[0], arguments: values.ids[2], keywords: nil)
    guard var inner = try tensor(call, function, &decoder, depth: depth + 1) else { return nil }
    var traits = inner.traits ?? ValueGraph.Traits()
    traits.type = type
    if case .none = decoder.pickle[values.ids[3]] {
    } else {
      traits.states.append(decoder.id(of: values.ids[3]))
    }
    inner.traits = traits
    return inner
  }

  /// (data, dtype, device, requires_grad).
  private func onDevice(
    _ values: TorchArguments, _ decoder: inout PickleDecoder, depth: Int
  ) throws(TensorIOError) -> Rebuilt? {
    var data = try tensor(values.ids[0], &decoder, depth: depth + 1)?.tensor
    if data == nil, case .object(let object) = decoder.pickle[values.ids[0]],
      let name = decoder.pickle.global(object.callee),
      let array = try NumPyObjects(budget: budget).interpret(object, named: name, &decoder),
      case .tensor(let tensor) = array.node
    {
      data = tensor
    }
    guard let data else { throw .malformed("argument 0 of \(values.function) is no tensor") }
    guard try values.dtype(1, decoder.pickle) == data.dtype else {
      throw .unsupported("\(values.function) with a change of the dtype")
    }
    return Rebuilt(
      tensor: data.tagged(
        device: StoragePool.device(try values.string(2, decoder.pickle)),
        requiresGrad: try values.bool(3, decoder.pickle)))
  }

  /// torch before 0.4: `torch.FloatTensor()` with the state (storage, offset, size, stride).
  private func oldTensor(
    _ object: Pickle.Object, _ name: GlobalName, _ decoder: PickleDecoder
  ) throws(TensorIOError) -> Rebuilt? {
    guard object.states.count == 1, let state = decoder.pickle.tuple(object.states[0]),
      state.count == 4
    else { return nil }
    return Rebuilt(
      tensor: try strided(
        try TorchArguments(name, object.states[0], decoder.pickle, 4...4), decoder))
  }
}
