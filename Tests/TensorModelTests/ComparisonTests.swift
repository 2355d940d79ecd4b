import ByteIO
import Testing

@testable import TensorModel

/// The kernels of comparison on every level of instructions, against a plain loop over exact numbers.
@Suite struct ComparisonTests {
  private static let types = DType.simple.filter { $0.numbers != nil }

  /// What a comparison finds, of exact numbers one after the other.
  private struct Reference {
    var different: [Int] = []
    var mismatched: [Int] = []
    var nans = 0
    var infinities = 0
    var maxAbsolute: Float80?
    var maxRelative: Float80 = 0
    var sums = (error: Float80(0), squares: Float80(0), right: Float80(0), finite: 0)
  }

  private static func parts(_ dtype: DType, _ bytes: [UInt8], _ index: Int) -> [RealNumber] {
    guard let (type, layout) = dtype.numbers else { return [] }
    if layout == .pair {
      let byte = bytes[index / 2] >> (index % 2 == 0 ? 0 : 4) & 15
      return [RealNumber(type, [byte].span)]
    }
    let size = type.byteCount
    let count = layout == .complex ? 2 : 1
    return (0..<count).map { part in
      let start = (index * count + part) * size
      return RealNumber(type, Array(bytes[start..<start + size]).span)
    }
  }

  /// The bits of a number that mean something.
  private static func bits(_ dtype: DType, _ bytes: [UInt8], _ index: Int) -> [UInt8] {
    switch dtype {
    case .float4E2M1FNx2: [bytes[index / 2] >> (index % 2 == 0 ? 0 : 4) & 15]
    case .longDouble: Array(bytes[16 * index..<16 * index + 10])
    case .complexLongDouble:
      Array(bytes[32 * index..<32 * index + 10] + bytes[32 * index + 16..<32 * index + 26])
    default:
      Array(bytes[index * dtype.bitWidth / 8..<(index + 1) * dtype.bitWidth / 8])
    }
  }

  private static func reference(
    _ left: DType, _ a: [UInt8], _ right: DType, _ b: [UInt8], count: Int, _ tolerance: Tolerance
  ) -> Reference {
    var found = Reference()
    for index in 0..<count {
      var x = parts(left, a, index).map { $0.rounded(to: Float80.self) }
      var y = parts(right, b, index).map { $0.rounded(to: Float80.self) }
      if x.count < y.count { x.append(0) }
      if y.count < x.count { y.append(0) }
      let isSame =
        left == right
        ? bits(left, a, index) == bits(right, b, index)
        : zip(x, y).allSatisfy { ($0 == $1 && $0.sign == $1.sign) || ($0.isNaN && $1.isNaN) }
      let (leftNaN, rightNaN) = (x.contains { $0.isNaN }, y.contains { $0.isNaN })
      let isFinite = x.allSatisfy(\.isFinite) && y.allSatisfy(\.isFinite)
      let isEqual = zip(x, y).allSatisfy { $0 == $1 }
      func size(_ parts: [Float80]) -> Float80 {
        parts.count == 1 || parts[1] == 0
          ? abs(parts[0]) : (parts[0] * parts[0] + parts[1] * parts[1]).squareRoot()
      }
      let (error, scale) = (size(zip(x, y).map { $0 - $1 }), size(y))
      let isClose =
        isSame || isEqual || (leftNaN && rightNaN && tolerance.equalNaN)
        || isFinite
          && error <= Float80(tolerance.absolute) + Float80(tolerance.relative) * scale
      if !isSame { found.different.append(index) }
      if !isClose { found.mismatched.append(index) }
      if leftNaN != rightNaN { found.nans += 1 }
      if !leftNaN, !rightNaN, !isFinite, !isEqual { found.infinities += 1 }
      guard isFinite else { continue }
      found.maxAbsolute = max(found.maxAbsolute ?? 0, error)
      if error != 0 { found.maxRelative = max(found.maxRelative, error / scale) }
      found.sums.error += error
      found.sums.squares += error * error
      found.sums.right += scale * scale
      found.sums.finite += 1
    }
    return found
  }

  /// Numbers near each other, special ones, and any bits.
  private static func elements(
    _ dtype: DType, _ seed: [Double], _ random: inout SeededGenerator
  ) -> [UInt8] {
    guard let (type, layout) = dtype.numbers else { return [] }
    let reference = ReferenceConversion(from: .float64, to: type, policy: .saturating)
    var bytes: [UInt8] = []
    for number in seed {
      let start = bytes.count
      switch Int.random(in: 0..<10, using: &random) {
      case 0 where type != .longDouble:
        for _ in 0..<type.byteCount { bytes.append(UInt8.random(in: 0...255, using: &random)) }
        if type == .bool { bytes[start] &= 1 }
      case 1:
        _ = reference.append(.float(number * 1.0001), to: &bytes)
      default: _ = reference.append(.float(number), to: &bytes)
      }
    }
    guard layout == .pair else { return bytes }
    return stride(from: 0, to: bytes.count, by: 2).map { bytes[$0] & 15 | bytes[$0 + 1] << 4 }
  }

  private static let specials: [Double] = [
    0, -0.0, 1, -1, 0.5, .infinity, -.infinity, .nan, 0x1p53, 0x1p53 + 2, 1e30, 1e-30, 1e300,
    -1e300, 1e-300, .leastNonzeroMagnitude, 65504, 448, 127, 128, 255, 0x1p63,
  ]

  @Test func everyPairOfDTypesIsWhatTheReferenceSays() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("comparison: seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var pairs = 0
    for left in Self.types {
      for right in Self.types {
        // Two blocks and a bit, of parts or pairs.
        let numbers = (0..<2 * 600).map { _ in
          Bool.random(using: &random)
            ? Self.specials.randomElement(using: &random) ?? 0
            : Double.random(in: -300...300, using: &random)
        }
        let isPair = left == .float4E2M1FNx2
        guard isPair == (right == .float4E2M1FNx2) else {
          #expect(ElementComparison(left, right, Tolerance()) == nil)
          continue
        }
        let (a, b) = (
          Self.elements(left, numbers, &random), Self.elements(right, numbers, &random)
        )
        let elements = min(
          a.count / (left.bitWidth / 8), b.count / (right.bitWidth / 8))
        let tolerance =
          [
            Tolerance(), Tolerance(relative: 1e-3), Tolerance(absolute: 0.25, equalNaN: true),
          ].randomElement(using: &random) ?? Tolerance()
        try check(left, a, right, b, elements, tolerance, perElement: isPair ? 2 : 1)
        pairs += 1
      }
    }
    #expect(pairs > 400)
  }

  private func check(
    _ left: DType, _ a: [UInt8], _ right: DType, _ b: [UInt8], _ elements: Int,
    _ tolerance: Tolerance, perElement: Int
  ) throws {
    let a = Array(a.prefix(elements * left.bitWidth / 8))
    let b = Array(b.prefix(elements * right.bitWidth / 8))
    let count = elements * perElement
    let wanted = Self.reference(left, a, right, b, count: count, tolerance)
    for level in 0...ElementConversion.bestLevel {
      let comparison = try #require(
        ElementComparison(left, right, tolerance, level: level))
      var found = comparison.nothing
      unsafe a.withUnsafeBytes { x in
        unsafe b.withUnsafeBytes { y in unsafe comparison.add(x, y, first: 0, to: &found) }
      }
      let place: Comment = "\(left) \(right) at level \(level), \(tolerance)"
      #expect(found.count == count, place)
      #expect(found.differingCount == wanted.different.count, place)
      #expect(found.mismatchedCount == wanted.mismatched.count, place)
      #expect(found.firstDiffering == wanted.different.first.map { $0 / perElement }, place)
      #expect(found.firstMismatched == wanted.mismatched.first.map { $0 / perElement }, place)
      #expect(found.nanMismatches == wanted.nans, place)
      #expect(found.infinityMismatches == wanted.infinities, place)
      #expect((found.maxAbsoluteError == nil) == (wanted.maxAbsolute == nil), place)
      guard let maxAbsolute = wanted.maxAbsolute else { continue }
      func isNear(_ number: Double?, _ wanted: Float80) -> Bool {
        guard let number else { return false }
        let target = Double(wanted)
        return number == target || abs(number - target) <= 1e-9 * abs(target)
      }
      #expect(isNear(found.maxAbsoluteError, maxAbsolute), place)
      #expect(isNear(found.maxRelativeError, wanted.maxRelative), place)
      let mean = wanted.sums.error / Float80(wanted.sums.finite)
      #expect(isNear(found.meanAbsoluteError, mean), place)
      // Only long doubles have squares that are larger.
      guard wanted.sums.squares > 0, wanted.sums.right > 0, wanted.sums.squares < 0x1p2000,
        wanted.sums.right < 0x1p2000
      else { continue }
      let relative = (wanted.sums.squares / wanted.sums.right).squareRoot()
      #expect(isNear(found.relativeL2Error, relative), place)
    }
  }

  private func compare<T: TensorElement>(
    _ left: [T], _ right: [T], _ tolerance: Tolerance = Tolerance()
  ) throws -> ElementDifference {
    try #require(try Tensor(left).difference(from: Tensor(right), tolerance: tolerance))
  }

  @Test func distancesInULPs() throws {
    // Across 0, the smallest numbers, a binade, and the end of the range.
    #expect(try compare([-Float.leastNonzeroMagnitude], [.leastNonzeroMagnitude]).maxULPError == 2)
    #expect(try compare([-0.0 as Float], [0]).maxULPError == 0)
    #expect(try compare([1 as Float], [Float(1).nextDown]).maxULPError == 1)
    #expect(try compare([1 as Float], [Float(1).nextUp]).maxULPError == 1)
    #expect(
      try compare([Double.leastNormalMagnitude], [Double.leastNormalMagnitude.nextDown])
        .maxULPError == 1)
    #expect(try compare([-1.0], [Double(-1).nextDown.nextDown]).maxULPError == 2)
    #expect(
      try compare([Float16.greatestFiniteMagnitude], [-Float16.greatestFiniteMagnitude])
        .maxULPError == 2 * 0x7bff)
    // Infinity is no neighbour of anything.
    let infinite = try compare(
      [Float.greatestFiniteMagnitude], [.infinity], Tolerance(ulps: 1))
    #expect(infinite.mismatchedCount == 1 && infinite.maxULPError == nil)
    for (ulps, mismatches) in [(0.0, 1), (1, 1), (2, 0), (3, 0)] {
      let found = try compare([1.0, 2], [Double(1).nextUp.nextUp, 2], Tolerance(ulps: ulps))
      #expect(found.mismatchedCount == mismatches)
    }
    #expect(try compare([1], [2] as [Int32], Tolerance(ulps: 5)).mismatchedCount == 1)
    #expect(try compare([1], [2] as [Int64]).maxULPError == nil)
    // Of two types, in steps of the coarser.
    let coarse = try Tensor([BFloat16(bitPattern: 0x3f80)])
    let fine = try Tensor([Float(1 + 0x1p-8)])
    #expect(try fine.difference(from: coarse)?.maxULPError == 0.5)
    #expect(try coarse.difference(from: fine)?.maxULPError == 0.5)
  }

  @Test func nothingIsRounded() throws {
    let integers = try compare(
      [1 << 53 + 1, .max, .min], [1 << 53, .max - 1, .min + 1] as [Int64])
    #expect(integers.mismatchedCount == 3 && integers.maxAbsoluteError == 1)
    let mixed = try Tensor([1 << 53 + 1] as [Int64]).difference(from: Tensor([0x1p53]))
    #expect(mixed?.mismatchedCount == 1)
    let unsigned = try Tensor([UInt64.max]).difference(from: Tensor([-1] as [Int64]))
    #expect(unsigned?.mismatchedCount == 1 && unsigned?.maxAbsoluteError == 0x1p64)
    // Neither sums of squares nor errors leave the range of a double unnoticed.
    for scale in [1e300, 1, 1e-300] {
      let large = try compare([3 * scale, 0], [4 * scale, 0])
      #expect(abs((large.relativeL2Error ?? 0) - 0.25) < 1e-12)
      #expect(abs((large.cosineSimilarity ?? 0) - 1) < 1e-12)
    }
    let opposite = try compare([1.7e308], [-1.7e308], Tolerance(relative: 1.9))
    #expect(opposite.mismatchedCount == 1)
    #expect(try compare([1.7e308], [-1.7e308], Tolerance(relative: 2)).mismatchedCount == 0)
  }

  @Test func blocksOfAPlanAreThoseOfItsWalk() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      let shape = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0...7) }
      let plan = GatherPlan(shape: shape, itemSize: 4, chunkBytes: Int.random(in: 1...200))
      var first = 0
      for number in 0..<plan.blockCount {
        let block = plan.block(number)
        #expect(block.first == first && block.count == block.shape.reduce(1, *))
        let strides = Shape.rowMajorStrides(shape)
        #expect(zip(block.index, strides).reduce(0) { $0 + $1.0 * $1.1 } == first)
        first += block.count
      }
      #expect(first == shape.reduce(1, *), "\(shape)")
    }
  }
}
