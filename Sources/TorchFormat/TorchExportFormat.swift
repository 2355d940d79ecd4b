public import ByteIO
internal import JSONText
public import TensorModel
internal import ZIPContainer

/// The weights and constants of an exported program, as `torch.export.save` writes it.
///
/// | member | content |
/// |---|---|
/// | `P/archive_format` | `pt2` |
/// | `P/data/weights/NAME_weights_config.json` | for each tensor its file, dtype code, sizes, strides, offset |
/// | `P/data/weights/weight_N` | the bytes of a storage |
/// | `P/data/constants/…` | the same for constants |
/// | `P/models/NAME.json` | the program, which is not looked at |
public enum TorchExportFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "pt2", name: "PyTorch exported program", extensions: ["pt2"], holdsMany: true,
    keepsNesting: true, canWrite: false)

  public static func recognizes(_ opened: OpenedFile) throws(TensorIOError) -> Bool {
    guard let records = try TorchRecords.of(opened), records.has("archive_format") else {
      return false
    }
    return try records.text("archive_format") == "pt2"
  }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    guard let records = try TorchRecords.of(opened) else { throw .malformed("no ZIP archive") }
    var reader = ExportReader(records, opened.options)
    for member in records.members {
      for part in ["weights", "constants"]
      where member.name.hasPrefix(records.prefix + "data/\(part)/")
        && member.name.hasSuffix("_config.json")
      {
        try locating(.init(member: member.name)) { () throws(TensorIOError) in
          try records.requireUnique(member)
          try reader.addTensors(of: member, in: "data/\(part)/")
        }
      }
    }
    return try reader.archive(format: descriptor.id)
  }
}

private struct ExportReader {
  private let records: TorchRecords
  private let options: ReadingOptions
  private let budget: DecodingBudget
  private var graph = ValueGraph(.none)
  private var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
  private var findings: [Finding]
  private var storages: [ByteKey: TensorStorage] = [:]

  init(_ records: TorchRecords, _ options: ReadingOptions) {
    self.records = records
    self.options = options
    budget = DecodingBudget(options.limits)
    findings = records.findings
  }

  /// torch's numbers for dtypes (`torch._export.serde.schema.ScalarType`).
  private static let dtypes: [Int: DType] = [
    1: .uint8, 2: .int8, 3: .int16, 4: .int32, 5: .int64, 6: .float16, 7: .float32, 8: .float64,
    9: .complex32, 10: .complex64, 11: .complex128, 12: .bool, 13: .bfloat16, 28: .uint16,
    29: .float8E4M3FN, 30: .float8E5M2, 31: .float8E4M3FNUZ, 32: .float8E5M2FNUZ,
    33: .float8E8M0FNU, 34: .uint32, 35: .uint64,
  ]

  mutating func addTensors(of member: ZIPMember, in folder: String) throws(TensorIOError) {
    let bytes = try records.load(member, options.limits).bytes()
    let text = try JSON(parsing: bytes, keeping: "config", limits: options.limits)
    guard case .object(let entries)? = text["config"] else {
      throw .malformed("the configuration has no object 'config'")
    }
    for (name, entry) in entries {
      try locating(.init(tensor: name)) { () throws(TensorIOError) in
        try add(name, entry, folder)
      }
    }
  }

  private mutating func add(
    _ name: String, _ entry: JSON, _ folder: String
  ) throws(TensorIOError) {
    guard case .string(let file)? = entry["path_name"], let meta = entry["tensor_meta"] else {
      throw .malformed("the entry has no file or no description")
    }
    let member = try records.member(folder + file)
    if case .bool(true)? = entry["use_pickle"] {
      findings.append(
        Finding(
          .pickledWeight, "'\(name.escapedForDisplay)' is a pickled tensor and kept as bytes",
          member: member.name))
      pairs.append((graph.add(.string(name)), graph.add(.bytes(member))))
      return
    }
    guard let code = meta["dtype"]?.int, let dtype = Self.dtypes[code] else {
      throw .unsupported("the dtype number is none that is known")
    }
    let storage = storages[ByteKey(member.name)] ?? TensorStorage(member, budget: budget)
    storages[ByteKey(member.name)] = storage
    let tensor = try Tensor(
      dtype: dtype, shape: try integers(meta["sizes"]), strides: try integers(meta["strides"]),
      offset: try integer(meta["storage_offset"]), storage: storage,
      device: device(meta["device"]), requiresGrad: meta["requires_grad"]?.isTrue ?? false)
    let id = graph.add(.tensor(tensor))
    if entry["is_param"]?.isTrue ?? false {
      graph.setTraits(ValueGraph.Traits(type: TorchNames.parameter), of: id)
    }
    pairs.append((graph.add(.string(name)), id))
  }

  private func integer(_ value: JSON?) throws(TensorIOError) -> Int {
    guard let number = value?["as_int"]?.int ?? value?.int else {
      throw .unsupported("a size, stride or offset is no plain integer")
    }
    return number
  }

  private func integers(_ value: JSON?) throws(TensorIOError) -> [Int] {
    guard case .array(let items)? = value, items.count <= 64 else {
      throw .malformed("sizes or strides are no list of at most 64")
    }
    return try items.map { (item) throws(TensorIOError) in try integer(item) }
  }

  private func device(_ value: JSON?) -> Device {
    guard case .string(let kind)? = value?["type"] else { return .cpu }
    return Device(kind: kind, index: kind == "cpu" ? nil : value?["index"]?.int)
  }

  func archive(format: String) throws(TensorIOError) -> TensorArchive {
    var graph = graph
    graph.setRoot(graph.add(.dictionary(pairs)))
    return try TensorArchive(graph, format: format, findings: findings, limits: options.limits)
  }
}

extension JSON {
  fileprivate var isTrue: Bool {
    if case .bool(let value) = self { return value }
    return false
  }
}
