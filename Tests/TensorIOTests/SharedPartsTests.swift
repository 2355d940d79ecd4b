import ByteIO
import Foundation
import TensorIO
import TestSupport
import Testing

/// Pickles of kilobytes in which many objects share one part: what is shared is read once and never
/// multiplied.
@Suite struct SharedPartsTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func open(_ pickle: [UInt8]) throws -> TensorArchive {
    let path = folder.path("a.pkl")
    try Data([0x80, 4] + pickle + [0x2e]).write(to: URL(filePath: path))
    return try TensorArchive(contentsOf: path)
  }

  private func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  private func text(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = [0x58]
    let utf8 = Array(text.utf8)
    for shift in stride(from: 0, to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: utf8.count >> shift))
    }
    return bytes + utf8
  }

  private func repeated(_ count: Int, _ bytes: [UInt8]) -> [UInt8] {
    (0..<count).flatMap { _ in bytes }
  }

  /// `dtype(code, False, True)` with a state of order, subarray, names, fields and size.
  private func dtype(_ code: String, _ state: [UInt8]) -> [UInt8] {
    global("numpy", "dtype") + text(code) + [0x89, 0x88, 0x87, 0x52, 0x28, 0x4b, 3] + state + [
      0x4a, 0xff, 0xff, 0xff, 0xff, 0x4b, 0, 0x74, 0x62,
    ]
  }

  /// An array of the dtype on the stack's top, which `dtype` makes.
  private func array(_ dtype: [UInt8], bytes: [UInt8]) -> [UInt8] {
    global("numpy._core.multiarray", "_reconstruct") + global("numpy", "ndarray")
      + [0x4b, 0, 0x85, 0x43, 1, 0x62, 0x87, 0x52, 0x28, 0x4b, 1, 0x4b, 1, 0x85] + dtype
      + [0x89, 0x43, UInt8(bytes.count)] + bytes + [0x74, 0x62]
  }

  @Test func recordsThatDouble() throws {
    // Each record has two fields of the one before: 2^60 fields in 5 kB.
    var bytes = dtype("V0", text("|") + Array("NNN".utf8) + [0x4b, 0]) + [0x71, 0]
    for level in UInt8(0)..<60 {
      let place: [UInt8] = [0x68, level, 0x4b, 0, 0x86]
      let fields = [0x7d, 0x28] + text("a") + place + text("b") + place + [0x75]
      bytes +=
        [0x30]
        + dtype("V0", text("|") + [0x4e] + text("a") + text("b") + [0x86] + fields + [0x4b, 0])
        + [0x71, level + 1]
    }
    #expect(throws: TensorIOError(.unsupported, "")) { try open(array(bytes, bytes: [])) }
  }

  @Test func fieldsInAnotherOrderStayAnObject() throws {
    let float = dtype("f4", text("<") + Array("NNN".utf8) + [0x4b, 4])
    func record(_ first: UInt8, _ second: UInt8) -> [UInt8] {
      let fields =
        [0x7d, 0x28] + text("a") + float + [0x4b, first, 0x86] + text("b") + float
        + [0x4b, second, 0x86, 0x75]
      return dtype(
        "V8", text("|") + [0x4e] + text("a") + text("b") + [0x86] + fields + [0x4b, 8])
    }
    let data = [UInt8](repeating: 0, count: 8)
    #expect(try open(array(record(0, 4), bytes: data)).entries.count == 1)
    let archive = try open(array(record(4, 0), bytes: data))
    #expect(archive.entries.isEmpty)
    guard case .object = archive.values[archive.values.root] else {
      Issue.record("the array is lost")
      return
    }
  }

  @Test func aClassForADTypeKeepsItsByteOrder() throws {
    let big =
      global("numpy", "dtype") + global("numpy", "float32") + [
        0x89, 0x88, 0x87, 0x52, 0x28, 0x4b, 3,
      ]
      + text(">") + Array("NNN".utf8) + [0x4b, 4, 0x4b, 4, 0x4b, 0, 0x74, 0x62]
    let tensor = try open(array(big, bytes: [0x3f, 0x80, 0, 0])).tensor("")
    #expect(tensor.byteOrder == .big)
    #expect(try tensor.element(at: [0]) == .float(1))
  }

  @Test func onesListInManySets() throws {
    // 500 kB: 20,000 sets of one list of 20,000.
    let list = [0x5d, 0x71, 0, 0x28] + repeated(20_000, [0x4b, 7]) + [0x65]
    let sets = repeated(20_000, global("builtins", "set") + [0x68, 0, 0x85, 0x52])
    #expect(throws: TensorIOError(.limit, "")) { try open([0x28] + list + sets + [0x74]) }
  }

  @Test func oneTextInManyCalls() throws {
    // 20,000 times the bytes of one text of 50 kB: a gigabyte, were they copied.
    let long = text(String(repeating: "é", count: 25_000)) + [0x71, 0]
    let calls = repeated(
      20_000, global("_codecs", "encode") + [0x68, 0] + text("latin1") + [0x86, 0x52])
    let archive = try open([0x28] + long + calls + [0x74])
    guard case .tuple(let items) = archive.values[archive.values.root] else {
      Issue.record("no tuple")
      return
    }
    guard case .bytes(let bytes) = archive.values[items[20_000]] else {
      Issue.record("no bytes")
      return
    }
    #expect(bytes.byteCount == 25_000)
  }

  @Test func oneTupleInManyCalls() throws {
    let tuple = [0x28] + repeated(20_000, [0x4e]) + [0x74, 0x71, 0]
    let calls = repeated(20_000, global("foo", "Bar") + [0x68, 0, 0x52])
    // Every path to a value counts.
    #expect(throws: TensorIOError(.limit, "")) { try open([0x28] + tuple + calls + [0x74]) }
  }

  @Test func oneKeyManyTimes() throws {
    let key = text(String(repeating: "k", count: 50_000)) + [0x71, 0]
    let pairs = repeated(40_000, [0x68, 0, 0x4e])
    let archive = try open([0x7d, 0x28] + key + [0x4e] + pairs + [0x75])
    let findings = archive.findings.filter { $0.code == .duplicateKey }
    #expect(findings.count == 100)
    #expect(findings.allSatisfy { $0.message.utf8.count < 1000 })
  }

  @Test func keysAsPythonComparesThem() throws {
    // {'\x0018446744073709551616': 1, 18446744073709551616: 2, b'a': 3, b'a': 4, (1, 2): 5, (1, 2): 6}
    let big: [UInt8] = [0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    let tuple: [UInt8] = [0x4b, 1, 0x4b, 2, 0x86]
    let bytes: [UInt8] = [0x43, 1, 0x61]
    let archive = try open(
      [0x7d, 0x28] + text("\u{0}18446744073709551616") + [0x4b, 1] + big + [0x4b, 2] + bytes
        + [0x4b, 3] + bytes + [0x4b, 4] + tuple + [0x4b, 5] + tuple + [0x4b, 6, 0x75])
    guard case .dictionary(let pairs) = archive.values[archive.values.root] else {
      Issue.record("no dictionary")
      return
    }
    let values = pairs.map { pair -> Int64 in
      if case .int(let value) = archive.values[pair.value] { value } else { -1 }
    }
    #expect(values == [1, 2, 4, 6])
  }

  @Test func argumentsThatHoldTheirCallAreRefused() throws {
    // Protocol 0's d = D(); d['x'] = [d]: the call copies its dictionary, which leads to the call.
    let inner = global("copyreg", "_reconstructor") + global("m", "D") + global("builtins", "dict")
    let list: [UInt8] = [0x5d, 0x71, 1]
    let first = [0x7d] + text("x") + list
    let second =
      inner + [0x7d] + text("x")
      + [0x68, 1, 0x73, 0x87, 0x52, 0x71, 2, 0x61, 0x73, 0x87, 0x52, 0x30, 0x68, 2]
    let archive = try open(inner + first + second)
    #expect(throws: TensorIOError(.unsupported, "")) {
      try archive.write(to: folder.path("a.pt"))
    }
  }

  @Test func packedElementsOfAnEndlessShape() throws {
    let tensor = try Tensor.meta(dtype: .quint4x2, shape: [1 << 60], strides: [0])
    #expect(tensor.byteCount == 1 << 59)
  }
}
