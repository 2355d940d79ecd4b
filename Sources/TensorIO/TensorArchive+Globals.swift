internal import Pickle

/// The Python classes and functions that a file of some values would name.
///
/// Unlike ``TensorArchive/globals`` they are those of what is to be written, not of what was read.
public struct WrittenGlobals: Sendable {
  /// Those that PyTorch loads only where it is told to trust the file.
  public let foreign: [GlobalName]
  /// Those that would do harm when Python loads the file, each with the path of the first entry of a
  /// dictionary that goes with it, where there is one.
  public let dangerous: [(name: GlobalName, path: [String]?)]
}

extension TensorArchive {
  /// What a file of these values would name.
  /// - Parameter keepsNesting: whether the file has all values, or of objects only the elements of
  ///   arrays.
  public func writtenGlobals(keepsNesting: Bool) -> WrittenGlobals {
    if keepsNesting { return writtenGlobals }
    let parts = entries.filter { $0.tensor.dtype.containsObjects }.map { entry in
      (globals: (try? part(entry.id))?.writtenGlobals, path: entry.path)
    }
    return WrittenGlobals(
      foreign: [],
      dangerous: parts.flatMap { part in
        (part.globals?.dangerous ?? []).map { ($0.name, part.path) }
      })
  }

  private var writtenGlobals: WrittenGlobals {
    var seen: Set<GlobalName> = []
    var names: [GlobalName] = []
    for id in values.reachable() {
      var found = [values.traits(of: id)?.type]
      if case .object(let object) = values[id], case .global(let name) = object.origin {
        found.append(name)
      }
      for case .some(let name) in found where seen.insert(name).inserted { names.append(name) }
    }
    let judged = Set(globals.filter { $0.verdict == .dangerous }.map(\.name))
    let dangerous = names.filter { judged.contains($0) || $0.verdict == .dangerous }
    var paths: [GlobalName: [String]] = [:]
    if !dangerous.isEmpty {
      var walk = GraphWalk(values, limits: .unlimited)
      // The walk succeeded when the archive was made.
      while let step = try? walk.next() {
        guard let name = values.typeName(of: step.id), paths[name] == nil else { continue }
        let place = walk.chain.lastIndex {
          if case .dictionary = values[$0.container] { true } else { false }
        }
        paths[name] = place.map { Array(walk.path[...$0]) }
      }
    }
    return WrittenGlobals(
      foreign: names.filter { !WeightsOnly.allowed.contains($0.modern) },
      dangerous: dangerous.map { ($0, paths[$0]) })
  }
}

/// What `torch.load(weights_only=True)` of PyTorch 2.15 takes, by name: the 144 of its
/// `_get_allowed_globals()`.
enum WeightsOnly {
  static let allowed: Set<GlobalName> = {
    var names: Set<GlobalName> = []
    func add(_ module: String, _ list: String, _ ending: String = "") {
      for name in list.split(separator: " ") { names.insert(GlobalName(module, name + ending)) }
    }
    add("collections", "Counter OrderedDict")
    add("builtins", "bytearray complex set")
    add("_codecs", "encode")
    add("torch", "Size Tensor device")
    add("torch", "bool int1 int2 int3 int4 int5 int6 int7 int8 int16 int32 int64")
    add("torch", "uint1 uint2 uint3 uint4 uint5 uint6 uint7 uint8 uint16 uint32 uint64")
    add("torch", "float16 float32 float64 bfloat16 complex32 complex64 complex128 bcomplex32")
    add("torch", "float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu")
    add("torch", "float4_e2m1fn_x2 bits8 bits16 bits1x8 bits2x4 bits4x2")
    add("torch", "qint8 quint8 qint32 quint4x2 quint2x4")
    add("torch", "per_tensor_affine per_tensor_symmetric per_channel_affine")
    add("torch", "per_channel_symmetric per_channel_affine_float_qparams")
    let numbers = "Double Float Half Long Int Short Char Byte"
    for module in ["torch", "torch.cuda"] {
      add(module, numbers + " Bool BFloat16", "Tensor")
      add(module, numbers + " Bool BFloat16 ComplexDouble ComplexFloat", "Storage")
    }
    add("torch", "QInt8 QUInt8 QInt32 QUInt4x2 QUInt2x4", "Storage")
    for module in ["torch.sparse", "torch.cuda.sparse"] {
      add(module, numbers + " BFloat16", "Tensor")
    }
    add("torch.storage", "TypedStorage UntypedStorage")
    add("torch.nn.parameter", "Parameter")
    add("torch.serialization", "_get_layout")
    add("torch._tensor", "_rebuild_from_type_v2")
    add("torch._utils", "parameter parameter_with_state qtensor tensor tensor_v2 tensor_v3".rebuild)
    add("torch._utils", "sparse_tensor meta_tensor_no_storage wrapper_subclass".rebuild)
    add("torch._utils", "device_tensor_from_numpy device_tensor_from_cpu_tensor".rebuild)
    return names
  }()
}

extension String {
  /// Each word with `_rebuild_` before it.
  fileprivate var rebuild: String {
    split(separator: " ").map { "_rebuild_" + $0 }.joined(separator: " ")
  }
}
