import Foundation
import TensorData
import TensorIO
import TestSupport
import Testing

/// Rows that are picked lazily are the rows themselves, however the tensor lies.
@Suite struct SelectedRowsTests {
  /// The bytes of a tensor, element by element from its rows.
  private func expected(_ tensor: Tensor, _ rows: some Sequence<Int>) throws -> [UInt8] {
    var bytes: [UInt8] = []
    for row in rows {
      try tensor.sliced([.at(row)]).streamElements { (chunk) throws(TensorIOError) in
        for index in chunk.indices { bytes.append(chunk[index]) }
      }
    }
    return bytes
  }

  private func littleEndian(_ tensor: Tensor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try tensor.streamElements { (chunk) throws(TensorIOError) in
      for index in chunk.indices { bytes.append(chunk[index]) }
    }
    return bytes
  }

  private func tensors() throws -> [(String, Tensor)] {
    let plain = try Tensor((0..<720).map { Float($0) }, shape: [12, 5, 12])
    let storage = plain.storage
    func view(
      _ shape: [Int], _ strides: [Int], _ offset: Int = 0, dtype: DType = .float32,
      order: ByteOrder = .little, conjugated: Bool = false
    ) throws -> Tensor {
      try Tensor(
        dtype: dtype, byteOrder: order, shape: shape, strides: strides, offset: offset,
        storage: storage, isConjugated: conjugated)
    }
    return [
      ("row-major", plain), ("scalars", try view([12], [1])),
      ("column-major", plain.transposed()), ("backwards", try view([12, 5], [-5, 1], 100)),
      ("with gaps", try view([12, 3, 2], [60, 2, 7], 3)),
      ("broadcast", try view([12, 4], [0, 1], 8)),
      ("big-endian", try view([12, 3], [3, 1], order: .big)),
      ("conjugated", try view([12, 3], [3, 1], dtype: .complex64, conjugated: true)),
      ("no elements", try Tensor.zeros([12, 0, 3])),
      ("one row", try view([1, 7], [99, 1])),
    ]
  }

  @Test func rowsAreTheRowsHoweverTheyLie() throws {
    for (name, tensor) in try tensors() {
      let count = tensor.shape[0]
      let order = RowOrder(count: count, shuffle: .seeded(5))
      for indexes in [Array(order), Array(order[0..<count / 2]), [count - 1, 0, 0], []] {
        let part = try tensor.rows(indexes)
        #expect(part.shape == [indexes.count] + tensor.shape.dropFirst(), "\(name)")
        #expect(part.dtype == tensor.dtype && part.byteOrder == tensor.byteOrder)
        #expect(try littleEndian(part) == expected(tensor, indexes), "\(name) \(indexes)")
        #expect(try littleEndian(part.loaded()) == expected(tensor, indexes), "\(name)")
      }
      // A part of an order is taken as it is.
      let slice = order[count / 3..<count]
      #expect(try littleEndian(tensor.rows(slice)) == expected(tensor, slice), "\(name)")
      for range in [0..<count, 0..<0, count / 2..<count] {
        #expect(try littleEndian(tensor.rows(range)) == expected(tensor, range), "\(name)")
      }
      let head = try littleEndian(tensor.leadingRows(3))
      #expect(try head == expected(tensor, 0..<min(3, count)), "\(name)")
    }
  }

  /// Of rows larger than a chunk, and of very many small ones.
  @Test func rowsOfAnySize() throws {
    let large = try Tensor(
      (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7) }, shape: [3, 1 << 20])
    let larger = try Tensor(
      dtype: .uint8, shape: [2, (1 << 20) + 5], strides: [1 << 20, 1], storage: large.storage)
    #expect(
      try larger.rows([1, 0]).goldenHash()
        == larger.sliced([.slice(from: nil, to: nil, step: -1)]).goldenHash())
    let small = try Tensor((0..<3_000_001).map { Int32($0) })
    let order = RowOrder(count: small.count, shuffle: .seeded(1))
    let picked = try small.rows(order).array(of: Int32.self)
    #expect(picked.enumerated().allSatisfy { order[$0.offset] == Int($0.element) })
  }

  @Test func compressedMembersToo() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npz")
    let tensor = try Tensor((0..<60_000).map { Int16(truncatingIfNeeded: $0) }, shape: [200, 300])
    var options = WritingOptions()
    options.compressionLevel = 6
    try TensorArchive([("x", tensor)]).write(to: path, options: options)
    let member = try TensorArchive(contentsOf: path).tensor("x")
    #expect(!member.storage.isResident)
    let head = try member.leadingRows(2)
    #expect(!member.storage.isResident, "only the head is decoded")
    #expect(try littleEndian(head) == expected(tensor, 0..<2))
    #expect(try littleEndian(member.rows(150..<200)) == expected(tensor, 150..<200))
    #expect(!member.storage.isResident, "rows in order are streamed")
    #expect(try littleEndian(member.rows([7, 199, 0])) == expected(tensor, [7, 199, 0]))
  }

  @Test func scalesGoWithTheirRows() throws {
    let tensor = try Tensor(
      dtype: .qint8, shape: [3, 2], storage: Tensor([1, 2, 3, 4, 5, 6] as [Int8]).storage,
      quantization: .perChannel(
        scheme: .perChannelAffine, scales: Tensor([1, 10, 100] as [Double]),
        zeroPoints: Tensor([0, 0, 1] as [Int64]), axis: 0))
    let part = try tensor.rows([2, 0]).converted(to: .float32)
    #expect(try part.array(of: Float.self) == [400, 500, 1, 2])
  }

  @Test func whatIsNoRowIsAnError() throws {
    let tensor = try Tensor([1, 2, 3] as [Float])
    for index in [3, -1, .max, .min] {
      let error = #expect(throws: TensorIOError.self) { try tensor.rows([0, index]).loaded() }
      #expect(error?.code == .invalidArgument)
    }
    #expect(throws: TensorIOError.self) { try tensor.rows(0..<4) }
    #expect(throws: TensorIOError.self) { try Tensor(scalar: 1 as Float).rows([0]) }
    #expect(throws: TensorIOError.self) { try Tensor.meta(dtype: .float32, shape: [3]).rows([0]) }
  }

  @Test func tensorsThatShareTheirRowsAreFound() throws {
    let archive = try TensorArchive([
      ("x", .zeros([4, 2])), ("y", .zeros([4])), ("z", .zeros([3])), ("step", .zeros([])),
    ])
    #expect(archive.sharedRows.map(\.count) == [4, 3])
    let error = #expect(throws: TensorIOError.self) { try archive.sharedRows(along: nil) }
    #expect(error?.reason.contains("4 (x and 1 more), 3 (z)") == true)
    #expect(try archive.sharedRows(along: "y").entries.map(\.name) == ["x", "y"])
    #expect(throws: TensorIOError.self) { try archive.sharedRows(along: "step") }
    #expect(throws: TensorIOError.self) { try archive.sharedRows(along: "nothing") }
    let part = try archive.selectingRows([3], of: archive.sharedRows(along: "x"))
    #expect(part.entries.map(\.tensor.shape) == [[1, 2], [1], [3], []])
  }
}
