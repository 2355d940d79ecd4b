import ByteIO
import TensorIO
import TestSupport
import Testing

/// Calls of PyTorch's functions in forms that torch.save writes seldom, and TorchScript alone.
@Suite struct CallTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let floats = Op.tensor(Op.storage("FloatStorage", "0", 3), [3])
  private static let numbers = Op.tensor(Op.storage("LongStorage", "1", 6), [2, 3], [3, 1])
  private static let line = Op.tensor(Op.storage("LongStorage", "1", 6), [4])
  private static let storages = [
    ("0", Op.floats([1, 2, 3])), ("1", (0..<6).flatMap { Op.littleEndian(UInt64($0)) }),
  ]

  private func open(_ root: [UInt8]) throws -> TensorArchive {
    try TensorArchive(contentsOf: folder.write(TorchBytes.archive(root, Self.storages), "a.pt"))
  }

  /// Python stops at such a call, and so would a reader of our own copy; found by fuzzing.
  @Test func valuesAreNotCalled() throws {
    let bytes = Op.call("_codecs", "encode", Op.text("b"), Op.text("latin1"))
    for callee in [bytes, Self.floats] {
      #expect(throws: TensorIOError(.malformed, "")) {
        try open(Op.dictionary([("x", callee + Op.tuple([]) + [0x52]), ("w", Self.floats)]))
      }
    }
  }

  // MARK: Parameters over calls

  private static let layout = Op.call(
    "torch.serialization", "_get_layout", Op.text("torch.sparse_coo"))
  private static let sparse = Op.call(
    "torch._utils", "_rebuild_sparse_tensor", layout,
    Op.tuple([numbers, floats, Op.ints([3, 3]), Op.yes]))

  @Test func aParameterOverASparseTensor() throws {
    let plain = Op.call("torch._utils", "_rebuild_parameter", Self.sparse, Op.yes, Op.hooks)
    let stateful = Op.call(
      "torch._utils", "_rebuild_parameter_with_state", Self.sparse, Op.yes, Op.hooks,
      Op.dictionary([("note", Op.int(1))]))
    let archive = try open(Op.dictionary([("p", plain), ("q", stateful), ("w", Self.floats)]))
    #expect(
      archive.names == ["p.@indices", "p.@values", "q.@indices", "q.@values", "w"])
    try archive.write(to: folder.path("b.pt"))
    let copy = try TensorArchive(contentsOf: folder.path("b.pt"))
    #expect(copy.names == archive.names)
  }

  @Test(arguments: [[], Op.none, Op.int(1), Op.text("t"), Op.list([Op.int(1)])])
  func aParameterOverSomethingElseIsRefused(_ data: [UInt8]) throws {
    let argument = data.isEmpty ? Op.tuple([]) : data
    let root = Op.call("torch._utils", "_rebuild_parameter", argument, Op.yes, Op.hooks)
    let path = try folder.write(TorchBytes.archive(root, Self.storages), "a.pt")
    #expect(openingError(path)?.reason.contains("is no tensor") ?? false)
  }

  // MARK: TorchScript's spellings

  @Test(arguments: [
    ("UInt16", DType.uint16), ("UInt32", .uint32), ("UInt64", .uint64),
    ("ComplexHalf", .complex32), ("Float8_e5m2", .float8E5M2), ("Float8_e4m3fn", .float8E4M3FN),
    ("Float8_e5m2fnuz", .float8E5M2FNUZ), ("Float8_e4m3fnuz", .float8E4M3FNUZ),
    ("Float8_e8m0fnu", .float8E8M0FNU), ("Bits8", .bits8), ("Bits16", .bits16),
  ])
  func storageClassesOfTheOtherPickler(_ name: String, _ dtype: DType) throws {
    let size = dtype.bitWidth / 8
    let root = Op.tensor(Op.storage("\(name)Storage", "1", 48 / size), [8 / size])
    let archive = try open(root)
    #expect(archive.findings.isEmpty)
    #expect(archive.globals.allSatisfy { $0.verdict == .known })
    #expect(try archive.onlyTensor().dtype == dtype)
    try archive.write(to: folder.path("b.pt"))
    let copy = try TensorArchive(contentsOf: folder.path("b.pt"))
    #expect(try copy.onlyTensor().dtype == dtype)
    #expect(try copy.onlyTensor().goldenHash() == archive.onlyTensor().goldenHash())
  }

  @Test(arguments: [(2, "@crow_indices"), (4, "@ccol_indices"), (5, "@crow_indices")])
  func sparseTensorsWithoutATuple(_ layout: Int, _ first: String) throws {
    let compressed = Op.call(
      "torch._utils", "_rebuild_sparse_csr_tensor", Op.int(layout), Op.ints([3, 3]), Op.no,
      Self.line, Self.line, Self.floats, Op.hooks)
    let plain = Op.call(
      "torch._utils", "_rebuild_sparse_tensor", Op.int(1), Op.ints([3, 3]), Op.no, Self.numbers,
      Self.floats, Op.hooks)
    let archive = try open(Op.list([compressed, plain]))
    #expect(archive.names.first == "0.\(first)")
    #expect(archive.names.suffix(2) == ["1.@indices", "1.@values"])
    #expect(archive["0.@values"]?.shape == [3])
    for count in 3...5 {
      let broken =
        Op.global("torch._utils", "_rebuild_sparse_tensor") + Op.ints(Array(1...count)) + [0x52]
      #expect(throws: TensorIOError(.malformed, "")) { try open(broken) }
    }
  }

  @Test func signsInADictionaryWithItsType() throws {
    let flags = Op.call(
      "torch.jit._pickle", "restore_type_tag",
      [0x7d, 0x28] + Op.text("neg") + Op.yes + [0x75], Op.text("Dict[str, bool]"))
    let root = Op.tensor(Op.storage("FloatStorage", "0", 3), [3], metadata: flags)
    let tensor = try open(root).onlyTensor()
    #expect(tensor.isNegated && !tensor.isConjugated)
    #expect(try tensor.array(of: Float.self) == [-1, -2, -3])
  }
}
