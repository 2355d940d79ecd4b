import ByteIO
import TensorIO
import TestSupport
import Testing

/// Small files that stand for much work.
@Suite struct AmplificationTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  // MARK: Streams in byte strings

  /// A list of calls of `_load_from_bytes` on one byte string, in a stream in a byte string, and so on.
  private func nest(_ count: Int, _ depth: Int, asText: Bool) -> [UInt8] {
    var root = Op.int(1)
    for _ in 0..<depth {
      let stream = TorchBytes.stream(root, [])
      let load = Op.global("torch.storage", "_load_from_bytes") + [0x71, 0]
      let text = Op.text(String(String.UnicodeScalarView(stream.map { Unicode.Scalar($0) })))
      // Memo: 0 the function, 1 the bytes or the text, 2 the function that encodes texts.
      let encode = Op.global("_codecs", "encode") + [0x71, 2, 0x30]
      func bytes(_ first: Bool) -> [UInt8] {
        guard asText else { return first ? Op.bytes(stream) + [0x71, 1] : [0x68, 1] }
        return [0x68, 2, 0x28] + (first ? text + [0x71, 1] : [0x68, 1]) + Op.text("latin1")
          + [0x74, 0x52]
      }
      let calls = (0..<count).map { index in
        (index == 0 ? load : [0x68, 0]) + bytes(index == 0) + [0x85, 0x52]
      }
      root = (asText ? encode : []) + Op.list(calls)
    }
    return Op.program(root)
  }

  @Test func streamsThatAreReferredToAgainAndAgainAreReadOnce() throws {
    // More objects than this, were they read for each call.
    var options = ReadingOptions()
    options.limits.objectCount = 5000
    let path = try folder.write(nest(30, 3, asText: false), "a.pkl")
    let archive = try TensorArchive(contentsOf: path, options: options)
    #expect(archive.otherValues.count == 30 * 30 * 30)
    // They are a value each, and these are too many.
    let start = ContinuousClock.now
    let deep = try folder.write(nest(1000, 4, asText: false), "b.pkl")
    #expect(throws: TensorIOError(.limit, "")) { try TensorArchive(contentsOf: deep) }
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  /// Each call makes bytes of its own of a text, so each is read, up to the limit for all.
  @Test func streamsInTextsCountTogether() throws {
    let path = try folder.write(nest(20, 2, asText: true), "a.pkl")
    #expect(openingError(path) == nil)
    var options = ReadingOptions()
    options.limits.objectCount = 20_000
    #expect(throws: TensorIOError(.limit, "")) {
      try TensorArchive(contentsOf: path, options: options)
    }
    let deep = try folder.write(nest(60, 4, asText: true), "b.pkl")
    options.limits.objectCount = 200_000
    #expect(throws: TensorIOError(.limit, "")) {
      try TensorArchive(contentsOf: deep, options: options)
    }
  }

  @Test func streamsTooDeepInEachOther() throws {
    let path = try folder.write(nest(2, 5, asText: false), "a.pkl")
    #expect(throws: TensorIOError(.limit, "")) { try TensorArchive(contentsOf: path) }
  }

  // MARK: Configurations of exported programs

  private func exported(_ configuration: String) throws -> String {
    try folder.write(
      TorchBytes.zip([
        ("p/archive_format", Array("pt2".utf8)),
        ("p/data/weights/model_weights_config.json", Array(configuration.utf8)),
      ]), "a.pt2")
  }

  private static func zeros(_ count: Int) -> String {
    "[\(String(repeating: "0,", count: count - 1))0]"
  }

  @Test func onlyTheConfigurationIsKept() throws {
    var options = ReadingOptions()
    options.limits.memberCount = 1000
    let values = Self.zeros(5000)
    for text in [
      "{\"other\": \(values), \"config\": {}}", "{\"config\": {}, \"other\": {\"a\": \(values)}}",
      "{\"a\": {\"config\": \(values)}, \"config\": {}}",
    ] {
      let archive = try TensorArchive(contentsOf: exported(text), options: options)
      #expect(archive.entries.isEmpty)
    }
    let error = #expect(throws: TensorIOError(.limit, "")) {
      try TensorArchive(contentsOf: exported("{\"config\": {\"a\": \(values)}}"), options: options)
    }
    #expect(error?.reason.contains("memberCount") ?? false)
    for text in [values, "{}", "{\"other\": 1}", "7"] {
      #expect(openingError(try exported(text))?.reason.contains("'config'") ?? false)
    }
  }

  @Test(arguments: [Int.max, .max / 2, 1 << 60])
  func aLimitOfAnySize(_ headerBytes: Int) throws {
    var options = ReadingOptions()
    options.limits.headerBytes = headerBytes
    #expect(
      try TensorArchive(contentsOf: exported("{\"config\": {}}"), options: options).entries.isEmpty)
    options.limits.headerBytes = 0
    let long = try exported("{\"config\": {}, \"a\": \(Self.zeros(100))}")
    #expect(throws: TensorIOError(.limit, "")) {
      try TensorArchive(contentsOf: long, options: options)
    }
    options.limits = .unlimited
    #expect(try TensorArchive(contentsOf: long, options: options).entries.isEmpty)
  }
}
