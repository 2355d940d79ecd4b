import ByteIO
import TensorIO
import TestSupport
import Testing

/// Storages that are named twice, that many views lie on, or that have no bytes.
@Suite struct StorageTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func open(
    _ root: [UInt8], _ storages: [(String, [UInt8])], byteOrder: String = "little"
  ) throws -> TensorArchive {
    let bytes = TorchBytes.archive(root, storages, byteOrder: byteOrder)
    return try TensorArchive(contentsOf: folder.write(bytes, "a.pt"))
  }

  private func rewritten(_ archive: TensorArchive) throws -> TensorArchive {
    try archive.write(to: folder.path("b.pt"))
    return try TensorArchive(contentsOf: folder.path("b.pt"))
  }

  /// Each reaches over 2^59 elements, all of them on 100 bytes.
  @Test func viewsThatOverlapMoreThanCanBeCounted() throws {
    let storage = Op.storage("ByteStorage", "0", 100)
    let (shape, strides) = ([Int](repeating: 2, count: 59), [Int](repeating: 1, count: 59))
    let views = (0..<20).map { Op.tensor(storage, offset: $0, shape, strides) }
    let archive = try open(Op.list(views), [("0", [UInt8](repeating: 1, count: 100))])
    for policy in ViewPolicy.allCases {
      var options = WritingOptions()
      options.views = policy
      try archive.write(to: folder.path("b.pt"), options: options)
      let copy = try TensorArchive(contentsOf: folder.path("b.pt"))
      #expect(copy.entries.map(\.tensor.shape) == archive.entries.map(\.tensor.shape))
    }
  }

  @Test func lossesOfManyCroppedStorages() throws {
    let tensors = try (0..<20_000).map { index in
      ("t\(index)", try Tensor([Float](repeating: 1, count: 64))[0..<8])
    }
    let archive = try TensorArchive(tensors)
    let start = ContinuousClock.now
    let losses = try archive.losses(writingTo: folder.path("b.pt"))
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(losses.map(\.name) == archive.names)
  }

  /// Bytes have no order, whatever the archive says.
  @Test(arguments: ["ByteStorage", "CharStorage", "BoolStorage", "UntypedStorage"])
  func aStorageOfBytesInABigEndianArchive(_ kind: String) throws {
    let storage = Op.storage(kind, "0", 4)
    let archive = try open(
      Op.list([storage, Op.tensor(storage, [4])]), [("0", [0, 1, 1, 0])], byteOrder: "big")
    #expect(archive.entries.allSatisfy { $0.tensor.byteOrder == .little })
    #expect(try archive.losses(writingTo: folder.path("b.pt")).isEmpty)
    #expect(try rewritten(archive).aliasGroups.count == 1)
  }

  // MARK: Two classes on one storage

  /// torch.save allows bytes beside a type that has no storage class, and no other pair.
  @Test func bytesBesideFloatsOfEightBits() throws {
    let (raw, untyped) = (
      Op.storage("ByteStorage", "0", 4), Op.storage("UntypedStorage", "0", 4)
    )
    let bytes = Op.tensor(raw, [4])
    let floats = Op.tensor(untyped, [4], dtype: "float8_e4m3fn")
    for root in [[bytes, floats], [floats, bytes], [raw, untyped, bytes], [untyped, bytes]] {
      let archive = try open(Op.list(root), [("0", [0x38, 0x40, 0, 1])])
      #expect(archive.aliasGroups.map(\.count) == [root.count])
      let copy = try rewritten(archive)
      #expect(copy.entries.map(\.tensor.dtype) == archive.entries.map(\.tensor.dtype))
      #expect(copy.aliasGroups.map(\.count) == [root.count])
      for entry in copy.entries {
        #expect(try entry.tensor.goldenHash() == archive.entries[0].tensor.goldenHash())
      }
    }
  }

  @Test(arguments: ["CharStorage", "BoolStorage", "FloatStorage", "ShortStorage"])
  func otherPairsAreRefused(_ kind: String) throws {
    for other in ["ByteStorage", "UntypedStorage"] {
      let count = ["FloatStorage": 1, "ShortStorage": 2][kind] ?? 4
      let root = Op.list([Op.storage(other, "0", 4), Op.storage(kind, "0", count)])
      let path = try folder.write(
        TorchBytes.archive(root, [("0", [0, 1, 1, 0])]), "a.pt")
      #expect(openingError(path)?.reason.contains("in two ways") ?? false, "\(other), \(kind)")
    }
  }

  // MARK: Devices

  /// torch has no storages there: it saves tensors on the CPU and moves them when it loads them.
  @Test(arguments: ["xla:0", "maia:0", "xla"])
  func tensorsThatAreMovedWhenTheyAreLoaded(_ device: String) throws {
    let tensor = Op.tensor(Op.storage("FloatStorage", "0", 4), offset: 1, [3])
    func moved(_ flag: [UInt8]) -> [UInt8] {
      Op.call(
        "torch._utils", "_rebuild_device_tensor_from_cpu_tensor", tensor,
        Op.global("torch", "float32"), Op.text(device), flag)
    }
    let parameter = Op.call("torch._utils", "_rebuild_parameter", moved(Op.no), Op.yes, Op.hooks)
    let archive = try open(
      Op.list([moved(Op.yes), moved(Op.no), parameter]), [("0", Op.floats([0, 1, 2, 3]))])
    let copy = try rewritten(archive)
    for read in [archive, copy] {
      #expect(read.entries.map(\.tensor.device.description) == [device, device, device])
      #expect(read.entries.map(\.tensor.requiresGrad) == [true, false, true])
      #expect(
        try read.entries.map { try $0.tensor.array(of: Float.self) } == [
          [1, 2, 3], [1, 2, 3], [1, 2, 3],
        ])
    }
    #expect(copy.globals.map(\.name.name).contains("_rebuild_device_tensor_from_cpu_tensor"))
    let isTagged = try bytes(of: folder.path("b.pt")).split(separator: 0x58).contains {
      $0.dropFirst(4).starts(with: Array("cpu".utf8))
    }
    #expect(isTagged)
  }

  /// As TorchScript writes them: the record is there, and empty.
  @Test func storagesOnMetaHaveNoBytes() throws {
    let tensor = Op.tensor(Op.storage("FloatStorage", "0", 6, at: "meta"), [2, 3], [3, 1])
    let archive = try open(tensor, [("0", [])])
    #expect(try !archive.onlyTensor().hasElements)
    #expect(try rewritten(archive).onlyTensor().shape == [2, 3])
    let large = Op.tensor(Op.storage("FloatStorage", "0", 6, at: "meta"), [7])
    let path = try folder.write(TorchBytes.archive(large, [("0", [])]), "c.pt")
    #expect(openingError(path)?.code == .malformed)
  }
}
