internal import ByteIO
internal import TensorModel

/// The classes and functions of PyTorch that its files name.
enum TorchNames {
  /// The storage classes with the dtype of their elements; the modules are `torch` and, in old files,
  /// `torch.cuda`.
  static let storages: [(name: String, dtype: DType)] = [
    ("FloatStorage", .float32), ("DoubleStorage", .float64), ("HalfStorage", .float16),
    ("BFloat16Storage", .bfloat16), ("LongStorage", .int64), ("IntStorage", .int32),
    ("ShortStorage", .int16), ("CharStorage", .int8), ("ByteStorage", .uint8),
    ("BoolStorage", .bool), ("ComplexDoubleStorage", .complex128),
    ("ComplexFloatStorage", .complex64), ("QUInt8Storage", .quint8), ("QInt8Storage", .qint8),
    ("QInt32Storage", .qint32), ("QUInt4x2Storage", .quint4x2), ("QUInt2x4Storage", .quint2x4),
  ]

  private static let dtypeByStorage: [GlobalName: DType] = {
    var table: [GlobalName: DType] = [:]
    for (name, dtype) in storages {
      table[GlobalName("torch", name)] = dtype
      table[GlobalName("torch.cuda", name)] = dtype
    }
    return table
  }()

  /// The names that the C++ pickler of TorchScript makes up for dtypes without a storage class.
  private static let scriptStorages: [GlobalName: DType] = {
    let dtypes: [String: DType] = [
      "UInt16": .uint16, "UInt32": .uint32, "UInt64": .uint64, "ComplexHalf": .complex32,
      "BComplex32": .bcomplex32, "Float8_e5m2": .float8E5M2, "Float8_e4m3fn": .float8E4M3FN,
      "Float8_e5m2fnuz": .float8E5M2FNUZ, "Float8_e4m3fnuz": .float8E4M3FNUZ,
      "Float8_e8m0fnu": .float8E8M0FNU, "Float4_e2m1fn_x2": .float4E2M1FNx2, "Bits8": .bits8,
      "Bits16": .bits16, "Bits1x8": .bits1x8, "Bits2x4": .bits2x4, "Bits4x2": .bits4x2,
    ]
    var table: [GlobalName: DType] = [:]
    for (name, dtype) in dtypes { table[GlobalName("torch", name + "Storage")] = dtype }
    return table
  }()

  /// The class of storages without a dtype; sizes of such storages count bytes.
  static let untypedStorage = GlobalName("torch.storage", "UntypedStorage")

  static let utilities = "torch._utils"
  static let rebuildTensor = GlobalName(utilities, "_rebuild_tensor_v2")
  static let rebuildTensorWithType = GlobalName(utilities, "_rebuild_tensor_v3")
  static let rebuildParameter = GlobalName(utilities, "_rebuild_parameter")
  static let rebuildParameterWithState = GlobalName(utilities, "_rebuild_parameter_with_state")
  static let rebuildQuantized = GlobalName(utilities, "_rebuild_qtensor")
  static let rebuildMeta = GlobalName(utilities, "_rebuild_meta_tensor_no_storage")
  static let rebuildFromType = GlobalName("torch._tensor", "_rebuild_from_type_v2")
  static let rebuildJagged = GlobalName("torch.nested._internal.nested_tensor", "_rebuild_njt")
  static let rebuildWrapper = GlobalName(utilities, "_rebuild_wrapper_subclass")
  static let parameter = GlobalName("torch.nn.parameter", "Parameter")
  static let tensor = GlobalName("torch", "Tensor")
  static let size = GlobalName("torch", "Size")
  static let metadata = GlobalName("torch.distributed.checkpoint.metadata", "Metadata")
  static let restoreTypeTag = GlobalName("torch.jit._pickle", "restore_type_tag")
  static let rebuildOnDevice = GlobalName(utilities, "_rebuild_device_tensor_from_cpu_tensor")
  static let loadFromBytes = GlobalName("torch.storage", "_load_from_bytes")

  /// The dtype of a storage class's elements, or nil for another name.
  static func dtype(ofStorage name: GlobalName) -> DType? {
    dtypeByStorage[name] ?? scriptStorages[name]
  }

  /// Whether a function makes tensors of several others.
  static func makesComposites(_ name: GlobalName) -> Bool {
    if name == rebuildFromType { return true }
    return name.module == utilities
      && ["_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor", "_rebuild_nested_tensor"]
        .contains(name.name)
  }

  /// Whether a class is one of storages, with a dtype or without.
  static func isStorage(_ name: GlobalName?) -> Bool {
    guard let name else { return false }
    return name == untypedStorage || dtype(ofStorage: name) != nil
  }

  /// The class for storages of a dtype, or nil where torch keeps it without one.
  static func storage(of dtype: DType) -> GlobalName? {
    storages.first { $0.dtype == dtype }.map { GlobalName("torch", $0.name) }
  }

  /// Devices to which torch moves tensors from the CPU when it loads them, as it has no storages there.
  static let devicesWithoutStorages: Set<String> = ["xla", "maia", "ort", "lazy", "ipu", "vulkan"]

  /// The dtype that `torch.NAME` is, or nil.
  static func dtype(_ name: GlobalName?) -> DType? {
    guard let name, name.module == "torch" else { return nil }
    return DType(torchName: name.name)
  }

  /// The tensor classes of torch before 0.4: `torch.FloatTensor`.
  static func isOldTensor(_ name: GlobalName) -> Bool {
    guard name.name.hasSuffix("Tensor") else { return false }
    let storage = name.name.dropLast(6) + "Storage"
    return dtypeByStorage[GlobalName(name.module, String(storage))] != nil
  }
}
