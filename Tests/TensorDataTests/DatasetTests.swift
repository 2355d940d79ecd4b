import TensorData
import TensorIO
import TestSupport
import Testing

@Suite struct DatasetTests {
  static func rows(_ count: Int, _ width: Int = 3) throws -> Tensor {
    try Tensor((0..<Int32(count * width)).map { $0 }, shape: [count, width])
  }

  @Test func rowsAndRangesAreViews() throws {
    let x = try Self.rows(10)
    let data = try TensorDataset(["x": x, "y": Tensor.arange(10)])
    #expect(data.count == 10)
    #expect(data.names == ["x", "y"])
    let row = try data[3]
    #expect(try row["x"]?.array(of: Int32.self) == [9, 10, 11])
    #expect(row["x"]?.storage === x.storage)
    #expect(try row["y"]?.array(of: Int64.self) == [3])
    #expect(try data[-1]["y"]?.array(of: Int64.self) == [9])
    let part = try data[2..<5]
    #expect(part.count == 3)
    #expect(try part.tensor("x").storage === x.storage)
    #expect(try part[1..<3].tensor("y").array(of: Int64.self) == [3, 4])
    #expect(try data[4..<4].count == 0)
    #expect(throws: TensorIOError.self) { try data[10] }
    #expect(throws: TensorIOError.self) { try data[-11] }
    #expect(throws: TensorIOError.self) { try data[5..<11] }
  }

  @Test func anEntryOfAnotherLengthIsRefusedByName() throws {
    let error = #expect(throws: TensorIOError.self) {
      try TensorDataset(["x_train": Self.rows(10), "x_test": Self.rows(4)])
    }
    #expect(error?.reason.contains("'x_train' has 10 rows and 'x_test' 4") == true)
    #expect(throws: TensorIOError.self) { try TensorDataset([:]) }
    #expect(throws: TensorIOError.self) { try TensorDataset(["s": Tensor(scalar: 1.0)]) }
    #expect(throws: TensorIOError.self) {
      try TensorDataset(["x": Self.rows(2), "x": Self.rows(2)])
    }
  }

  @Test(arguments: ["npz", "pt", "safetensors"])
  func columnsComeFromFiles(_ ending: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("digits.\(ending)")
    try TensorArchive([
      ("x_train", Self.rows(8)), ("y_train", Tensor.arange(8)), ("x_test", Self.rows(2)),
    ]).write(to: path)
    #expect(throws: TensorIOError.self) { try TensorDataset(opening: path) }
    let train = try TensorDataset(opening: path, columns: ["x_train", "y_train"])
    #expect(train.count == 8)
    let batch = try train.batch(at: [7, 0, 7])
    #expect(try batch["x_train"].array(of: Int32.self) == [21, 22, 23, 0, 1, 2, 21, 22, 23])
    #expect(try batch["y_train"].array(of: Int64.self) == [7, 0, 7])
    #expect(throws: TensorIOError.self) { try batch["x_test"] }
    #expect(throws: TensorIOError.self) { try train.batch(at: [8]) }
    let error = #expect(throws: TensorIOError.self) {
      try TensorDataset(opening: path, columns: ["z"])
    }
    #expect(error?.place.file == path)
  }

  @Test func compressedMembersAreDecodedWithinTheLimit() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npz")
    var options = WritingOptions()
    options.compressionLevel = 6
    try TensorArchive([("x", Tensor.zeros([1000, 100]))]).write(to: path, options: options)
    #expect(try TensorDataset(opening: path).batch(at: [999])["x"].shape == [1, 100])
    var reading = ReadingOptions()
    reading.limits.decodedBytes = 1000
    let data = try TensorDataset(opening: path, options: reading)
    #expect(throws: TensorIOError.self) { try data.batch(at: [1]) }
  }

  @Test func shardsFollowEachOtherAsPeopleCount() throws {
    let folder = try TemporaryFolder()
    let all = try Self.rows(60)
    var start = 0
    for (name, count) in [("part-1", 5), ("part-2", 1), ("part-9", 30), ("part-10", 24)] {
      try all[start..<start + count].write(to: folder.path("\(name).npy"))
      start += count
    }
    _ = try folder.write([1, 2], "README.txt")
    _ = try folder.write([1, 2], ".hidden.npy")
    let data = try TensorDataset(opening: folder.path(""))
    #expect(data.count == 60)
    let name = try #require(data.names.first)
    #expect(folder.path("").split(separator: "/").last.map(String.init) == name)
    #expect(try data.tensor(name).array(of: Int32.self) == all.array(of: Int32.self))
    let rows = [59, 0, 4, 5, 6, 35, 36, 36]
    let expected = rows.flatMap { row in (0..<3).map { Int32(row * 3 + $0) } }
    #expect(try data.batch(at: rows)[name].array(of: Int32.self) == expected)
    #expect(
      try data[3..<40].batch(at: [0, 36])[name].array(of: Int32.self) == [
        9, 10, 11, 117, 118, 119,
      ])
  }

  @Test func shardsThatDifferAreRefusedByFile() throws {
    let folder = try TemporaryFolder()
    try Self.rows(2).write(to: folder.path("a.npy"))
    try Self.rows(2, 4).write(to: folder.path("b.npy"))
    let error = #expect(throws: TensorIOError.self) { try TensorDataset(opening: folder.path("")) }
    #expect(error?.place.file?.hasSuffix("b.npy") == true)
    let empty = try TemporaryFolder()
    #expect(throws: TensorIOError.self) { try TensorDataset(opening: empty.path("")) }
    #expect(throws: TensorIOError.self) { try TensorDataset(opening: empty.path("none.npy")) }
  }

  @Test func stepsAreThoseOfNumPy() throws {
    let bytes = try Tensor((0..<240).map { UInt8($0) }, shape: [40, 6])
    let data = try TensorDataset(["x": bytes, "y": bytes[0..., 0]])
      .scaling("x", by: 1.0 / 255, adding: -0.5)
      .converting("y", to: .int64)
      .mapping("y") { labels in
        let labels = try labels.array(of: Int64.self)
        return try Tensor(
          labels.flatMap { label in (0..<4).map { Float($0 == label / 60 ? 1 : 0) } },
          shape: [labels.count, 4])
      }
    let batch = try data.batch(at: [39, 1])
    let expected = [234, 235, 236, 237, 238, 239, 6, 7, 8, 9, 10, 11].map {
      Float($0) * Float(1.0 / 255) + Float(-0.5)
    }
    #expect(try batch["x"].array(of: Float.self) == expected)
    #expect(try batch["x"].shape == [2, 6])
    #expect(try batch["y"].array(of: Float.self) == [0, 0, 0, 1, 1, 0, 0, 0])
    #expect(try data[1]["x"]?.array(of: Float.self) == Array(expected[6...]))
    #expect(throws: TensorIOError.self) { try data.converting("z", to: .int8) }
    #expect(throws: TensorIOError.self) { try data.scaling("x", to: .int8, by: 2) }
  }

  @Test func aNumberThatDoesNotFitIsNamedByItsRow() throws {
    let data = try TensorDataset(["x": Tensor([1.0, 2, 300, 4], shape: [2, 2])])
      .converting("x", to: .uint8)
    let error = #expect(throws: TensorIOError.self) { try data.batch(at: [0, 1]) }
    #expect(error?.code == .lossy)
    #expect(error?.reason.contains("row 1") == true)
    #expect(error?.reason.contains("element 0 is 300") == true)
    #expect(error?.place.tensor == "x")
  }

  @Test func mappingKeepsTheRowCount() throws {
    let data = try TensorDataset(["x": Self.rows(4)]).mapping("x") { try $0[0..<1] }
    #expect(throws: TensorIOError.self) { try data.batch(at: [0, 1]) }
  }

  @Test func columnsAreChosenAndJoined() throws {
    let one = try TensorDataset(["x": Self.rows(4), "y": Tensor.arange(4)])
    #expect(try one.selecting(["y"]).names == ["y"])
    #expect(try one.renaming("y", to: "label").names == ["x", "label"])
    #expect(throws: TensorIOError.self) { try one.renaming("y", to: "x") }
    let both = try one.joined(with: TensorDataset(["z": Tensor.zeros([4])]))
    #expect(both.names == ["x", "y", "z"])
    #expect(throws: TensorIOError.self) {
      try one.joined(with: TensorDataset(["z": Tensor.zeros([5])]))
    }
  }

  /// Rows of every layout are those that indexing gives.
  @Test func anyLayoutHasRows() throws {
    let base = try Tensor((0..<720).map { Int16($0) }, shape: [6, 10, 12])
    let bigEndian = try Tensor(
      dtype: .int16, byteOrder: .big, shape: base.shape, storage: base.storage)
    let views = [
      base, bigEndian, base.transposed(), bigEndian.transposed(),
      try base[0..., TensorIndex.slice(from: nil, to: nil, step: -1), 2..<5],
      try base[TensorIndex.slice(from: nil, to: nil, step: -2)],
      try base[0..., 3, 4], try base[0..., 2..<2],
      try Tensor(dtype: .int16, shape: [5, 3], strides: [0, 1], storage: base.storage),
      try base.converting(to: .float64), try base.transposed().converting(to: .float32),
    ]
    for view in views {
      let data = try TensorDataset(["v": view])
      let rows = [view.shape[0] - 1, 0, 1, 2, 1]
      let batch = try data.batch(at: rows)["v"]
      for (number, row) in rows.enumerated() {
        #expect(
          try batch[number].loaded().withBytes { $0.array }
            == view[row].loaded().withBytes { $0.array }, "\(view.shape) \(view.strides)")
      }
    }
  }

  @Test func whatHasNoRowsSaysSo() throws {
    #expect(throws: TensorIOError.self) {
      try TensorDataset(["m": Tensor.meta(dtype: .float32, shape: [3])]).batch(at: [0])
    }
  }
}
