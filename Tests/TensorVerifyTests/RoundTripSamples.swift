import ByteIO
import TensorIO
import Testing

/// Archives that have one of everything that a file can say.
enum RoundTripSamples {
  struct Sample: CustomTestStringConvertible, Sendable {
    let name: String
    let archive: TensorArchive
    var testDescription: String { name }
  }

  static func all() throws -> [Sample] {
    try dtypes() + layouts() + values() + tags()
  }

  // MARK: Dtypes

  static let plainTypes: [DType] = [
    .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
    .float64, .bfloat16, .longDouble, .complex32, .bcomplex32, .complex64, .complex128,
    .complexLongDouble, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ,
    .float8E8M0FNU, .float4E2M1FNx2, .bits8, .bits16, .bits1x8, .bits2x4, .bits4x2,
    .bytes(count: 3), .string(count: 2), .void(count: 5), .datetime(TimeUnit(.second)),
    .timedelta(TimeUnit(.nanosecond, multiple: 25)),
  ]

  private static func record() throws -> DType {
    .structured(
      try StructuredType(
        fields: [
          .init(name: "x", dtype: .float32, byteOrder: .big, offset: 0),
          .init(name: "y", dtype: .int16, shape: [2], offset: 6),
        ], byteCount: 12))
  }

  private static func heap(_ bytes: [UInt8]) throws -> HeapBytes { try HeapBytes(bytes.span) }

  /// Every pattern there is, NaN payloads among them.
  private static func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
  }

  private static func bytes(_ count: Int) throws -> TensorStorage {
    TensorStorage(try heap(pattern(count)))
  }

  static func tensor(_ dtype: DType, shape: [Int], order: ByteOrder = .little) throws -> Tensor {
    let count = shape.reduce(1, *)
    let contents: [UInt8]
    switch dtype {
    case .bool: contents = (0..<count).map { UInt8($0 % 2) }
    case .string(let length):
      let letters: [[UInt8]] = (0..<count * length).map { index in
        let letter = [UInt8(0x61 + index % 26), 0, 0, 0]
        return order == .little ? letter : letter.reversed()
      }
      contents = Array(letters.joined())
    default: contents = pattern(try Shape.byteCount(of: dtype, shape: shape))
    }
    let storage = TensorStorage(try heap(contents))
    return try Tensor(dtype: dtype, byteOrder: order, shape: shape, storage: storage)
  }

  private static func dtypes() throws -> [Sample] {
    var samples: [Sample] = []
    for dtype in plainTypes + [try record()] {
      var tensors = [
        ("matrix", try tensor(dtype, shape: [3, 4])), ("empty", try tensor(dtype, shape: [0, 2])),
        ("scalar", try tensor(dtype, shape: [])),
      ]
      if dtype.swapUnit > 1 {
        tensors.append(("big", try tensor(dtype, shape: [5], order: .big)))
      }
      samples.append(Sample(name: "\(dtype)", archive: try TensorArchive(tensors)))
    }
    let lone = try tensor(.float64, shape: [2, 2])
    return samples + [Sample(name: "lone", archive: try TensorArchive(lone))]
  }

  // MARK: Layouts

  private static func layouts() throws -> [Sample] {
    let base = try tensor(.float32, shape: [4, 6])
    let reversed = try base[TensorIndex.slice(from: nil, to: nil, step: -1)]
    let layouts: [(String, Tensor)] = [
      ("base", base), ("transposed", base.transposed()), ("row", try base[1]),
      ("columns", try base[0..<4, 2..<5]), ("reversed", reversed),
      ("broadcast", try .full([3, 2], 7 as Float)),
    ]
    let large = try tensor(.int32, shape: [100])
    return [
      Sample(name: "aliases", archive: try TensorArchive(layouts)),
      Sample(name: "tied", archive: try TensorArchive([("a", base), ("b", base)])),
      Sample(name: "reversed", archive: try TensorArchive([("a", reversed)])),
      Sample(name: "part", archive: try TensorArchive([("a", try large[10..<20])])),
      Sample(
        name: "every third",
        archive: try TensorArchive([
          ("a", try large[TensorIndex.slice(from: nil, to: nil, step: 3)])
        ])),
      Sample(
        name: "two parts",
        archive: try TensorArchive([("a", try large[10..<20]), ("b", try large[15..<25])])),
      Sample(name: "nothing", archive: try TensorArchive(ValueGraph(dictionary: []))),
    ]
  }

  // MARK: Values

  private static func values() throws -> [Sample] {
    [
      Sample(name: "nested", archive: try nested()), Sample(name: "cycles", archive: try cycles()),
      Sample(name: "classes", archive: try classes()), Sample(name: "keys", archive: try keys()),
      Sample(
        name: "list",
        archive: try TensorArchive(
          ValueGraph(list: [.tensor(try tensor(.int8, shape: [2])), .int(1)]))),
    ]
  }

  static func nested() throws -> TensorArchive {
    var graph = ValueGraph(.none)
    func scalar(_ node: ValueGraph.Node) -> ValueGraph.ID { graph.add(node) }
    let leaves: [ValueGraph.Node] = [
      .none, .bool(true), .int(.min), .bigInteger("123456789012345678901234567890"),
      .float(-0.0), .float(Double(nan: 5, signaling: false)), .float(.infinity),
      .complex(-0.0, 1), .string("é\u{0}\u{1F600}"), .bytes(try heap([0, 255])),
      .set([graph.add(.int(1)), graph.add(.string("x"))]), .tuple([]), .list([]), .dictionary([]),
    ]
    let list = graph.add(.list(leaves.map(scalar)))
    let weight = graph.add(.tensor(try tensor(.float32, shape: [2, 2])))
    let tuple = graph.add(.tuple([weight, list]))
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("tuple")), tuple), (graph.add(.string("again")), tuple),
          (graph.add(.string("step")), graph.add(.int(3))),
        ])))
    return try TensorArchive(graph)
  }

  private static func cycles() throws -> TensorArchive {
    var graph = ValueGraph(.none)
    let list = graph.add(.list([]))
    let root = graph.add(.dictionary([]))
    graph.replace(list, with: .list([list, root, graph.add(.int(1))]))
    graph.replace(
      root,
      with: .dictionary([
        (graph.add(.string("list")), list),
        (graph.add(.string("w")), graph.add(.tensor(try tensor(.int16, shape: [3])))),
      ]))
    graph.setRoot(root)
    return try TensorArchive(graph)
  }

  static func classes() throws -> TensorArchive {
    var graph = ValueGraph(.none)
    let weight = graph.add(
      .tensor(try tensor(.float32, shape: [2]).tagged(device: .cpu, requiresGrad: true)))
    graph.setTraits(.init(type: GlobalName("torch.nn.parameter", "Parameter")), of: weight)
    let callee = graph.add(.object(.init(.global(GlobalName("my.module", "Thing")))))
    let arguments = graph.add(.tuple([graph.add(.int(1)), weight]))
    let state = graph.add(.dictionary([(graph.add(.string("x")), graph.add(.float(1.5)))]))
    let thing = graph.add(
      .object(.init(.call(callee: callee, arguments: arguments), states: [state])))
    let root = graph.add(
      .dictionary([
        (graph.add(.string("weight")), weight), (graph.add(.string("thing")), thing),
        (graph.add(.string("same")), thing),
      ]))
    let version = graph.add(.dictionary([(graph.add(.string("version")), graph.add(.int(1)))]))
    let metadata = graph.add(.dictionary([(graph.add(.string("_metadata")), version)]))
    graph.setTraits(
      .init(type: GlobalName("collections", "OrderedDict"), states: [metadata]), of: root)
    graph.setRoot(root)
    return try TensorArchive(graph)
  }

  private static func keys() throws -> TensorArchive {
    var graph = ValueGraph(.none)
    var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
    let pair = graph.add(.tuple([graph.add(.int(1)), graph.add(.string("a"))]))
    let keys: [ValueGraph.Node] = [
      .string("b"), .string("a"), .int(7), .float(0.5), .bool(true), .none,
    ]
    for (index, key) in (keys.map { graph.add($0) } + [pair]).enumerated() {
      pairs.append((key, graph.add(.tensor(try tensor(.int32, shape: [index + 1])))))
    }
    graph.setRoot(graph.add(.dictionary(pairs)))
    return try TensorArchive(graph)
  }

  // MARK: Tags

  private static func tags() throws -> [Sample] {
    let base = try tensor(.complex64, shape: [2, 3])
    let conjugated = try Tensor(
      dtype: .complex64, shape: [2, 3], storage: base.storage, isConjugated: true)
    let negated = try Tensor(
      dtype: .float32, shape: [2, 3], storage: bytes(24), isNegated: true)
    let floats = try tensor(.float32, shape: [3])
    return [
      Sample(
        name: "signs", archive: try TensorArchive([("c", conjugated), ("n", negated), ("b", base)])),
      Sample(
        name: "devices",
        archive: try TensorArchive([
          ("gpu", floats.tagged(device: .cuda(1), requiresGrad: true)),
          ("cpu", floats.tagged(device: .cpu, requiresGrad: false)),
          (
            "xla",
            try tensor(.float32, shape: [2]).tagged(device: Device("xla:0"), requiresGrad: false)
          ),
        ])),
      Sample(
        name: "meta",
        archive: try TensorArchive([("m", try .meta(dtype: .float32, shape: [1000, 1000]))])),
      Sample(name: "quantized", archive: try quantized()),
      Sample(name: "sparse", archive: try sparse()),
    ]
  }

  static func quantized() throws -> TensorArchive {
    let whole = try Tensor(
      dtype: .qint8, shape: [4], storage: bytes(4),
      quantization: .perTensor(scheme: .perTensorAffine, scale: 0.1, zeroPoint: 3))
    let rows = try Tensor(
      dtype: .quint8, shape: [2, 3], storage: bytes(6),
      quantization: .perChannel(
        scheme: .perChannelAffine, scales: Tensor([0.5, 0.25] as [Double]),
        zeroPoints: Tensor([1, 2] as [Int64]), axis: 0))
    return try TensorArchive([("whole", whole), ("rows", rows)])
  }

  /// A sparse tensor as torch writes it: a call with its parts.
  private static func sparse() throws -> TensorArchive {
    var graph = ValueGraph(.none)
    let indices = graph.add(.tensor(try Tensor([0, 1, 2, 0] as [Int64], shape: [2, 2])))
    let values = graph.add(.tensor(try Tensor([1.5, -2] as [Float])))
    let size = graph.add(.tuple([graph.add(.int(2)), graph.add(.int(3))]))
    let layout = graph.add(
      .object(.init(.global(GlobalName("torch.serialization", "_get_layout")))))
    let name = graph.add(.tuple([graph.add(.string("torch.sparse_coo"))]))
    let coo = graph.add(.object(.init(.call(callee: layout, arguments: name))))
    let callee = graph.add(
      .object(.init(.global(GlobalName("torch._utils", "_rebuild_sparse_tensor")))))
    let data = graph.add(.tuple([indices, values, size]))
    let arguments = graph.add(.tuple([coo, data]))
    let sparse = graph.add(
      .object(
        .init(
          .call(callee: callee, arguments: arguments),
          parts: [("@indices", indices), ("@values", values), ("@size", size)])))
    graph.setRoot(graph.add(.dictionary([(graph.add(.string("s")), sparse)])))
    return try TensorArchive(graph)
  }
}
