import ByteIO
import Foundation
import Pickle
import TensorIO
import TensorModel
import TestSupport
import Testing

/// Distributed checkpoints that nobody's torch would write, made by hand.
@Suite struct DistributedTests {
  /// A chunk: where it begins, how long it is, and where it lies in which file.
  struct Chunk {
    var offsets: [Int]
    var sizes: [Int]
    var file = "__0_0.distcp"
    var range = 0..<0
  }

  /// What is written into a folder.
  struct Checkpoint {
    var dtype = "float32"
    var shape = [4, 3]
    var chunks: [Chunk] = []
    var paths: [(String, [Pickle.Value])] = []
    var data: [UInt8] = []
    /// Further entries of storage_data for the same places.
    var doubled = false
    var values: [(name: String, range: Range<Int>)] = []
  }

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// A tensor as `torch.save` writes it.
  private func saved(_ tensor: Tensor) throws -> [UInt8] {
    let path = folder.path("piece.pt")
    try tensor.write(to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try bytes(of: path)
  }

  /// The whole in two chunks of two rows each.
  private func good() throws -> Checkpoint {
    var checkpoint = Checkpoint()
    for row in [0, 2] {
      let piece = try saved(
        try Tensor((0..<6).map { Float(row * 3 + $0) }, shape: [2, 3]))
      let start = checkpoint.data.count
      checkpoint.data += piece
      checkpoint.chunks.append(
        Chunk(offsets: [row, 0], sizes: [2, 3], range: start..<checkpoint.data.count))
    }
    return checkpoint
  }

  private func write(_ checkpoint: Checkpoint) throws -> String {
    var pickle = MetadataPickle()
    try folder.write(try pickle.bytes(checkpoint), ".metadata")
    try folder.write(checkpoint.data, "__0_0.distcp")
    return folder.url.path
  }

  private func failure(_ checkpoint: Checkpoint) throws -> TensorIOError {
    let path = try write(checkpoint)
    return try #require(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
  }

  @Test func chunksBecomeOneTensor() throws {
    let path = try write(try good())
    for name in [path, path + "/.metadata"] {
      let archive = try TensorArchive(contentsOf: name)
      #expect(archive.format == "dcp" && archive.names == ["w"] && archive.findings.isEmpty)
      #expect(try archive.tensor("w").array(of: Float.self) == (0..<12).map { Float($0) })
      #expect(try archive.tensor("w")[1..<3, 2].array(of: Float.self) == [5, 8])
    }
  }

  @Test func oneChunkIsMappedInPlace() throws {
    var checkpoint = try good()
    checkpoint.chunks = [checkpoint.chunks[0]]
    checkpoint.shape = [2, 3]
    let archive = try TensorArchive(contentsOf: try write(checkpoint))
    #expect(try archive.tensor("w").storage.isResident)
    #expect(try archive.tensor("w").array(of: Float.self) == (0..<6).map { Float($0) })
  }

  @Test func damageInAChunkIsSeen() throws {
    var checkpoint = try good()
    let place = try #require(
      checkpoint.data.indices.dropLast(4).first {
        Array(checkpoint.data[$0..<$0 + 4]) == [0, 0, 0x40, 0x40]
      })
    checkpoint.data[place] ^= 1
    let archive = try TensorArchive(contentsOf: try write(checkpoint))
    let error = try #require(throws: TensorIOError.self) {
      try archive.tensor("w").array(of: Float.self)
    }
    #expect(error.code == .malformed && error.reason.contains("CRC"))
  }

  @Test(arguments: [
    "gap", "overlap", "outside", "negative", "huge", "axes", "twice", "one place", "inside another",
    "past the end", "before the start", "no chunk", "dtype", "shape", "not torch",
  ])
  func brokenChunksAreRefused(fault: String) throws {
    var checkpoint = try good()
    switch fault {
    case "gap": checkpoint.chunks.removeLast()
    case "overlap": checkpoint.chunks[1].offsets = [1, 0]
    case "outside": checkpoint.chunks[1].offsets = [3, 0]
    case "negative": checkpoint.chunks[1].offsets = [-2, 0]
    case "huge": checkpoint.chunks[1].offsets = [Int.max, Int.max]
    case "axes": checkpoint.chunks[1].offsets = [2]
    case "twice": checkpoint.doubled = true
    case "one place": checkpoint.chunks[1].range = checkpoint.chunks[0].range
    case "inside another": checkpoint.chunks[1].range = 10..<checkpoint.data.count
    case "past the end":
      checkpoint.chunks[1].range = checkpoint.chunks[1].range.lowerBound..<Int.max
    case "before the start": checkpoint.chunks[0].range = -5..<checkpoint.chunks[0].range.upperBound
    case "no chunk": checkpoint.chunks = []
    case "dtype": checkpoint.dtype = "float64"
    case "shape":
      checkpoint.shape = [2, 6]
      checkpoint.chunks[0].sizes = [1, 6]
      checkpoint.chunks[1].offsets = [1, 0]
      checkpoint.chunks[1].sizes = [1, 6]
    default: checkpoint.data = Array(repeating: 7, count: checkpoint.data.count)
    }
    let error = try failure(checkpoint)
    let expected: TensorIOError.Code = fault == "not torch" ? .unsupported : .malformed
    #expect(error.code == expected, "\(fault): \(error)")
  }

  /// Nothing of the size that is claimed is ever made.
  @Test func shapesThatNobodyHasAreRefused() throws {
    for shape in [[Int.max, Int.max], [Int.max, 3], [1 << 40, 1 << 20], [-4, 3]] {
      var checkpoint = try good()
      checkpoint.shape = shape
      #expect(try failure(checkpoint).code == .malformed, "\(shape)")
    }
  }

  @Test(arguments: ["../x.distcp", "/etc/passwd", "a/b", "", "..", #"a\b"#, "nul\0"])
  func filesElsewhereAreNotOpened(name: String) throws {
    var checkpoint = try good()
    checkpoint.chunks[0].file = name
    let error = try failure(checkpoint)
    #expect(error.code == .malformed && error.reason.contains("no plain name"), "\(error)")
  }

  @Test func aMissingFileIsNamed() throws {
    var checkpoint = try good()
    checkpoint.chunks[0].file = "__1_0.distcp"
    let error = try failure(checkpoint)
    #expect(error.code == .io && error.reason.contains("'__1_0.distcp'"))
  }

  @Test func nestingIsThatOfThePlanner() throws {
    var checkpoint = try good()
    checkpoint.paths = [("w", [.string("model"), .int(0), .string("a.b")])]
    let archive = try TensorArchive(contentsOf: try write(checkpoint))
    #expect(archive.entries.map(\.path) == [["model", "0", "a.b"]])
    // A list needs all its indexes: no memory for those between.
    checkpoint.paths = [("w", [.string("model"), .int(1 << 40)])]
    let sparse = try TensorArchive(contentsOf: try write(checkpoint))
    #expect(sparse.entries.map(\.path) == [["model", "\(1 << 40)"]])
    // Anything else leaves the names as they are.
    checkpoint.paths = [("w", [.none])]
    #expect(try TensorArchive(contentsOf: try write(checkpoint)).names == ["w"])
    checkpoint.paths = [("w", Array(repeating: .string("x"), count: 1000))]
    #expect(try failure(checkpoint).code == .limit)
  }

  @Test func otherValuesAreRead() throws {
    var checkpoint = try good()
    let piece = folder.path("value.pt")
    var graph = ValueGraph(.none)
    graph.setRoot(graph.add(.list([graph.add(.int(7)), graph.add(.string("x"))])))
    try TensorArchive(graph).write(to: piece)
    let start = checkpoint.data.count
    checkpoint.data += try bytes(of: piece)
    checkpoint.values = [("extra", start..<checkpoint.data.count)]
    let archive = try TensorArchive(contentsOf: try write(checkpoint))
    #expect(archive.otherValues.map(\.path) == [["extra", "0"], ["extra", "1"]])
  }

  /// Both files cut short anywhere: an error, whatever is asked for, and never a crash.
  @Test func everyTruncationIsAnError() throws {
    let path = try write(try good())
    for name in [".metadata", "__0_0.distcp"] {
      let whole = try bytes(of: "\(path)/\(name)")
      for count in stride(from: 0, to: whole.count - 1, by: name == ".metadata" ? 1 : 37) {
        try folder.write(Array(whole.prefix(count)), name)
        #expect(throws: TensorIOError.self) {
          _ = try TensorArchive(contentsOf: path + "/.metadata").tensor("w").array(of: Float.self)
        }
      }
      try folder.write(whole, name)
    }
  }

  /// Random bytes of the metadata are others: whatever comes of it is an answer or an error.
  @Test func mutatedMetadataNeverCrash() throws {
    let path = try write(try good())
    let whole = try bytes(of: path + "/.metadata")
    let seed = UInt64.random(in: 0..<1_000_000)
    var state = seed
    for _ in 0..<3000 {
      var changed = whole
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        changed[Int(state >> 40) % whole.count] = UInt8(truncatingIfNeeded: state >> 33)
      }
      try folder.write(changed, ".metadata")
      guard let archive = try? TensorArchive(contentsOf: path + "/.metadata") else { continue }
      for entry in archive.entries where entry.tensor.byteCount < 1 << 20 {
        _ = try? entry.tensor.loaded()
      }
    }
  }

  /// A few bytes that refer to one large list again and again are counted each time.
  @Test func sharedObjectsAreCounted() throws {
    var pickle = MetadataPickle()
    try folder.write(try pickle.manyNames(3000, chunks: 3000), ".metadata")
    var options = ReadingOptions()
    options.limits.objectCount = 1 << 20
    let error = try #require(throws: TensorIOError.self) {
      try TensorArchive(contentsOf: folder.path(".metadata"), options: options)
    }
    #expect(error.code == .limit, "\(error)")
  }
}

/// Makes the pickle of `.metadata`.
private struct MetadataPickle {
  private var pickle = Pickle()

  private mutating func object(
    _ name: String, _ fields: [(String, Pickle.ID)],
    module: String = "torch.distributed.checkpoint.metadata"
  ) -> Pickle.ID {
    let callee = pickle.add(.global(GlobalName(module, name)))
    let empty = pickle.add(.tuple([]))
    let id = pickle.add(
      .object(Pickle.Object(construction: .new, callee: callee, arguments: empty, keywords: nil)))
    pickle.fill(id, states: [dictionary(fields)])
    return id
  }

  private mutating func dictionary(_ fields: [(String, Pickle.ID)]) -> Pickle.ID {
    var pairs: [(key: Pickle.ID, value: Pickle.ID)] = []
    for (name, value) in fields { pairs.append((pickle.add(.string(name)), value)) }
    return pickle.add(.dictionary(pairs))
  }

  private mutating func size(_ values: [Int]) -> Pickle.ID {
    var items: [Pickle.ID] = []
    for value in values { items.append(pickle.add(.int(Int64(value)))) }
    let tuple = pickle.add(.tuple(items))
    return pickle.addCall(pickle.add(.global(GlobalName("torch", "Size"))), [tuple])
  }

  private mutating func tensor(
    _ dtype: String, _ shape: [Int], chunks: [(offsets: [Int], sizes: [Int])]
  ) -> Pickle.ID {
    var items: [Pickle.ID] = []
    for chunk in chunks {
      let (offsets, sizes) = (size(chunk.offsets), size(chunk.sizes))
      items.append(object("ChunkStorageMetadata", [("offsets", offsets), ("sizes", sizes)]))
    }
    let type = pickle.add(.global(GlobalName("torch", dtype)))
    let properties = object("TensorProperties", [])
    // In place of the dictionary that `object` gives it.
    let parts = [type, pickle.add(.none), pickle.add(.bool(false))]
    pickle.fill(properties, states: [pickle.add(.tuple(parts))])
    let list = pickle.add(.list(items))
    return object(
      "TensorStorageMetadata",
      [("properties", properties), ("size", size(shape)), ("chunks", list)])
  }

  private mutating func place(_ name: String, _ offsets: [Int]?) -> Pickle.ID {
    let offset = offsets.map { size($0) } ?? pickle.add(.none)
    return object("MetadataIndex", [("fqn", pickle.add(.string(name))), ("offset", offset)])
  }

  private mutating func info(_ file: String, _ range: Range<Int>) -> Pickle.ID {
    object(
      "_StorageInfo",
      [
        ("relative_path", pickle.add(.string(file))),
        ("offset", pickle.add(.int(Int64(range.lowerBound)))),
        (
          "length",
          pickle.add(
            .int(
              Int64(
                clamping: range.upperBound.subtractingReportingOverflow(range.lowerBound)
                  .partialValue)))
        ),
      ], module: "torch.distributed.checkpoint.filesystem")
  }

  mutating func bytes(_ checkpoint: DistributedTests.Checkpoint) throws -> [UInt8] {
    var entries = [
      (
        "w",
        tensor(
          checkpoint.dtype, checkpoint.shape,
          chunks: checkpoint.chunks.map { ($0.offsets, $0.sizes) })
      )
    ]
    var places: [(key: Pickle.ID, value: Pickle.ID)] = []
    for chunk in checkpoint.chunks + (checkpoint.doubled ? checkpoint.chunks : []) {
      places.append((place("w", chunk.offsets), info(chunk.file, chunk.range)))
    }
    for value in checkpoint.values {
      entries.append((value.name, object("BytesStorageMetadata", [])))
      places.append((place(value.name, nil), info("__0_0.distcp", value.range)))
    }
    var paths: [(String, Pickle.ID)] = []
    for (name, keys) in checkpoint.paths {
      var items: [Pickle.ID] = []
      for key in keys { items.append(pickle.add(key)) }
      paths.append((name, pickle.add(.tuple(items))))
    }
    return try finish(entries, places, dictionary(paths))
  }

  private mutating func finish(
    _ entries: [(String, Pickle.ID)], _ places: [(key: Pickle.ID, value: Pickle.ID)],
    _ paths: Pickle.ID
  ) throws -> [UInt8] {
    let storage = pickle.add(.dictionary(places))
    pickle.setRoot(
      object(
        "Metadata",
        [
          ("state_dict_metadata", dictionary(entries)), ("planner_data", paths),
          ("storage_data", storage),
        ]))
    return try PickleWriter.bytes(of: pickle, protocol: 4)
  }

  /// Many names for one tensor of many chunks, which have no elements and lie nowhere.
  mutating func manyNames(_ count: Int, chunks: Int) throws -> [UInt8] {
    let shared = tensor("float32", [0], chunks: Array(repeating: ([0], [0]), count: chunks))
    return try finish((0..<count).map { ("n\($0)", shared) }, [], pickle.add(.none))
  }
}
