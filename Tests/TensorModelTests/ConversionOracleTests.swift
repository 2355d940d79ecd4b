import Foundation
import TestSupport
import Testing

@testable import TensorModel

/// Every pair of dtypes on every level of instructions, against NumPy and PyTorch.
///
/// All numbers of 8 and 16 bits; of wider ones the special ones, those around every middle between
/// two small floats, and random ones. `CONVERSION_NUMBERS` says how many of these.
@Suite struct ConversionOracleTests {
  private struct Manifest: Decodable { let pairs: [[String]] }

  /// What the oracle wrote.
  private struct Data: Sendable {
    let folder: TemporaryFolder
    let targets: [String: [String]]

    init?() throws {
      guard let python = Oracle.python, Oracle.hasTorch else { return nil }
      folder = try TemporaryFolder()
      let environment = ProcessInfo.processInfo.environment
      let seed = environment["CONVERSION_SEED"] ?? "\(UInt32.random(in: 0...UInt32.max))"
      print("conversions: seed \(seed)")
      let script = Repository.root.appending(path: "Tests/Oracle/conversions.py").path
      let count = environment["CONVERSION_NUMBERS"] ?? "50000"
      let result = try run(python, [script, folder.url.path, count, seed])
      try #require(result.status == 0, "\(result.errors)")
      let manifest = try JSONDecoder().decode(
        Manifest.self, from: Foundation.Data(result.output.utf8))
      targets = Dictionary(grouping: manifest.pairs) { $0[0] }.mapValues { $0.map { $0[1] } }
    }

    func bytes(_ name: String) throws -> [UInt8] {
      try TestSupport.bytes(of: folder.path(name))
    }
  }

  private static let sources: [DType] = DType.simple.filter {
    $0.isConvertible && $0.torchName != nil && $0 != .float4E2M1FNx2
  }

  @Test func everyPair() async throws {
    guard let data = try Data() else {
      if Repository.isCI { Issue.record("no Python with PyTorch: script/test --with-torch") }
      return print("CONVERSION ORACLE LEFT OUT: no Python with PyTorch")
    }
    try await withThrowingTaskGroup { group in
      for source in Self.sources { group.addTask { try everyTarget(of: source, data) } }
      try await group.waitForAll()
    }
  }

  private func everyTarget(of source: DType, _ data: Data) throws {
    let numbers = try data.bytes("\(source).bin")
    // Older ones have no bcomplex32.
    let targets = data.targets["\(source)"] ?? []
    #expect(targets.count >= 21 || source == .bcomplex32)
    for name in targets {
      let target = try #require(DType(name: name))
      let expected = try data.bytes("\(source)-\(name).bin")
      let mask = try data.bytes("\(source)-\(name).mask")
      for level in 0...ElementConversion.bestLevel {
        let found = try convert(numbers, source, target, level)
        let different = differences(found, expected, mask, target)
        guard let first = different.first else { continue }
        Issue.record(
          """
          \(source) to \(target), level \(level): \(different.count) of \(mask.count) differ; \
          element \(first): \(element(first, numbers, source)) became \
          \(element(first, found, target)), not \(element(first, expected, target))
          """)
      }
    }
  }

  private func convert(
    _ numbers: [UInt8], _ source: DType, _ target: DType, _ level: Int32
  ) throws -> [UInt8] {
    let conversion = try ElementConversion(
      from: source, to: target, policy: .wrapping, isMeasuring: false, level: level)
    var result = [UInt8](
      repeating: 0, count: try conversion.targetByteCount(ofSource: numbers.count))
    var report = ConversionReport()
    try unsafe numbers.withUnsafeBytes { input in
      try unsafe result.withUnsafeMutableBytes { output in
        try unsafe conversion.convert(input, into: output, first: 0, report: &report)
      }
    }
    return result
  }

  /// The indexes of elements that differ; all NaNs are the same.
  private func differences(
    _ found: [UInt8], _ expected: [UInt8], _ mask: [UInt8], _ target: DType
  ) -> [Int] {
    guard found.count == expected.count else { return [-1] }
    if found == expected { return [] }
    let size = target.bitWidth / 8
    var different: [Int] = []
    for start in stride(from: 0, to: mask.count, by: 256) {
      let block = start..<min(start + 256, mask.count)
      let bytes = block.lowerBound * size..<block.upperBound * size
      if found[bytes] == expected[bytes] { continue }
      for index in block where mask[index] == 1 {
        let element = index * size..<(index + 1) * size
        if found[element] == expected[element] { continue }
        if !isSame(found[element], expected[element], target) { different.append(index) }
      }
    }
    return different
  }

  private func isSame(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>, _ dtype: DType) -> Bool {
    guard let (type, layout) = dtype.numbers else { return false }
    let parts = layout == .complex ? 2 : 1
    let size = type.byteCount
    for part in 0..<parts {
      let (first, second) = (Array(a).dropFirst(part * size), Array(b).dropFirst(part * size))
      let (x, y) = (Array(first.prefix(size)), Array(second.prefix(size)))
      if x == y { continue }
      guard RealNumber(type, x.span).isNaN, RealNumber(type, y.span).isNaN else { return false }
    }
    return true
  }

  private func element(_ index: Int, _ bytes: [UInt8], _ dtype: DType) -> Scalar {
    let size = dtype.bitWidth / 8
    return ElementDecoder(dtype: dtype).scalar(
      bytes.span.extracting(index * size..<(index + 1) * size))
  }
}
