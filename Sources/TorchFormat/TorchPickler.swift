internal import ByteIO
internal import Pickle
internal import PickledValues
internal import TensorModel

/// Writes tensors and what goes with them as torch pickles them.
final class TorchPickler: ObjectPickler {
  private let plan: StoragePlan

  init(_ plan: StoragePlan) { self.plan = plan }

  /// Whether torch has the dtype and saves tensors of it.
  static func canHold(_ dtype: DType) -> Bool { dtype.torchName != nil }

  func prerequisites(
    _ node: ValueGraph.Node, _ traits: ValueGraph.Traits?
  ) -> [ValueGraph.ID] {
    guard case .tensor = node, let traits else { return [] }
    return traits.states + traits.arguments
  }

  func pickle(
    _ node: ValueGraph.Node, _ traits: ValueGraph.Traits?, _ id: ValueGraph.ID,
    _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID? {
    switch node {
    case .tensor(let tensor): return try object(tensor, traits, &encoder)
    case .tuple(let items) where traits?.type == TorchNames.size:
      var objects: [Pickle.ID] = []
      for item in items { objects.append(try encoder.object(item)) }
      return encoder.call(TorchNames.size, [encoder.pickle.add(.tuple(objects))])
    default: return nil
    }
  }

  /// Why a tensor cannot be written, and what to do.
  static func refusal(of dtype: DType) -> String {
    var wayOut = "leave the tensor out (--exclude)"
    // As NumPy writes what only PyTorch has.
    if case .void = dtype {
      wayOut = "say what the bytes are, as with --void-as bfloat16, or " + wayOut
    }
    return "PyTorch has no dtype for \(dtype); " + wayOut
  }

  private func object(
    _ tensor: Tensor, _ traits: ValueGraph.Traits?, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID {
    guard Self.canHold(tensor.dtype) else {
      throw .unsupported(Self.refusal(of: tensor.dtype))
    }
    if TorchNames.isStorage(traits?.type) {
      return try storage(tensor, as: traits?.type, &encoder).object
    }
    var states: [Pickle.ID] = []
    for state in traits?.states ?? [] { states.append(try encoder.object(state)) }
    let isParameter = traits?.type == TorchNames.parameter
    // A parameter's own flag is the one that counts; torch saves the data detached.
    let (function, arguments) = try call(
      tensor, requiresGrad: tensor.requiresGrad && !isParameter, &encoder)
    guard let type = traits?.type, type != TorchNames.tensor || !states.isEmpty else {
      return encoder.call(function, arguments)
    }
    if isParameter {
      let data = encoder.call(function, arguments)
      let parts = [data, encoder.pickle.add(.bool(tensor.requiresGrad)), hooks(&encoder)]
      return states.isEmpty
        ? encoder.call(TorchNames.rebuildParameter, parts)
        : encoder.call(TorchNames.rebuildParameterWithState, parts + states.prefix(1))
    }
    let parts = [
      encoder.global(function), encoder.global(type), encoder.pickle.add(.tuple(arguments)),
      states.first ?? encoder.pickle.add(.none),
    ]
    return encoder.call(TorchNames.rebuildFromType, parts)
  }

  private func hooks(_ encoder: inout PickleEncoder) -> Pickle.ID {
    // One for each tensor: a shared one would share hooks that are registered later.
    encoder.call(PythonTypes.orderedDictionary, [])
  }

  /// The persistent object of a tensor's storage, and the tensor's outline over it.
  /// - Parameter type: the class of a tensor that stands for a storage by itself.
  private func storage(
    _ tensor: Tensor, as type: GlobalName? = nil, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> (
    object: Pickle.ID, place: (offset: Int, strides: [Int]), isTyped: Bool
  ) {
    guard let (record, offset, strides) = plan.place(tensor, isStorage: type != nil) else {
      throw .unsupported("the tensor's storage cannot be written")
    }
    let isUntyped = type == TorchNames.untypedStorage
    let kind = isUntyped ? nil : record.type
    let parts = [
      encoder.string("storage"), encoder.global(kind ?? TorchNames.untypedStorage),
      encoder.string(record.key),
      encoder.string(Self.isMoved(record.device) ? "cpu" : record.device.description),
      encoder.pickle.add(.int(Int64(record.count))),
    ]
    let id = encoder.pickle.add(.tuple(parts))
    return (encoder.pickle.add(.persistent(id)), (offset, strides), record.type != nil)
  }

  /// Whether tensors are saved on the CPU and moved to the device by a call.
  private static func isMoved(_ device: Device) -> Bool {
    TorchNames.devicesWithoutStorages.contains(device.kind)
  }

  /// The function that makes a tensor on its device, and its arguments.
  private func call(
    _ tensor: Tensor, requiresGrad: Bool, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> (GlobalName, [Pickle.ID]) {
    guard tensor.hasElements, Self.isMoved(tensor.device) else {
      return try makingCall(tensor, requiresGrad: requiresGrad, &encoder)
    }
    let (function, arguments) = try makingCall(tensor, requiresGrad: false, &encoder)
    return (
      TorchNames.rebuildOnDevice,
      [
        encoder.call(function, arguments), try dtype(tensor, &encoder),
        encoder.string(tensor.device.description), encoder.pickle.add(.bool(requiresGrad)),
      ]
    )
  }

  /// The function that makes a tensor, and its arguments.
  private func makingCall(
    _ tensor: Tensor, requiresGrad: Bool, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> (GlobalName, [Pickle.ID]) {
    let gradient = encoder.pickle.add(.bool(requiresGrad))
    guard tensor.hasElements else {
      return (
        TorchNames.rebuildMeta,
        [
          try dtype(tensor, &encoder), encoder.tuple(tensor.shape),
          encoder.tuple(tensor.strides), gradient,
        ]
      )
    }
    let (storage, place, isTyped) = try storage(tensor, &encoder)
    var arguments = [
      storage, encoder.pickle.add(.int(Int64(place.offset))), encoder.tuple(tensor.shape),
      encoder.tuple(place.strides),
    ]
    if let quantization = tensor.quantization {
      arguments.append(try parameters(quantization, &encoder))
      return (TorchNames.rebuildQuantized, arguments + [gradient, hooks(&encoder)])
    }
    arguments += [gradient, hooks(&encoder)]
    if !isTyped { arguments.append(try dtype(tensor, &encoder)) }
    if tensor.isConjugated || tensor.isNegated {
      var flags: [(key: Pickle.ID, value: Pickle.ID)] = []
      if tensor.isConjugated {
        flags.append((encoder.string("conj"), encoder.pickle.add(.bool(true))))
      }
      if tensor.isNegated { flags.append((encoder.string("neg"), encoder.pickle.add(.bool(true)))) }
      arguments.append(encoder.pickle.add(.dictionary(flags)))
    }
    return (isTyped ? TorchNames.rebuildTensor : TorchNames.rebuildTensorWithType, arguments)
  }

  private func dtype(
    _ tensor: Tensor, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID {
    encoder.global(GlobalName("torch", tensor.dtype.torchName ?? tensor.dtype.description))
  }

  private func parameters(
    _ quantization: Quantization, _ encoder: inout PickleEncoder
  ) throws(TensorIOError) -> Pickle.ID {
    // torch reads float zero points under the name of integer ones only.
    let name: Quantization.Scheme =
      quantization.scheme == .perChannelAffineFloatQParams
      ? .perChannelAffine : quantization.scheme
    let scheme = encoder.global(GlobalName("torch", name.rawValue))
    switch quantization {
    case .perTensor(_, let scale, let zeroPoint):
      return encoder.pickle.add(
        .tuple([scheme, encoder.pickle.add(.float(scale)), encoder.pickle.add(.int(zeroPoint))]))
    case .perChannel(_, let scales, let zeroPoints, let axis):
      let (function, first) = try call(scales, requiresGrad: false, &encoder)
      let (other, second) = try call(zeroPoints, requiresGrad: false, &encoder)
      let parts = [
        scheme, encoder.call(function, first), encoder.call(other, second),
        encoder.pickle.add(.int(Int64(axis))),
      ]
      return encoder.pickle.add(.tuple(parts))
    }
  }
}
