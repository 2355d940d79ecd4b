import ByteIO
import Foundation
import TensorIO
import TestSupport
import Testing

/// Writing an archive into shards.
@Suite struct ShardWritingTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func floats(_ count: Int, _ first: Float = 0) throws -> Tensor {
    try Tensor((0..<count).map { Float($0) + first })
  }

  /// The names in each shard, as they are read back.
  private func shards(_ written: WrittenShards) throws -> [[String]] {
    try written.files.map { try TensorArchive(contentsOf: $0).names }
  }

  @Test func shardsAreFilledInOrder() throws {
    let archive = try TensorArchive(
      try [("a", 4), ("b", 5), ("c", 3), ("d", 1)].map { ($0.0, try floats($0.1)) })
    let written = try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 32)
    #expect(try shards(written) == [["a"], ["b", "c"], ["d"]])
    #expect(
      try folder.contents() == [
        "m-00001-of-00003.bin", "m-00002-of-00003.bin", "m-00003-of-00003.bin", "m.bin.index.json",
      ])
    let index = try #require(written.index)
    #expect(
      String(decoding: try bytes(of: index), as: UTF8.self) == """
        {
          "metadata": {
            "total_size": 52
          },
          "weight_map": {
            "a": "m-00001-of-00003.bin",
            "b": "m-00002-of-00003.bin",
            "c": "m-00002-of-00003.bin",
            "d": "m-00003-of-00003.bin"
          }
        }

        """)
    let read = try TensorArchive(contentsOf: index)
    #expect(read.names == archive.names && read.findings.isEmpty)
    for entry in archive.entries {
      #expect(try read.tensor(entry.name).goldenHash() == (try entry.tensor.goldenHash()))
    }
  }

  /// Exactly full is full; one byte more is the next shard.
  @Test(arguments: [(32, 1), (31, 2), (16, 2), (15, 2), (1, 2)])
  func theLimitIsExact(size: Int, count: Int) throws {
    let archive = try TensorArchive([("a", try floats(4)), ("b", try floats(4))])
    let written = try archive.write(toShardsAt: folder.path("m.bin"), shardSize: size)
    #expect(written.files.count == count)
    #expect((written.index == nil) == (count == 1))
  }

  /// As huggingface_hub has it: a tensor too large for any shard comes before the one being filled.
  @Test func aLargeTensorHasAShardOfItsOwn() throws {
    let archive = try TensorArchive([
      ("a", try floats(2)), ("big", try floats(100)), ("b", try floats(2)),
    ])
    let written = try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 32)
    #expect(try shards(written) == [["big"], ["a", "b"]])
  }

  @Test func tensorsOnOneStorageStayTogetherAndCountOnce() throws {
    let tied = try floats(4)
    let archive = try TensorArchive([
      ("a", tied), ("x", try floats(4)), ("y", try floats(4)), ("z", tied),
    ])
    let written = try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 32)
    #expect(try shards(written) == [["a", "x", "z"], ["y"]])
    let read = try TensorArchive(contentsOf: try #require(written.index))
    #expect(read.aliasGroups.map { $0.map(\.name) } == [["a", "z"]])
    #expect(read.findings.isEmpty)
  }

  @Test func whatFitsIsOneFile() throws {
    let written = try TensorArchive([("a", try floats(4))]).write(
      toShardsAt: folder.path("m.bin"), shardSize: 1000)
    #expect(written.files == [folder.path("m.bin")] && written.index == nil)
    #expect(try folder.contents() == ["m.bin"])
  }

  @Test func nestingIsFlattenedAndOtherValuesAreLosses() throws {
    var graph = ValueGraph(.none)
    let inner = graph.add(
      .dictionary([(graph.add(.string("w")), graph.add(.tensor(try floats(8))))]))
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("model")), inner), (graph.add(.string("epoch")), graph.add(.int(3))),
          (graph.add(.string("v")), graph.add(.tensor(try floats(8)))),
        ])))
    let archive = try TensorArchive(graph)
    let written = try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 32)
    #expect(try shards(written) == [["model.w"], ["v"]])
    let losses = try archive.losses(
      writingToShardsAt: folder.path("m.bin"), shardSize: 32)
    #expect(losses.map(\.kind) == [.nesting, .value])
    #expect(losses.map(\.name) == ["model.w", "epoch"])
    // The index sorts names.
    let other = try TensorArchive([("b", try floats(8)), ("a", try floats(8))])
    let path = folder.path("o.safetensors")
    #expect(try other.losses(writingToShardsAt: path, shardSize: 32).map(\.kind) == [.order])
    #expect(try other.losses(writingToShardsAt: folder.path("o.bin"), shardSize: 64).isEmpty)
  }

  @Test func namesAreWrittenAsPythonWritesThem() throws {
    let archive = try TensorArchive([
      ("é\n\"\\\u{1F600}\u{7F}", try floats(4)), ("A", try floats(4)),
    ])
    let written = try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 16)
    let index = String(decoding: try bytes(of: try #require(written.index)), as: UTF8.self)
    #expect(
      index.contains(#""\u00e9\n\"\\\ud83d\ude00\u007f": "m-00001-of-00002.bin""#), "\(index)")
    #expect(
      try TensorArchive(contentsOf: try #require(written.index)).names == ["A", archive.names[0]])
  }

  @Test func formatsOfOneArrayAreRefused() throws {
    let archive = try TensorArchive([("a", try floats(4))])
    for (name, size) in [("m.npy", 8), ("m.bin", 0), ("m.xyz", 8)] {
      let error = try #require(throws: TensorIOError.self) {
        try archive.write(toShardsAt: folder.path(name), shardSize: size)
      }
      #expect(error.code == .invalidArgument)
    }
    #expect(try folder.contents().isEmpty)
  }

  /// Without an index there is no checkpoint of old and new shards.
  @Test func aFailureLeavesNoIndex() throws {
    let archive = try TensorArchive([("a", try floats(8)), ("b", try floats(8))])
    try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 32)
    var options = WritingOptions()
    options.isCancelled = { true }
    #expect(throws: TensorIOError.self) {
      try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 32, options: options)
    }
    #expect(try !folder.contents().contains("m.bin.index.json"))
  }

  @Test func strayShardsAreNamedAndLeft() throws {
    let archive = try TensorArchive([
      ("a", try floats(8)), ("b", try floats(8)), ("c", try floats(8)),
    ])
    try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 32)
    let other = try archive.write(toShardsAt: folder.path("m.bin"), shardSize: 64)
    #expect(other.strays == (1...3).map { folder.path("m-0000\($0)-of-00003.bin") })
    #expect(try folder.contents().count == 6)
  }

  /// Every cut of some sizes keeps every tensor once, within the limit.
  @Test func randomCutsKeepEveryTensor() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var state = seed
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for round in 0..<40 {
      let tensors = try (0..<1 + next(12)).map { ("t\($0)", try floats(next(9))) }
      let archive = try TensorArchive(tensors)
      let limit = 4 + next(80)
      let path = folder.path("r\(round).bin")
      let written = try archive.write(toShardsAt: path, shardSize: limit)
      let parts = try shards(written)
      #expect(parts.flatMap { $0 }.sorted() == archive.names.sorted(), "seed \(seed)")
      for (part, file) in zip(parts, written.files) {
        let bytes = try TensorArchive(contentsOf: file).byteCount
        #expect(bytes <= limit || part.count == 1, "seed \(seed)")
      }
    }
  }
}
