import ByteIO
import TensorIO
import TestSupport
import Testing

/// Streams of before 1.6 and tar archives of 0.1, put together by hand as PyTorch wrote them.
@Suite struct OldFileTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let eight = Op.floats((0..<8).map(Float.init))

  private func stream(_ root: [UInt8], isLittle: Bool = true) throws -> TensorArchive {
    let bytes = TorchBytes.stream(root, [("1", 8, Self.eight)], isLittle: isLittle)
    return try TensorArchive(contentsOf: folder.write(bytes, "old.pt"))
  }

  private func rewritten(_ archive: TensorArchive) throws -> TensorArchive {
    try archive.write(to: folder.path("new.pt"))
    return try TensorArchive(contentsOf: folder.path("new.pt"))
  }

  private func values(_ tensor: Tensor) throws -> [Float] { try tensor.array() }

  /// What a machine of that order states; PyTorch writes little-endian elements there too.
  @Test(arguments: [true, false])
  func theByteOrderThatAStreamStatesDoesNotCount(_ isLittle: Bool) throws {
    let root = Op.list([Op.tensor(Op.storage("FloatStorage", "1", 8, Op.none), [8])])
    let tensor = try stream(root, isLittle: isLittle).onlyTensor()
    #expect(try values(tensor) == (0..<8).map(Float.init))
  }

  // MARK: Parts of storages

  private static func view(_ offset: Int, _ count: Int) -> [UInt8] {
    Op.storage(
      "FloatStorage", "1", 8, Op.tuple([Op.text("v\(offset)"), Op.int(offset), Op.int(count)]))
  }

  @Test(arguments: ViewPolicy.allCases)
  func aStorageThatIsAPartOfAnotherIsWrittenByItself(_ views: ViewPolicy) throws {
    let archive = try stream(Op.list([Self.view(2, 5)]))
    #expect(try values(archive.onlyTensor()) == [2, 3, 4, 5, 6])
    var options = WritingOptions()
    options.views = views
    let path = folder.path("new.pt")
    #expect(try archive.losses(writingTo: path, options: options).map(\.kind) == [.storage])
    try archive.write(to: path, options: options)
    let copy = try TensorArchive(contentsOf: path)
    #expect(try values(copy.onlyTensor()) == [2, 3, 4, 5, 6])
    #expect(try copy.onlyTensor().storage.byteCount == 20)
    #expect(try copy.losses(writingTo: path, options: options).isEmpty)
  }

  @Test func aPartOfAStorageNoLongerSharesIt() throws {
    let whole = Op.storage("FloatStorage", "1", 8, Op.none)
    let archive = try stream(Op.list([whole, Op.tensor(whole, [8]), Self.view(0, 3)]))
    let losses = try archive.losses(writingTo: folder.path("new.pt"))
    #expect(Set(losses.map(\.kind)) == [.aliasing, .storage])
    #expect(losses.first { $0.kind == .aliasing }?.name == "2")
    let copy = try rewritten(archive)
    #expect(try copy.entries.map { try values($0.tensor).count } == [8, 8, 3])
    #expect(copy.aliasGroups.map { $0.map(\.name) } == [["0", "1"]])
  }

  // MARK: Parameters

  /// `Parameter(data)` and BUILD, which torch did up to 0.3.
  @Test(arguments: [3, 5])
  func parametersThatGetTheirFlagByBuild(_ count: Int) throws {
    let whole = Op.tensor(Op.storage("FloatStorage", "1", 8, Op.none), [8])
    func parameter(_ flag: [UInt8], hooks: [UInt8]) -> [UInt8] {
      let state = count == 3 ? [flag, Op.no, hooks] : [whole, Op.none, hooks, flag, Op.no]
      return Op.call("torch.nn.parameter", "Parameter", whole) + Op.tuple(state) + [0x62]
    }
    let archive = try stream(
      Op.list([
        parameter(Op.no, hooks: Op.hooks), parameter(Op.yes, hooks: Op.none),
        parameter(Op.yes, hooks: Op.dictionary([("hook", Op.int(1))])),
      ]))
    #expect(archive.entries.map(\.tensor.requiresGrad) == [false, true, true])
    #expect(archive.findings.map(\.code) == [.backwardHooks])
    let copy = try rewritten(archive)
    #expect(copy.entries.map(\.tensor.requiresGrad) == [false, true, true])
    #expect(copy.globals.map(\.name.name).contains("_rebuild_parameter"))
    #expect(!copy.globals.map(\.name.name).contains("_rebuild_parameter_with_state"))
  }

  // MARK: tar

  private func tar(
    views: [[Int]], tensors: [(key: Int, storage: Int, shape: Int)], root: [UInt8]
  ) throws -> String {
    let kind = Op.global("torch", "FloatStorage")
    let storages =
      Op.program(Op.int(1)) + Op.program(Op.tuple([Op.int(1), Op.text("cpu"), kind]))
      + Op.littleEndian(UInt64(8)) + Self.eight + Op.program(Op.list(views.map(Op.ints)))
    var table = Op.program(Op.int(tensors.count))
    for (key, storage, shape) in tensors {
      let type = Op.global("torch", "FloatTensor")
      table += Op.program(Op.tuple([Op.int(key), Op.int(storage), type]))
      table += Op.littleEndian(UInt64(1))
      table += [shape, 1, 0].flatMap { Op.littleEndian(UInt64($0)) }
    }
    let members = [
      ("storages", storages), ("tensors", table), ("pickle", Op.program(root)),
    ]
    return try folder.write(TarArchive.of(members), "a.tar")
  }

  private static func named(_ key: Int) -> [UInt8] { Op.persistent(Op.text("\(key)")) }

  /// 2 is six elements of 1 from the first on, and 3 is three of 2 from its second on.
  @Test func aViewOfAViewInATarArchive() throws {
    let path = try tar(
      views: [[2, 1, 1, 6], [3, 2, 2, 3]], tensors: [(10, 3, 2)],
      root: Op.list([Self.named(10), Self.named(2), Self.named(3)]))
    let archive = try TensorArchive(contentsOf: path)
    let wanted: [[Float]] = [[3, 4], [1, 2, 3, 4, 5, 6], [3, 4, 5]]
    #expect(try archive.entries.map { try values($0.tensor) } == wanted)
    #expect(try rewritten(archive).entries.map { try values($0.tensor) } == wanted)
  }

  @Test(arguments: [
    [2, 1, 9, 0], [2, 1, 4, 5], [2, 1, -1, 2], [2, 1, 0, -1], [2, 1, .max, .max],
  ])
  func aViewThatReachesOutOfItsRootIsRefused(_ view: [Int]) throws {
    let path = try tar(views: [view], tensors: [], root: Self.named(2))
    let error = openingError(path)
    #expect(error?.code == .malformed && "\(error!)".contains("view"))
  }
}
