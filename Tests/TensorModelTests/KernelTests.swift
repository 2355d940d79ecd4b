import ByteIO
import Testing

@testable import TensorModel

/// The kernels on every level of instructions against the reference: values, what is refused and
/// where, and reports.
@Suite struct KernelTests {
  private static let types = DType.simple.filter { $0.numbers != nil }

  /// Elements of a dtype: all of 8 bits, else special ones and random ones.
  private static func elements(_ dtype: DType, _ random: inout some RandomNumberGenerator)
    -> [UInt8]
  {
    guard let (type, layout) = dtype.numbers else { return [] }
    let size = type.byteCount
    // Other bytes stay what they are as bool.
    if type == .bool { return [0, 1] }
    if size == 1, layout != .complex { return Array(0...255) }
    var bytes: [UInt8] = []
    let specials: [Float80] = [
      0, -0.0, 0.5, 1, 1.5, -1, 2.5, 3, 127, 128, 129, -129, 255, 256, 448, 464, 465, 32767, 32768,
      65504, 65519, 65520, 65535, 65536, 0x1p31, 0x1p31 - 1, 0x1p32, 0x1p53 + 1, 0x1p63, -0x1p63,
      0x1p64, 1e30, -1e30, 3.4e38, 1e300, 1e-7, 1e-40, 1e-310, .infinity, -.infinity, .nan,
    ]
    let saturating = ReferenceConversion(from: .longDouble, to: type, policy: .saturating)
    for number in specials { _ = saturating.append(.extended(number), to: &bytes) }
    for _ in 0..<600 {
      let exponent = Float80(
        sign: .plus, exponent: Int.random(in: -30...70, using: &random), significand: 1)
      let number = Float80(Double.random(in: -1...1, using: &random)) * exponent
      _ = saturating.append(.extended(number), to: &bytes)
      for _ in 0..<size { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    }
    if layout == .complex { bytes += [UInt8](repeating: 0, count: bytes.count % (2 * size)) }
    return bytes
  }

  private struct Outcome: Equatable {
    var bytes: [UInt8]
    var error: String?
    var report: ConversionReport
  }

  private func convert(
    _ bytes: [UInt8], _ source: DType, _ target: DType, _ policy: CastPolicy, _ level: Int32?
  ) throws -> Outcome {
    let conversion = try ElementConversion(
      from: source, to: target, policy: policy, isMeasuring: true, level: level)
    let unit = source.bitWidth / 8 * conversion.sourceUnit
    let whole = bytes.prefix(bytes.count / unit * unit)
    var result = [UInt8](
      repeating: 0, count: try conversion.targetByteCount(ofSource: whole.count))
    var report = ConversionReport()
    var error: String?
    unsafe whole.withUnsafeBytes { input in
      unsafe result.withUnsafeMutableBytes { output in
        do throws(TensorIOError) {
          unsafe try conversion.convert(input, into: output, first: 0, report: &report)
        } catch let failure {
          error = failure.reason
        }
      }
    }
    // What was converted before the refusal does not count.
    return error == nil
      ? Outcome(bytes: result, error: nil, report: report)
      : Outcome(bytes: [], error: error, report: ConversionReport())
  }

  @Test(arguments: CastPolicy.allCases) func everyPairIsWhatTheReferenceSays(
    _ policy: CastPolicy
  ) throws {
    var random = SystemRandomNumberGenerator()
    for source in Self.types {
      let bytes = Self.elements(source, &random)
      for target in Self.types {
        let wanted = try convert(bytes, source, target, policy, nil)
        for level in 0...ElementConversion.bestLevel {
          let found = try convert(bytes, source, target, policy, level)
          let pair = "\(source) to \(target), \(policy), level \(level)"
          #expect(found.error == wanted.error, "\(pair)")
          if let index = difference(found.bytes, wanted.bytes, target) {
            Issue.record("\(pair): byte \(index) of \(wanted.bytes.count)")
          }
          if source.bitWidth < 128, target.bitWidth < 128 {
            #expect(isSame(found.report, wanted.report), "\(pair)")
          }
        }
      }
    }
  }

  /// The same counts; errors are reckoned in other floats.
  private func isSame(_ a: ConversionReport, _ b: ConversionReport) -> Bool {
    func isNear(_ a: Double, _ b: Double) -> Bool { a == b || abs(a - b) <= abs(b) * 1e-12 }
    return a.count == b.count && a.changed == b.changed && a.overflowed == b.overflowed
      && a.nanChanges == b.nanChanges && isNear(a.maxAbsoluteError, b.maxAbsoluteError)
      && isNear(a.maxRelativeError, b.maxRelativeError) && isNear(a.maxULPError, b.maxULPError)
  }

  /// The first byte of an element that differs; NaNs do not.
  private func difference(_ found: [UInt8], _ wanted: [UInt8], _ dtype: DType) -> Int? {
    if found == wanted { return nil }
    guard found.count == wanted.count, let (type, _) = dtype.numbers else { return -1 }
    let size = type.byteCount
    return stride(from: 0, to: found.count, by: size).first { start in
      let (a, b) = (Array(found[start..<start + size]), Array(wanted[start..<start + size]))
      return a != b && !(RealNumber(type, a.span).isNaN && RealNumber(type, b.span).isNaN)
    }
  }

  /// A refusal names the very element, wherever it lies in the kernels' blocks.
  @Test(arguments: [0, 1, 1023, 1024, 1025, 4095, 5000]) func theElementThatIsRefused(
    _ index: Int
  ) throws {
    for level in [nil] + (0...ElementConversion.bestLevel).map(Optional.init) {
      var numbers = [Float](repeating: 1, count: 5001)
      numbers[index] = 300
      let bytes = numbers.flatMap { number in
        unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
      }
      for policy in [CastPolicy.checked, .exact] {
        let outcome = try convert(bytes, .float32, .uint8, policy, level)
        #expect(outcome.error?.hasPrefix("element \(index) is 300.0, which uint8") == true)
      }
      #expect(try convert(bytes, .float32, .uint8, .saturating, level).bytes[index] == 255)
      #expect(try convert(bytes, .float32, .uint8, .wrapping, level).bytes[index] == 44)
      numbers[index] = 1.5
      let half = numbers.flatMap { number in unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
      }
      let outcome = try convert(half, .float32, .uint8, .exact, level)
      #expect(outcome.error?.hasPrefix("element \(index) is 1.5") == true)
      #expect(try convert(half, .float32, .uint8, .checked, level).report.changed == 1)
    }
  }
}
