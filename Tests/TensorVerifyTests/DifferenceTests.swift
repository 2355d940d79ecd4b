import TensorIO
import TensorVerify
import TestSupport
import Testing

/// How two archives compare: statuses, names, tags, values.
@Suite struct DifferenceTests {
  private func compare(
    _ left: Tensor, _ right: Tensor, _ options: DifferenceOptions = DifferenceOptions()
  ) throws -> TensorDifference {
    let difference = try ArchiveDifference(
      between: TensorArchive(left), and: TensorArchive(right), options: options)
    return try #require(difference.tensors.first)
  }

  private func options(_ change: (inout DifferenceOptions) -> Void) -> DifferenceOptions {
    var options = DifferenceOptions()
    change(&options)
    return options
  }

  private func uniform(_ tolerance: Tolerance) -> DifferenceOptions {
    options { $0.tolerances = .uniform(tolerance) }
  }

  // MARK: Statuses

  @Test func everyStatus() throws {
    let left = try TensorArchive([
      ("equal", Tensor([1, 2] as [Float])), ("close", Tensor([1, 2] as [Float])),
      ("differ", Tensor([1, 2] as [Float])), ("shape", Tensor([1, 2] as [Float])),
      ("gone", Tensor([1] as [Float])),
    ])
    let right = try TensorArchive([
      ("new", Tensor([1] as [Float])), ("shape", Tensor([1, 2, 3] as [Float])),
      ("differ", Tensor([1, 3] as [Float])), ("close", Tensor([1, 2.0000002] as [Float])),
      ("equal", Tensor([1, 2] as [Float])),
    ])
    let difference = try ArchiveDifference(
      between: left, and: right, options: uniform(Tolerance(relative: 1e-6)))
    #expect(
      difference.tensors.map(\.status)
        == [.equal, .close, .differ, .incompatible, .onlyLeft, .onlyRight])
    #expect(difference.tensors.map(\.name) == ["equal", "close", "differ", "shape", "gone", "new"])
    #expect(difference.tensors.map(\.isDifference) == [false, false, true, true, true, true])
    #expect(!difference.isSame && difference.count(of: .close) == 1)
    #expect(difference.tensors[2].elements?.firstMismatched == 1)
    // Without a tolerance what is close counts.
    let exact = try ArchiveDifference(between: left, and: right)
    #expect(exact.tensors.prefix(3).map(\.status) == [.equal, .differ, .differ])
  }

  @Test func anotherDTypeIsCloseUnlessItIsIgnored() throws {
    let (one, other) = (try Tensor([1, -2.5, .nan] as [Float]), try Tensor([1, -2.5, .nan]))
    let exact = try compare(one, other)
    #expect(exact.status == .close && exact.isDifference && exact.elements?.differingCount == 0)
    let ignoring = try compare(one, other, options { $0.ignoresDType = true })
    #expect(ignoring.status == .equal && !ignoring.isDifference)
    let tolerant = try compare(one, other, uniform(Tolerance()))
    #expect(tolerant.status == .close && !tolerant.isDifference)
    #expect(
      try compare(
        Tensor([1, 2] as [Int8]), Tensor([1, 3] as [Float]),
        options {
          $0.ignoresDType = true
        }
      ).status == .differ)
    let text = try Tensor.zeros([3], dtype: .bytes(count: 4))
    #expect(try compare(one, text).status == .incompatible)
    #expect(try compare(text, .zeros([3], dtype: .string(count: 1))).status == .incompatible)
  }

  @Test func bitsAndNumbers() throws {
    let zeros = try compare(Tensor([0.0, 1]), Tensor([-0.0, 1]))
    #expect(zeros.status == .close && zeros.isDifference && zeros.note != nil)
    let nan = Double.nan
    let other = Double(bitPattern: nan.bitPattern ^ 1 << 63)
    #expect(try compare(Tensor([nan]), Tensor([nan])).status == .equal)
    #expect(try compare(Tensor([nan]), Tensor([other])).status == .differ)
    #expect(
      try compare(Tensor([nan]), Tensor([other]), uniform(Tolerance(equalNaN: true))).status
        == .close)
    // The same NaN does not stand in the way of a tolerance for the rest.
    let mixed = try compare(
      Tensor([nan, 1]), Tensor([nan, 1.5]), uniform(Tolerance(absolute: 1)))
    #expect(mixed.status == .close)
    let infinite = try compare(
      Tensor([Double.infinity, 1, .infinity, nan]), Tensor([1, Double.infinity, -.infinity, 1]),
      uniform(Tolerance(relative: 1, absolute: 1)))
    #expect(infinite.elements?.mismatchedCount == 4)
    #expect(infinite.elements?.infinityMismatches == 3 && infinite.elements?.nanMismatches == 1)
    #expect(infinite.elements?.maxAbsoluteError == nil)
  }

  @Test func theStandardTolerancesAreThoseOfTorch() throws {
    let standard = options { $0.tolerances = .standard(equalNaN: false) }
    #expect(
      try compare(Tensor([1 as Float]), Tensor([1.000001 as Float]), standard).status == .close)
    #expect(
      try compare(Tensor([1 as Float]), Tensor([1.0001 as Float]), standard).status == .differ)
    #expect(try compare(Tensor([1.0]), Tensor([1.000001]), standard).status == .differ)
    // The wider of both.
    #expect(try compare(Tensor([1.0]), Tensor([1.000001 as Float]), standard).status == .close)
    #expect(try compare(Tensor([1 as Int32]), Tensor([2 as Int32]), standard).status == .differ)
  }

  @Test func tensorsOfOneElementAndOfNone() throws {
    #expect(try compare(Tensor(scalar: 1.5), Tensor(scalar: 1.5)).status == .equal)
    let scalars = try compare(Tensor(scalar: 1.5), Tensor(scalar: 2.5))
    #expect(scalars.status == .differ && scalars.index(0) == [])
    for shape in [[0], [3, 0], [0, 1 << 40]] {
      #expect(try compare(.zeros(shape), .zeros(shape)).status == .equal)
      #expect(try compare(.zeros(shape), .zeros(shape, dtype: .int8)).status == .close)
    }
    #expect(try compare(.zeros([0]), .zeros([0, 1])).status == .incompatible)
    for dtype in [DType.bytes(count: 0), .string(count: 0), .void(count: 0)] {
      #expect(try compare(.zeros([3], dtype: dtype), .zeros([3], dtype: dtype)).status == .equal)
    }
    let (short, long) = (
      try Tensor.zeros([2], dtype: .bytes(count: 0)), try Tensor.zeros([2], dtype: .bytes(count: 3))
    )
    #expect(try compare(short, long).status == .incompatible)
  }

  @Test func metaTensorsHaveAShapeAlone() throws {
    let meta = try Tensor.meta(dtype: .float32, shape: [2])
    #expect(try compare(meta, .meta(dtype: .float32, shape: [2])).status == .equal)
    #expect(try compare(meta, .meta(dtype: .float16, shape: [2])).status == .incompatible)
    #expect(try compare(meta, .zeros([2])).status == .incompatible)
  }

  // MARK: Names

  @Test func aLoneTensorIsComparedWhateverItsName() throws {
    let (one, two) = (try Tensor([1, 2]), try Tensor([1, 2]))
    let difference = try ArchiveDifference(
      between: TensorArchive([("a", one)]), and: TensorArchive([("b", two)]))
    #expect(difference.isSame && difference.tensors.count == 1)
    #expect(
      try ArchiveDifference(between: TensorArchive(one), and: TensorArchive([])).tensors.map(
        \.status) == [.onlyLeft])
    #expect(
      try ArchiveDifference(between: TensorArchive([]), and: TensorArchive([])).tensors.isEmpty)
  }

  @Test func namesAreRenamedAndChosen() throws {
    func archive(_ names: [String]) throws -> TensorArchive {
      try TensorArchive(names.enumerated().map { ($1, try Tensor([Float($0)])) })
    }
    let left = try archive(["module.a", "module.b", "c"])
    let right = try archive(["a", "b", "d"])
    let renames = options { $0.renames = [("module.*", "*"), ("c", "d")] }
    #expect(try ArchiveDifference(between: left, and: right, options: renames).isSame)
    let chosen = options {
      $0.renames = [("module.*", "*")]
      $0.exclude = ["c", "d"]
    }
    let difference = try ArchiveDifference(between: left, and: right, options: chosen)
    #expect(difference.isSame && difference.tensors.count == 2)
    let included = options { $0.include = ["*a"] }
    #expect(try ArchiveDifference(between: left, and: right, options: included).tensors.count == 1)
    for wrong in [
      options { $0.include = ["x*"] }, options { $0.exclude = ["x"] },
      options { $0.renames = [("x", "y")] },
    ] {
      #expect(throws: TensorIOError(.invalidArgument, "")) {
        try ArchiveDifference(between: left, and: right, options: wrong)
      }
    }
    // Composed and decomposed letters are two names.
    let (composed, decomposed) = (try archive(["\u{e9}", "x"]), try archive(["e\u{301}", "x"]))
    #expect(
      try ArchiveDifference(between: composed, and: decomposed).tensors.map(\.status)
        == [.onlyLeft, .equal, .onlyRight])
  }

  // MARK: Values

  private func checkpoint(_ change: (inout [(String, ValueGraph.Node)]) -> Void = { _ in })
    throws -> TensorArchive
  {
    var pairs: [(String, ValueGraph.Node)] = [
      ("w", .tensor(try Tensor([1.0]))), ("epoch", .int(2)), ("loss", .float(0.25)),
      ("text", .string("x")), ("none", .none), ("flag", .bool(true)),
      ("bytes", .bytes(try HeapBytes([1, 2, 3].span))), ("empty", .list([])),
    ]
    change(&pairs)
    return try TensorArchive(ValueGraph(dictionary: pairs))
  }

  @Test func valuesCountUnlessTensorsAloneAreCompared() throws {
    let left = try checkpoint()
    #expect(try ArchiveDifference(between: left, and: checkpoint()).isSame)
    let changes: [(Int, ValueGraph.Node)] = [
      (1, .int(3)), (1, .float(2)), (1, .bigInteger("2000000000000000000000")), (2, .float(0.26)),
      (3, .string("y")), (4, .int(0)), (5, .bool(false)),
      (6, .bytes(try HeapBytes([1, 2, 4].span))),
      (7, .tuple([])),
    ]
    for (index, node) in changes {
      let right = try checkpoint { $0[index].1 = node }
      let difference = try ArchiveDifference(between: left, and: right)
      #expect(difference.values.count == 1 && !difference.isSame, "\(index)")
      #expect(
        try ArchiveDifference(
          between: left, and: right, options: options { $0.comparesValues = false }
        ).isSame)
    }
    let fewer = try checkpoint { $0.removeLast(2) }
    let missing = try ArchiveDifference(between: left, and: fewer).values
    #expect(missing.map(\.name) == ["bytes", "empty"] && missing.allSatisfy { $0.right == nil })
    // The tolerance holds for floats among the values, too.
    let near = try checkpoint { $0[2].1 = .float(0.2500001) }
    #expect(
      try ArchiveDifference(
        between: left, and: near, options: uniform(Tolerance(relative: 1e-3))
      ).isSame)
  }

  /// 30 arrays in each other, each of 30 times the next one.
  @Test func arraysOfObjectsThatMultiplyHitALimit() throws {
    var graph = ValueGraph(.none)
    func array(_ elements: [ValueGraph.ID]) throws -> ValueGraph.ID {
      let storage = TensorStorage(try HeapBytes([UInt8](repeating: 0, count: 8 * 30).span))
      let tensor = try Tensor(dtype: .object, shape: [elements.count], storage: storage)
      let id = graph.add(.tensor(tensor))
      graph.setTraits(ValueGraph.Traits(elements: elements), of: id)
      return id
    }
    var inner = graph.add(.int(1))
    for _ in 0..<30 { inner = try array(Array(repeating: inner, count: 30)) }
    graph.setRoot(inner)
    let archive = try TensorArchive(graph)
    let difference = try ArchiveDifference(
      between: archive, and: archive, options: options { $0.limits.memberCount = 1000 })
    #expect(difference.tensors.first?.error?.code == .limit)
  }

  // MARK: Tags and layout

  @Test func tagsAndLayoutCountWhenAskedFor() throws {
    let plain = try Tensor([1.0, 2, 3, 4], shape: [2, 2])
    let strict = options { $0.isLayoutStrict = true }
    let columns = try Tensor([1.0, 3, 2, 4], shape: [2, 2]).transposed()
    for (other, word) in [
      (plain.tagged(device: .cuda(0), requiresGrad: false), "device cpu / cuda:0"),
      (plain.tagged(device: .cpu, requiresGrad: true), "requires_grad False / True"),
      (columns, "strides [2, 1] / [1, 2]"),
    ] {
      let lenient = try compare(plain, other)
      #expect(lenient.status == .equal && !lenient.isDifference && lenient.layout == [word])
      let counted = try compare(plain, other, strict)
      #expect(counted.status == .equal && counted.isDifference)
    }
    #expect(!(try compare(plain, plain, strict)).isDifference)
  }

  @Test func sharedStoragesAreLayout() throws {
    let one = try Tensor([1.0, 2])
    let (shared, copied) = (
      try TensorArchive([("a", one), ("b", one)]),
      try TensorArchive([("a", one), ("b", try Tensor([1.0, 2]))])
    )
    let difference = try ArchiveDifference(between: shared, and: copied)
    #expect(difference.isSame)
    #expect(
      difference.tensors.map(\.layout)
        == [[], ["shares the storage of 'a' / none before it"]])
    #expect(try ArchiveDifference(between: shared, and: shared).tensors[1].layout == [])
  }
}
