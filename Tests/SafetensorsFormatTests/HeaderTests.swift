import ByteIO
import TensorIO
import TestSupport
import Testing

@testable import SafetensorsFormat

/// Headers that are right, odd and wrong.
@Suite struct SafetensorsHeaderTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func write(_ header: String, _ payload: [UInt8] = []) throws -> String {
    let count = UInt64(header.utf8.count)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    return try folder.write(length + Array(header.utf8) + payload, "x.safetensors")
  }

  private func open(_ header: String, _ payload: [UInt8] = []) throws -> TensorArchive {
    try TensorArchive(contentsOf: try write(header, payload))
  }

  @Test func tensorsAndMetadataAreRead() throws {
    let archive = try open(
      #"{"b":{"shape":[2],"data_offsets":[1,5],"dtype":"I16","more":[{}, null, 1e-3]}, "#
        + #""__metadata__":{"format":"np","a\u00e9":"x"},"a":{"dtype":"U8","shape":[],"#
        + #""data_offsets":[0,1]}}  "#, [7, 1, 0, 2, 0])
    #expect(archive.format == "safetensors")
    #expect(archive.names == ["b", "a"])
    #expect(try archive.tensor("b").array(of: Int16.self) == [1, 2])
    #expect(try archive.tensor("a").array(of: UInt8.self) == [7])
    #expect(archive.metadata.map(\.key) == ["format", "aé"])
    #expect(archive.metadata.map(\.value) == ["np", "x"])
    #expect(archive.findings.isEmpty)
  }

  @Test func everyDTypeIsRead() throws {
    for code in SafetensorsDType.allCases {
      let count = 8 * code.bitWidth / 8
      let payload = (0..<count).map { UInt8($0 % 2) }
      let archive = try open(
        #"{"x":{"dtype":"\#(code.rawValue)","shape":[2,4],"data_offsets":[0,\#(count)]}}"#, payload)
      let tensor = try archive.tensor("x")
      #expect(tensor.dtype == code.dtype)
      #expect(tensor.shape == (code == .float4 ? [2, 2] : [2, 4]))
      #expect(tensor.byteCount == count)
      let copy = folder.path("copy.safetensors")
      try archive.write(to: copy)
      let again = try TensorArchive(contentsOf: copy)
      #expect(try again.tensor("x").dtype == code.dtype)
      #expect(try bytes(of: copy).suffix(count) == payload[...])
    }
  }

  @Test func spacesBeforeTheHeaderAreAFinding() throws {
    let archive = try open(#"  {"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, [1])
    #expect(archive.findings.map(\.code) == [.oddHeader])
  }

  @Test(arguments: [
    (#"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}"#, 1, "takes 2 bytes"),
    (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, "no tensor's"),
    (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 2, "follow the last tensor"),
    (#"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 2, "cut short"),
    (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, 1, "wrong order"),
    (#"{"x":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}"#, 1, "no whole number"),
    (#"{"x":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}"#, 1, "no whole number"),
    (#"{"x":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, 1, "no whole number"),
    (#"{"x":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}}"#, 1, "63 bits"),
    (#"{"x":{"dtype":"U8","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, 0, "63 bits"),
    (#"{"x":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#, 1, "no whole bytes"),
    (#"{"x":{"dtype":"F4","shape":[2,3],"data_offsets":[0,3]}}"#, 3, "pairs do not fill"),
    (#"{"x":{"dtype":"Q8","shape":[1],"data_offsets":[0,1]}}"#, 1, "the dtype 'Q8'; known are"),
    (#"{"x":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1, "dtype twice"),
    (#"{"x":{"dtype":"U8","shape":[1]}}"#, 1, "has no data_offsets"),
    (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":null}"#, 1, "'x' comes twice"),
    (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0078":{}}"#, 1, "comes twice"),
    (#"{"__metadata__":{},"__metadata__":{}}"#, 0, "comes twice"),
    (#"{"__metadata__":{"a":1}}"#, 0, "is no string"),
    (#"{"__metadata__":{"a":"1","a":"1"}}"#, 0, "'a' twice"),
    (#"{"x":null}"#, 0, "no object"), (#"{"x":{}}"#, 0, "has no dtype and no shape"),
    (#"{}"# + "\0", 0, "something follows"), (#"{"#, 0, "no string"), (#"[]"#, 0, "no safetensors"),
    (#"{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, 0, "surrogate"),
    (
      #"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"y":"#
        + String(repeating: "[", count: 999),
      1, "nesting"
    ),
  ])
  func wrongHeadersAreRefused(_ header: String, _ payload: Int, _ reason: String) throws {
    let path = try write(header, [UInt8](repeating: 0, count: payload))
    let error = #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
    #expect(error?.description.contains(reason) ?? false, "\(String(describing: error))")
    #expect(error?.place.file == path)
  }

  @Test(arguments: [0, 1, 100_000_001, 1 << 40, UInt64.max, 1 << 63])
  func lengthsThatNoHeaderHas(_ count: UInt64) throws {
    let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    let path = try folder.write(length + Array("{}".utf8), "x.safetensors")
    #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
  }

  @Test func everyCutIsNoticed() throws {
    let whole = try bytes(
      of: try write(
        #"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"U8","shape":[0],"#
          + #""data_offsets":[3,3]}}"#, [1, 2, 3]))
    for count in 0..<whole.count {
      let path = try folder.write(Array(whole[..<count]), "cut.safetensors")
      #expect(throws: TensorIOError.self, "\(count) bytes") { try TensorArchive(contentsOf: path) }
    }
  }

  @Test func limitsAreKept() throws {
    let path = try write(
      #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"y":{"dtype":"U8","shape":[0],"#
        + #""data_offsets":[0,0]}}"#)
    var options = ReadingOptions()
    options.limits.memberCount = 1
    let error = #expect(throws: TensorIOError.self) {
      try TensorArchive(contentsOf: path, options: options)
    }
    #expect(error?.code == .limit)
    options = ReadingOptions()
    options.limits.headerBytes = 0
    #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path, options: options) }
  }
}
