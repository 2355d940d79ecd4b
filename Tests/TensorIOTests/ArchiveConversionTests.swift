import TensorIO
import TestSupport
import Testing

/// What becomes of the tensors of an archive, and of the storages that they share.
@Suite struct ArchiveConversionTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func convert(
    _ archive: TensorArchive, _ rules: String..., policy: CastPolicy = .checked,
    views: ViewPolicy = .automatic, keepsAliases: Bool = true
  ) throws -> ArchiveConversion {
    var options = ConversionOptions()
    options.policy = policy
    options.isMeasuring = true
    options.views = views
    options.keepsAliases = keepsAliases
    options.keepsClasses = keepsAliases
    return try archive.converting(ConversionRules(rules), options: options)
  }

  private func floats(_ count: Int) throws -> Tensor {
    try Tensor((0..<count).map { Float($0) + 0.1 })
  }

  // MARK: Storages

  @Test func tiesAndViewsStay() throws {
    let base = try floats(24)
    let square = try base.reshaped(to: [4, 6])
    let archive = try TensorArchive([
      ("a", base), ("b", square.transposed()), ("c", try square[1..<3, 2]), ("d", base),
    ])
    let result = try convert(archive, "bfloat16")
    #expect(result.losses == [] && result.parts.map(\.names) == [["a", "b", "c", "d"]])
    let storages = Set(result.archive.entries.map { ObjectIdentifier($0.tensor.storage) })
    #expect(storages.count == 1)
    for (old, new) in zip(archive.entries, result.archive.entries) {
      #expect(new.tensor.strides == old.tensor.strides && new.tensor.offset == old.tensor.offset)
      let expected = try old.tensor.converted(to: .bfloat16).array(of: BFloat16.self)
      #expect(try new.tensor.array(of: BFloat16.self) == expected)
    }
    // Numbers are counted once, however many tensors lie on them.
    try result.archive.write(to: folder.path("x.pt"))
    #expect(result.report.count == 24)
    let back = try TensorArchive(contentsOf: folder.path("x.pt"))
    #expect(back.aliasGroups.map { $0.map(\.name) } == [["a", "b", "c", "d"]])
  }

  @Test func whatBecomesDifferentIsSeparated() throws {
    let base = try floats(100)
    let archive = try TensorArchive([
      ("a", try base[0..<50]), ("b", try base[50...]), ("c", base), ("d", try base[0..<50]),
    ])
    let result = try convert(archive, "float16", "b=float64")
    #expect(
      result.losses.map { "\($0.kind) \($0.name)" } == ["aliasing b"])
    #expect(result.losses.first?.message.contains("as float64 and float16") == true)
    #expect(result.parts.map(\.names) == [["a", "c", "d"], ["b"]])
    #expect(result.archive.aliasGroups.map { $0.map(\.name) } == [["a", "c", "d"]])
    // Each takes what it uses of the storage.
    #expect(try result.archive.tensor("b").storage.byteCount == 50 * 8)
    let kept = try convert(archive, "b=float64")
    #expect(kept.losses.map { "\($0.kind) \($0.name)" } == ["aliasing b"])
    #expect(try kept.archive.tensor("a").storage === archive.tensor("a").storage)
    // Storage that nobody uses any more is said to be lost.
    let parts = try TensorArchive([("a", try base[0..<20]), ("b", try base[20..<40])])
    let split = try convert(parts, "a=float16", "b=float64")
    #expect(split.losses.map(\.kind) == [.aliasing, .storage])
    #expect(split.losses.last?.message.contains("160 of 400 bytes") == true)
  }

  @Test func storageThatNobodyUsesIsNotConverted() throws {
    let base = try floats(1000)
    let archive = try TensorArchive([("a", try base[100..<150]), ("b", try base[140..<160])])
    let result = try convert(archive, "float64")
    #expect(try result.archive.tensor("a").storage.byteCount == 60 * 8)
    #expect(result.losses.map { "\($0.kind) \($0.name)" } == ["storage a"])
    #expect(try result.archive.tensor("b").array(of: Double.self).first == Double(Float(140) + 0.1))
    let whole = try convert(archive, "float64", views: .keep)
    #expect(try whole.archive.tensor("a").storage.byteCount == 8000 && whole.losses == [])
    // With gaps, the elements alone.
    let column = try TensorArchive([("c", try base.reshaped(to: [100, 10])[0..<100, 3])])
    let copied = try convert(column, "float64")
    #expect(try copied.archive.tensor("c").storage.byteCount == 800)
    #expect(try copied.archive.tensor("c").isContiguous)
    let most = try convert(TensorArchive([("m", try base[0..<600])]), "float64")
    #expect(most.losses == [] && most.archive.entries[0].tensor.storage.byteCount == 8000)
    let compact = try convert(
      TensorArchive([("m", try base[0..<600])]), "float64", views: .compact)
    #expect(compact.archive.entries[0].tensor.storage.byteCount == 4800)
  }

  /// A part of a storage is converted alone; the rest stays unconverted, and nothing is kept.
  @Test func partsAreReadWithoutTheRest() throws {
    let base = try Tensor((0..<600_000).map { Float($0) })
    let archive = try TensorArchive([
      ("all", base), ("part", try base[300_000..<599_000]), ("strided", try base[sliced: 7]),
    ])
    let result = try convert(archive, "float64").archive
    let part = try result.tensor("part")
    #expect(try part.array(of: Double.self) == (300_000..<599_000).map(Double.init))
    var streamed: [UInt8] = []
    try part.streamElements { streamed += $0.array }
    #expect(try streamed == base.converted(to: .float64)[300_000..<599_000].storedBytes)
    #expect(!part.storage.isResident)
    let strided = try result.tensor("strided").array(of: Double.self)
    #expect(strided.count == 85715 && strided[2] == 14)
    // The part with a number that is refused, and none other.
    let bytes = try convert(archive, "int16").archive
    #expect(throws: TensorIOError(.lossy, "")) { try bytes.tensor("part").array(of: Int16.self) }
  }

  @Test func thousandsOfTensorsOnOneStorage() throws {
    let count = 20_000
    let base = try floats(count)
    let archive = try TensorArchive((0..<count).map { ("\($0)", try base[$0..<$0 + 1]) })
    let one = try convert(archive, "float16")
    #expect(one.parts.count == 1 && one.losses == [])
    let two = try convert(archive, "float16", "*7=float64")
    #expect(two.parts.count == 2 && two.losses.count == count / 10)
  }

  @Test func withoutAliasesEachIsConvertedAlone() throws {
    let base = try floats(12)
    let archive = try TensorArchive([
      ("a", base), ("b", base), ("f", try base.reshaped(to: [3, 4]).transposed()),
    ])
    let result = try convert(archive, "float16", keepsAliases: false)
    #expect(result.parts.map(\.names) == [["a"], ["b"], ["f"]] && result.losses == [])
    #expect(try result.archive.tensor("f").isFortranContiguous)
    try result.archive.write(to: folder.path("x.npz"))
    let back = try TensorArchive(contentsOf: folder.path("x.npz")).tensor("f")
    #expect(back.isFortranContiguous && !back.isContiguous)
    #expect(
      try back.array(of: Float16.self)
        == archive.tensor("f").converted(to: .float16).array(of: Float16.self))
  }

  // MARK: Kinds of tensors

  /// Every file of the test data: each tensor is what it would be alone, before and after writing.
  @Test func everyFileOfPyTorch() throws {
    let files = try Repository.testFolder("torch/valid").filter { $0.hasSuffix(".pt") }
    var tensors = 0
    for file in files {
      // One has text that is none here; of programs the tensors alone are written.
      guard let archive = try? TensorArchive(contentsOf: file), !archive.isProgram,
        archive.entries.contains(where: { $0.tensor.dtype.isFloatingPoint })
      else { continue }
      let result = try convert(archive, "floating:float16", policy: .saturating)
      let out = folder.path("out.pt")
      try result.archive.write(to: out)
      let back = try TensorArchive(contentsOf: out)
      #expect(back.names == archive.names, "\(file)")
      let stays = Set(result.losses.filter { $0.kind == .dtype }.map(\.name))
      for (old, new) in zip(archive.entries, back.entries) {
        let isConverted = old.tensor.dtype.isFloatingPoint && !stays.contains(old.name)
        #expect(new.tensor.dtype == (isConverted ? .float16 : old.tensor.dtype))
        #expect(new.tensor.device == old.tensor.device)
        #expect(new.tensor.requiresGrad == old.tensor.requiresGrad, "\(file) \(old.name)")
        guard old.tensor.hasElements, !old.tensor.dtype.containsObjects else { continue }
        let expected =
          isConverted
          ? try old.tensor.converted(to: .float16, policy: .saturating) : old.tensor
        #expect(try new.tensor.goldenHash() == expected.goldenHash(), "\(file) \(old.name)")
        tensors += 1
      }
    }
    #expect(tensors > 300)
  }

  @Test func otherOrdersAndShapes() throws {
    let swapped = try Tensor(
      dtype: .float32, byteOrder: .big, shape: [2],
      storage: TensorStorage(try HeapBytes([0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0].span)))
    let archive = try TensorArchive([
      ("big", swapped), ("scalar", try Tensor(scalar: 2.5 as Float)),
      ("empty", try Tensor.zeros([0, 3], dtype: .float32)),
      ("meta", try Tensor.meta(dtype: .float32, shape: [2, 4], requiresGrad: true)),
      (
        "broadcast",
        try Tensor(
          dtype: .float32, shape: [1000, 1000], strides: [0, 0],
          storage: Tensor([3 as Float]).storage)
      ),
    ])
    let result = try convert(archive, "float64").archive
    #expect(try result.tensor("big").array(of: Double.self) == [1.5, -2])
    #expect(try result.tensor("big").byteOrder == .little)
    #expect(try result.tensor("scalar").array(of: Double.self) == [2.5])
    #expect(try result.tensor("empty").shape == [0, 3])
    let meta = try result.tensor("meta")
    #expect(!meta.hasElements && meta.dtype == .float64 && meta.shape == [2, 4])
    #expect(meta.requiresGrad && meta.device == .meta)
    #expect(try result.tensor("broadcast").storage.byteCount == 8)
    // Neither integers nor bool want gradients.
    #expect(try !convert(archive, "int8").archive.tensor("meta").requiresGrad)
  }

  @Test func pairsHalveTheLastAxis() throws {
    let archive = try TensorArchive([
      ("x", try Tensor([1, 2, 3, 4] as [Float], shape: [1, 4])),
      ("m", try Tensor.meta(dtype: .float32, shape: [3, 4])),
    ])
    let pairs = try convert(archive, "float4_e2m1fn_x2").archive
    #expect(try pairs.tensor("x").shape == [1, 2] && pairs.tensor("m").shape == [3, 2])
    let back = try convert(pairs, "float32").archive
    #expect(try back.tensor("x").array(of: Float.self) == [1, 2, 3, 4])
    #expect(try back.tensor("m").shape == [3, 4])
    for shape in [[3], []] {
      let odd = try TensorArchive([("odd", try Tensor.zeros(shape, dtype: .float32))])
      let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
        try convert(odd, "float4_e2m1fn_x2")
      }
      #expect(error?.place.tensor == "odd")
    }
  }

  @Test func quantizedTensorsBecomeTheirNumbers() throws {
    let storage = try Tensor([10, 20, 30] as [UInt8]).storage
    let quantized = try Tensor(
      dtype: .quint8, shape: [3], storage: storage,
      quantization: .perTensor(scheme: .perTensorAffine, scale: 0.5, zeroPoint: 10))
    let archive = try TensorArchive([("q", quantized), ("f", try Tensor([1 as Float]))])
    // Floats are another class.
    #expect(try convert(archive, "floating:float64").archive.tensor("q").dtype == .quint8)
    for rule in ["float64", "quantized:float64", "q=float64", "quint8:float64"] {
      let result = try convert(archive, rule)
      #expect(try result.archive.tensor("q").array(of: Double.self) == [0, 5, 10])
      #expect(result.losses.map { "\($0.kind) \($0.name)" } == ["quantization q"])
    }
    let unknown = try TensorArchive([("q", try Tensor.zeros([2], dtype: .qint8))])
    let error = #expect(throws: TensorIOError(.unsupported, "")) { try convert(unknown, "float32") }
    #expect(error?.place.tensor == "q")
  }

  /// Conjugates stay conjugates of what they were, and become numbers where the dtype has none.
  @Test func lazySigns() throws {
    let numbers = try Tensor([Complex<Float>(1, 2), Complex<Float>(3, -4)])
    func flagged(_ isConjugated: Bool, _ isNegated: Bool) throws -> Tensor {
      try Tensor(
        dtype: .complex64, shape: [2], storage: numbers.storage, isConjugated: isConjugated,
        isNegated: isNegated)
    }
    let archive = try TensorArchive([
      ("z", numbers), ("c", try flagged(true, false)), ("n", try flagged(false, true)),
      ("b", try flagged(true, true)),
    ])
    let wide = try convert(archive, "complex128")
    #expect(wide.parts.count == 1 && wide.losses == [])
    #expect(try wide.archive.tensor("c").isConjugated)
    #expect(
      try wide.archive.tensor("b").array(of: Complex<Double>.self)
        == [Complex(-1, 2), Complex(-3, -4)])
    let real = try convert(archive, "float32", policy: .saturating)
    #expect(try real.archive.tensor("n").array(of: Float.self) == [-1, -3])
    #expect(try !real.archive.tensor("c").isConjugated && real.losses.count == 3)
  }

  /// Where a class does not go with the dtype, the tensor stays, and is said to.
  @Test func classesThatHaveNoSuchDType() throws {
    let storages = try TensorArchive(
      contentsOf: Repository.testFile("torch/valid/storages.pt"))
    let half = try convert(storages, "float32:float16")
    #expect(half.losses == [] && half.archive.aliasGroups.count == storages.aliasGroups.count)
    let typed = try half.archive.entry("typed")
    #expect(half.archive.values.traits(of: typed.id)?.type == GlobalName("torch", "HalfStorage"))
    let small = try convert(storages, "float32:float8_e5m2")
    #expect(small.losses.map { "\($0.kind) \($0.name)" } == ["dtype typed", "aliasing tensor"])
    #expect(try small.archive.tensor("typed").dtype == .float32)
    let arrays = try TensorArchive(contentsOf: Repository.testFile("torch/valid/numpy.pt"))
    let kept = try convert(arrays, "array=bfloat16")
    #expect(kept.losses.map { "\($0.kind) \($0.name)" } == ["dtype array"])
    #expect(try convert(arrays, "array=float64").archive.tensor("array").dtype == .float64)
    // Alone, as npz has them, they are written as raw bytes, which is a loss there.
    #expect(
      try convert(arrays, "array=bfloat16", keepsAliases: false).archive.tensor("array").dtype
        == .bfloat16)
  }

  // MARK: Refusals and reports

  @Test func aRefusalNamesTheTensorAndItsElement() throws {
    let base = try Tensor([1, 2, 3, 4, 300, 6] as [Float])
    let archive = try TensorArchive([("a", try base[0..<3]), ("b", try base[3..<6])])
    for views in ViewPolicy.allCases {
      let result = try convert(archive, "uint8", views: views)
      for name in ["x.pt", "x.npz"] {
        let error = #expect(throws: TensorIOError(.lossy, "")) {
          try result.archive.write(to: folder.path(name))
        }
        #expect(error?.place.tensor == "b")
        #expect(error?.reason.contains("element 1 is 300") == true)
        #expect(error?.reason.contains("--cast-policy") == true)
        #expect(error?.place.file == folder.path(name))
      }
    }
    #expect(try folder.contents() == [])
    // Numbers that nobody uses are converted with their storage, and can be left out of it.
    let rest = try TensorArchive([("a", try base[0..<4])])
    let error = #expect(throws: TensorIOError(.lossy, "")) {
      try convert(rest, "uint8").archive.write(to: folder.path("x.pt"))
    }
    #expect(error?.reason.contains("no tensor uses (--views compact leaves it out)") == true)
    try convert(rest, "uint8", views: .compact).archive.write(to: folder.path("x.pt"))
  }

  @Test func reportsAreOfEachTensorAndOfAll() throws {
    let archive = try TensorArchive([
      ("a", try Tensor([1, 2.5, 1e30] as [Float])), ("b", try Tensor([0.1] as [Double])),
      ("c", try Tensor([1] as [Float16])),
    ])
    let result = try convert(archive, "float16")
    #expect(result.report.count == 0)
    try result.archive.write(to: folder.path("x.npz"))
    #expect(result.parts.map(\.names) == [["a"], ["b"]])
    #expect(
      result.parts.map { "\($0.source) \($0.target)" } == ["float32 float16", "float64 float16"])
    #expect(result.parts.map(\.report.changed) == [1, 1])
    #expect(result.parts.map(\.report.overflowed) == [1, 0])
    #expect(result.report.count == 4 && result.report.changed == 2)
    var options = ConversionOptions()
    options.isMeasuring = false
    let silent = try archive.converting(ConversionRules(["float16"]), options: options)
    try silent.archive.write(to: folder.path("y.npz"))
    #expect(silent.report == ConversionReport())
    #expect(try bytes(of: folder.path("x.npz")) == (try bytes(of: folder.path("y.npz"))))
  }
}

extension Tensor {
  /// Every so many elements.
  fileprivate subscript(sliced step: Int) -> Tensor {
    get throws { try sliced([.slice(from: nil, to: nil, step: step)]) }
  }

  fileprivate var storedBytes: [UInt8] {
    get throws {
      var bytes: [UInt8] = []
      try loaded().streamElements { bytes += $0.array }
      return bytes
    }
  }
}
