internal import ByteIO
internal import Pickle
internal import PickledValues
internal import TensorModel

/// Tensors and other values of PyTorch in a pickle.
final class TorchObjects: ObjectInterpreter {
  /// A tensor with what Python adds to it.
  struct Rebuilt {
    var tensor: Tensor
    var traits: ValueGraph.Traits?
  }

  let pool: StoragePool
  let budget: DecodingBudget
  private let nested: NestedFiles?

  init(_ pool: StoragePool, budget: DecodingBudget, nested: NestedFiles? = nil) {
    self.pool = pool
    self.budget = budget
    self.nested = nested
  }

  func interpret(
    persistent id: Pickle.ID, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    let pickle = decoder.pickle
    guard let parts = pickle.tuple(id), let first = parts.first else { return nil }
    if pickle.string(first) == "module", parts.count == 4, let type = pickle.global(parts[1]) {
      // ('module', class, file, source): the class; its source text only served a warning.
      return Interpretation(.object(.init(.global(type))))
    }
    guard pickle.string(first) == "storage" else { return nil }
    let reference = try pool.reference(persistent: id, decoder.pickle)
    let dtype = reference.dtype ?? .uint8
    let tensor = try Tensor(
      dtype: dtype, byteOrder: reference.byteOrder(of: dtype), shape: [reference.count],
      offset: reference.offset, storage: reference.storage, device: reference.device)
    return Interpretation(.tensor(tensor), type: reference.type)
  }

  func interpret(
    _ object: Pickle.Object, named name: GlobalName, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    guard name.module.begins(with: "torch") else { return nil }
    if let rebuilt = try tensor(object, name, &decoder, depth: 0) {
      return Interpretation(.tensor(rebuilt.tensor), rebuilt.traits)
    }
    guard object.construction == .call else { return nil }
    switch (name.module, name.name) {
    case ("torch", "Size"):
      guard decoder.isPlain(object), let parts = decoder.pickle.tuple(object.arguments),
        parts.count == 1, let items = decoder.pickle.tuple(parts[0])
      else { return nil }
      return Interpretation(.tuple(items.map { decoder.id(of: $0) }), type: TorchNames.size)
    case (TorchNames.utilities, "_rebuild_sparse_tensor"),
      (TorchNames.utilities, "_rebuild_sparse_csr_tensor"):
      return try sparse(object, name, &decoder)
    case (TorchNames.utilities, "_rebuild_nested_tensor"):
      let labels = ["@buffer", "@sizes", "@strides", "@offsets"]
      let arguments = try TorchArguments(name, object.arguments, decoder.pickle, 4...4)
      var inert = try decoder.inert(object)
      inert.parts = zip(labels, arguments.ids).map { ($0, decoder.id(of: $1)) }
      return Interpretation(.object(inert))
    case ("torch.storage", "_load_from_bytes"):
      return try nestedFile(object, name, &decoder)
    case ("torch._tensor", "_rebuild_from_type_v2"):
      if let result = try jagged(object, &decoder) { return result }
      return try wrapper(object, &decoder)
    case (TorchNames.utilities, "_rebuild_parameter"),
      (TorchNames.utilities, "_rebuild_parameter_with_state"):
      return try compositeParameter(object, &decoder)
    default: return nil
    }
  }

  /// A parameter over a sparse or nested tensor, of which it has the parts.
  private func compositeParameter(
    _ object: Pickle.Object, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    guard let data = decoder.pickle.tuple(object.arguments)?.first,
      case .object(let inner) = decoder.pickle[data],
      let name = decoder.pickle.global(inner.callee), TorchNames.makesComposites(name),
      let value = try interpret(inner, named: name, &decoder),
      case .object(let composite) = value.node, !composite.parts.isEmpty
    else { return nil }
    var inert = try decoder.inert(object)
    inert.parts = composite.parts
    return Interpretation(.object(inert), type: value.traits?.type ?? TorchNames.parameter)
  }

  /// `_rebuild_from_type_v2(_rebuild_njt, class, ({'values': …, 'offsets': …, …},), state)`.
  private func jagged(
    _ object: Pickle.Object, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    let pickle = decoder.pickle
    guard let arguments = pickle.tuple(object.arguments), arguments.count == 4,
      pickle.global(arguments[0]) == TorchNames.rebuildJagged,
      let type = pickle.global(arguments[1]),
      let first = pickle.tuple(arguments[2])?.first, case .dictionary(let pairs) = pickle[first]
    else { return nil }
    var inert = try decoder.inert(object)
    for name in ["values", "offsets", "lengths", "_ragged_idx"] {
      guard let part = pairs.first(where: { pickle.string($0.key) == name })?.value else {
        continue
      }
      if case .none = pickle[part] { continue }
      inert.parts.append(("@\(name.drop { $0 == "_" })", decoder.id(of: part)))
    }
    return inert.parts.isEmpty ? nil : Interpretation(.object(inert), type: type)
  }

  /// `_rebuild_from_type_v2(_rebuild_wrapper_subclass, class, (…), state)`: a tensor without elements
  /// of its own; the tensors that it wraps are attributes.
  private func wrapper(
    _ object: Pickle.Object, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    let pickle = decoder.pickle
    guard let arguments = pickle.tuple(object.arguments), arguments.count == 4,
      pickle.global(arguments[0]) == TorchNames.rebuildWrapper,
      let type = pickle.global(arguments[1]), case .dictionary(let state) = pickle[arguments[3]]
    else { return nil }
    var inert = try decoder.inert(object)
    for pair in state {
      guard let name = pickle.string(pair.key) else { return nil }
      inert.parts.append((name, decoder.id(of: pair.value)))
    }
    return inert.parts.isEmpty ? nil : Interpretation(.object(inert), type: type)
  }

  private func nestedFile(
    _ object: Pickle.Object, _ name: GlobalName, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    let arguments = try TorchArguments(name, object.arguments, decoder.pickle, 1...1)
    guard let nested, let id = try nested.read(arguments.ids[0], &decoder) else {
      decoder.findings.append(
        Finding(
          .dangerousBytes,
          "\(name) gets bytes that are no PyTorch stream; Python would load them, code and all",
          offset: object.offset))
      return nil
    }
    return Interpretation(decoder.graph[id], decoder.graph.traits(of: id))
  }

  /// `_rebuild_sparse_tensor(layout, (indices, values, size[, is_coalesced]))`, and with compressed
  /// and plain indices for the compressed layouts.
  ///
  /// TorchScript writes them without a tuple: (layout, size, requires_grad, indices…, values, hooks).
  private func sparse(
    _ object: Pickle.Object, _ name: GlobalName, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    let arguments = try TorchArguments(name, object.arguments, decoder.pickle, 2...7)
    let ids = Array(arguments.ids)
    let data: [Pickle.ID]
    switch ids.count {
    case 2:
      guard let parts = decoder.pickle.tuple(ids[1]) else {
        throw .malformed("the data of a sparse tensor are no tuple")
      }
      data = Array(parts)
    case 6, 7:
      noteHooks(arguments, ids.count - 1, &decoder)
      data = ids[3..<ids.count - 1] + [ids[1]]
    default: throw .malformed("\(name) has \(ids.count) arguments; it takes 2, 6 or 7")
    }
    let labels: [String]
    switch try layout(arguments.ids[0], decoder.pickle) {
    case "sparse_coo": labels = ["@indices", "@values", "@size", "@is_coalesced"]
    case "sparse_csr", "sparse_bsr":
      labels = ["@crow_indices", "@col_indices", "@values", "@size"]
    case "sparse_csc", "sparse_bsc":
      labels = ["@ccol_indices", "@row_indices", "@values", "@size"]
    case let other: throw .unsupported("sparse tensors of layout '\(other.escapedForDisplay)'")
    }
    guard data.count <= labels.count, data.count >= 3 else {
      throw .malformed("a sparse tensor has \(data.count) parts")
    }
    var inert = try decoder.inert(object)
    inert.parts = zip(labels, data).map { ($0, decoder.id(of: $1)) }
    return Interpretation(.object(inert))
  }

  /// The layouts that TorchScript writes as numbers.
  private static let layouts = [
    1: "sparse_coo", 2: "sparse_csr", 4: "sparse_csc", 5: "sparse_bsr", 6: "sparse_bsc",
  ]

  private func layout(_ id: Pickle.ID, _ pickle: Pickle) throws(TensorIOError) -> String {
    if case .object(let object) = pickle[id], let parts = pickle.tuple(object.arguments),
      parts.count == 1, let text = pickle.string(parts[0]), text.hasPrefix("torch.")
    {
      return String(text.dropFirst(6))
    }
    if let number = pickle.int(id), let name = Self.layouts[number] { return name }
    // torch 1.13 names the layout itself.
    if let name = pickle.global(id), name.module == "torch" { return name.name }
    throw .malformed("the layout of a sparse tensor is no layout")
  }
}
