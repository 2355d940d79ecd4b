import ByteIO
import TensorIO
import TestSupport
import Testing

/// Values made in memory, written as a PyTorch archive, and read again.
@Suite struct HandmadeTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Writes values and expects them back; answers what was read.
  @discardableResult
  private func expectRoundTrip(_ graph: ValueGraph, _ name: Comment = "") throws -> TensorArchive {
    let path = folder.path("a.pt")
    let archive = try TensorArchive(graph)
    try archive.write(to: path)
    let copy = try TensorArchive(contentsOf: path)
    #expect(copy.findings.isEmpty, name)
    #expect(try archive.losses(writingTo: path).isEmpty, name)
    let (found, wanted) = (
      try TreeDescription.json(of: copy.values), try TreeDescription.json(of: graph)
    )
    for difference in found.differences(from: wanted) { Issue.record("\(name): \(difference)") }
    return copy
  }

  private func bytes(_ bytes: [UInt8]) throws -> ValueGraph.Node {
    .bytes(try HeapBytes(bytes.span))
  }

  @Test func everyKindOfPlainValue() throws {
    var graph = ValueGraph(.none)
    var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
    func add(_ name: String, _ node: ValueGraph.Node, _ traits: ValueGraph.Traits? = nil) {
      let id = graph.add(node)
      if let traits { graph.setTraits(traits, of: id) }
      pairs.append((graph.add(.string(name)), id))
    }
    add("none", .none)
    add("bools", .list([graph.add(.bool(true)), graph.add(.bool(false))]))
    for value in [0, 255, 256, 65535, 65536, -1, Int64(Int32.max) + 1, .max, .min] {
      add("int \(value)", .int(value))
    }
    add("big", .bigInteger("1606938044258990275541962092341162602522202993782792835301376"))
    add("small", .bigInteger("-18446744073709551616"))
    for value in [0, -0.0, 1.5, .infinity, -.infinity, .nan, .leastNonzeroMagnitude] {
      add("float \(value)", .float(value))
    }
    add("complex", .complex(1, -2))
    add("text", .string("a\n\u{0} é 日本 😀"))
    add("empty text", .string(""))
    add("long text", .string(String(repeating: "é", count: 40_000)))
    add("bytes", try bytes(Array(0...255)))
    add("no bytes", try bytes([]))
    add(
      "bytearray", try bytes([1, 2]),
      ValueGraph.Traits(type: GlobalName("builtins", "bytearray")))
    for count in 0...5 {
      add("tuple of \(count)", .tuple((0..<count).map { graph.add(.int(Int64($0))) }))
    }
    add("set", .set([graph.add(.int(1)), graph.add(.string("a"))]))
    add(
      "frozenset", .set([graph.add(.int(1))]),
      ValueGraph.Traits(type: GlobalName("builtins", "frozenset")))
    add("empty dictionary", .dictionary([]))
    add(
      "keys",
      .dictionary([
        (graph.add(.int(0)), graph.add(.int(1))), (graph.add(.none), graph.add(.int(2))),
        (graph.add(.tuple([graph.add(.int(1)), graph.add(.string("b"))])), graph.add(.int(3))),
      ]))
    add("long list", .list((0..<2500).map { graph.add(.int(Int64($0))) }))
    let long = (0..<2500).map { (graph.add(.string("k\($0)")), graph.add(.int(Int64($0)))) }
    add("long dictionary", .dictionary(long.map { (key: $0.0, value: $0.1) }))
    graph.setRoot(graph.add(.dictionary(pairs)))
    try expectRoundTrip(graph)
  }

  @Test func tensorsOfEveryKind() throws {
    let numbers = try Tensor((0..<24).map(Float.init), shape: [4, 6])
    let storage = TensorStorage(try HeapBytes([UInt8](0..<64).span))
    let (first, second) = (
      TensorStorage(try HeapBytes([UInt8](0..<6).span)),
      TensorStorage(try HeapBytes([UInt8](0..<6).span))
    )
    let quantized = try Tensor(
      dtype: .qint8, shape: [2, 3], storage: first,
      quantization: .perTensor(scheme: .perTensorAffine, scale: 0.5, zeroPoint: -3))
    let channels = try Tensor(
      dtype: .quint8, shape: [2, 3], storage: second,
      quantization: .perChannel(
        scheme: .perChannelAffine, scales: try Tensor([0.5, 2.0]),
        zeroPoints: try Tensor([1 as Int64, 2]), axis: 0))
    let complex = try Tensor(
      dtype: .complex64, shape: [4], storage: storage, isConjugated: true, isNegated: true)
    var tensors: [(String, Tensor)] = [
      ("whole", numbers), ("row", try numbers[1]), ("column", try numbers.transposed()[2]),
      ("transposed", numbers.transposed()), ("scalar", try Tensor([1.5], shape: [])),
      ("empty", try Tensor.zeros([0, 3], dtype: .int16)), ("quantized", quantized),
      ("channels", channels), ("complex", complex),
      ("meta", try Tensor.meta(dtype: .bfloat16, shape: [3, 4], requiresGrad: true)),
      ("expanded", try Tensor(dtype: .uint8, shape: [5, 2], strides: [0, 1], storage: storage)),
      ("gpu", try Tensor([1.5, 2]).tagged(device: .cuda(1), requiresGrad: true)),
    ]
    for dtype in DType.simple where dtype.torchName != nil && !dtype.isQuantized {
      tensors.append(
        (dtype.description, try Tensor(dtype: dtype, shape: [4], storage: storage)))
    }
    let copy = try expectRoundTrip(
      ValueGraph(dictionary: tensors.map { ($0.0, .tensor($0.1)) }))
    #expect(copy.entries.count == tensors.count)
    #expect(copy.aliasGroups.count >= 2)
  }

  /// PyTorch takes the dtype of quantized elements from their storage, so they need one of their own.
  @Test func aQuantizedTensorOnTheStorageOfBytes() throws {
    let storage = TensorStorage(try HeapBytes([UInt8](0..<6).span))
    let quantized = try Tensor(
      dtype: .qint8, shape: [2, 3], storage: storage,
      quantization: .perTensor(scheme: .perTensorAffine, scale: 0.5, zeroPoint: -3))
    let bytes = try Tensor(dtype: .uint8, shape: [6], storage: storage)
    let archive = try TensorArchive([("bytes", bytes), ("quantized", quantized)])
    let path = folder.path("a.pt")
    let losses = try archive.losses(writingTo: path)
    #expect(losses.map(\.kind) == [.aliasing] && losses.map(\.name) == ["quantized"])
    try archive.write(to: path)
    let copy = try TensorArchive(contentsOf: path)
    for name in archive.names {
      let (left, right) = (try copy.tensor(name), try archive.tensor(name))
      let hashes = (try left.goldenHash(), try right.goldenHash())
      #expect(left.dtype == right.dtype && hashes.0 == hashes.1, "\(name)")
    }
    #expect(copy.aliasGroups.isEmpty)
  }

  /// torch.save has no dtype for text; the error names the tensor.
  @Test func dtypesThatPyTorchDoesNotHave() throws {
    for dtype in [DType.string(count: 2), .longDouble, .datetime(TimeUnit(.second))] {
      let archive = try TensorArchive([("bad", try Tensor.zeros([2], dtype: dtype))])
      let error = #expect(throws: TensorIOError(.unsupported, "")) {
        try archive.write(to: folder.path("a.pt"))
      }
      #expect(error?.place.tensor == "bad")
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test func parametersAndStateDictionaries() throws {
    var graph = ValueGraph(.none)
    let weight = graph.add(
      .tensor(try Tensor([1 as Float, 2]).tagged(device: .cpu, requiresGrad: true)))
    graph.setTraits(
      ValueGraph.Traits(type: GlobalName("torch.nn.parameter", "Parameter")), of: weight)
    let version = graph.add(.dictionary([(graph.add(.string("version")), graph.add(.int(1)))]))
    let metadata = graph.add(.dictionary([(graph.add(.string("")), version)]))
    let state = graph.add(.dictionary([(graph.add(.string("_metadata")), metadata)]))
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("weight")), weight), (graph.add(.string("tied")), weight),
        ])))
    graph.setTraits(
      ValueGraph.Traits(type: GlobalName("collections", "OrderedDict"), states: [state]),
      of: graph.root)
    let copy = try expectRoundTrip(graph)
    let ids = copy.entries.map(\.id)
    #expect(ids.count == 2 && ids[0] == ids[1])
  }

  @Test func objectsThatOnlyPythonCouldBuild() throws {
    var graph = ValueGraph(.none)
    let path = graph.add(.object(.init(.global(GlobalName("pathlib", "PurePosixPath")))))
    let arguments = graph.add(.tuple([graph.add(.string("a")), graph.add(.string("b"))]))
    let call = graph.add(.object(.init(.call(callee: path, arguments: arguments))))
    let type = graph.add(.object(.init(.global(GlobalName("argparse", "Namespace")))))
    let empty = graph.add(.tuple([]))
    let tensor = graph.add(.tensor(try Tensor([1 as Float])))
    let state = graph.add(.dictionary([(graph.add(.string("weight")), tensor)]))
    let keywords = graph.add(.dictionary([(graph.add(.string("k")), graph.add(.int(1)))]))
    let plain = graph.add(
      .object(.init(.new(callee: type, arguments: empty, keywords: nil), states: [state])))
    let listed = graph.add(
      .object(
        .init(
          .call(callee: type, arguments: empty), elements: [tensor, call],
          items: [(graph.add(.string("x")), plain)])))
    _ = keywords
    graph.setRoot(graph.add(.list([call, plain, listed, type])))
    let copy = try expectRoundTrip(graph)
    #expect(copy.names == ["1.weight", "2.0", "2.x.weight"])
    #expect(copy.globals.map(\.verdict).contains(.inert))
  }

  // MARK: Round, and deep

  @Test func valuesThatHoldThemselves() throws {
    var list = ValueGraph(.none)
    list.setRoot(list.add(.list([])))
    list.replace(list.root, with: .list([list.add(.int(1)), list.root]))
    try expectRoundTrip(list, "a list")

    var dictionary = ValueGraph(.none)
    dictionary.setRoot(dictionary.add(.dictionary([])))
    let inner = dictionary.add(.list([dictionary.root]))
    let key = dictionary.add(.string("up"))
    dictionary.replace(dictionary.root, with: .dictionary([(key, inner)]))
    try expectRoundTrip(dictionary, "a dictionary")

    // A tuple can lead back to itself through a list.
    var tuple = ValueGraph(.none)
    let middle = tuple.add(.list([]))
    tuple.setRoot(tuple.add(.tuple([middle, tuple.add(.int(2))])))
    tuple.replace(middle, with: .list([tuple.root]))
    try expectRoundTrip(tuple, "a tuple in a list")

    // The state of an object may hold the object.
    var object = ValueGraph(.none)
    let type = object.add(.object(.init(.global(GlobalName("argparse", "Namespace")))))
    let nothing = object.add(.tuple([]))
    let state = object.add(.dictionary([]))
    object.setRoot(
      object.add(
        .object(.init(.new(callee: type, arguments: nothing, keywords: nil), states: [state]))))
    object.replace(state, with: .dictionary([(object.add(.string("me")), object.root)]))
    try expectRoundTrip(object, "an object")
  }

  /// Not even Python could build these.
  @Test func tuplesThatHoldThemselves() throws {
    var tuple = ValueGraph(.none)
    tuple.setRoot(tuple.add(.tuple([])))
    tuple.replace(tuple.root, with: .tuple([tuple.root]))
    var call = ValueGraph(.none)
    let callee = call.add(.object(.init(.global(GlobalName("m", "f")))))
    let arguments = call.add(.tuple([]))
    call.setRoot(call.add(.object(.init(.call(callee: callee, arguments: arguments)))))
    call.replace(arguments, with: .tuple([call.root]))
    for graph in [tuple, call] {
      let archive = try TensorArchive(graph)
      #expect(throws: TensorIOError(.unsupported, "")) {
        try archive.write(to: folder.path("a.pt"))
      }
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test func aHundredThousandLevels() throws {
    var limits = DecodingLimits()
    limits.nestingDepth = 100_001
    var options = ReadingOptions()
    options.limits = limits
    for kind in ["list", "tuple", "dictionary", "object"] {
      var graph = ValueGraph(.none)
      let key = graph.add(.string("k"))
      let callee = graph.add(.object(.init(.global(GlobalName("m", "f")))))
      var top = graph.add(.tensor(try Tensor([1 as Float])))
      for _ in 0..<(kind == "list" ? 100_000 : 20_000) {
        switch kind {
        case "list": top = graph.add(.list([top]))
        case "tuple": top = graph.add(.tuple([top]))
        case "dictionary": top = graph.add(.dictionary([(key, top)]))
        default:
          top = graph.add(
            .object(.init(.call(callee: callee, arguments: graph.add(.tuple([top]))))))
        }
      }
      graph.setRoot(top)
      #expect(throws: TensorIOError(.limit, "")) { try TensorArchive(graph) }
      let archive = try TensorArchive(graph, limits: limits)
      try archive.write(to: folder.path("a.pt"))
      #expect(throws: TensorIOError(.limit, "")) {
        try TensorArchive(contentsOf: folder.path("a.pt"))
      }
      let copy = try TensorArchive(contentsOf: folder.path("a.pt"), options: options)
      #expect(copy.entries.map(\.path) == archive.entries.map(\.path), "\(kind)")
    }
  }
}
