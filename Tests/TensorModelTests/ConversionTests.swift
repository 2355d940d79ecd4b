import ByteIO
import Testing

@testable import TensorModel

@Suite struct ConversionTests {
  @Test func floatsTruncateAndRoundAsNumPyDoes() throws {
    let floats = try Tensor([1.9, -1.9, 0.5, 1e10] as [Double])
    #expect(try floats.converted(to: .int64).array(of: Int64.self) == [1, -1, 0, 10_000_000_000])
    #expect(try floats.converted(to: .float32).array(of: Float.self) == [1.9, -1.9, 0.5, 1e10])
    #expect(try floats.converted(to: .bool).array(of: Bool.self) == [true, true, true, true])
    #expect(try Tensor([1e300]).converted(to: .float32).array(of: Float.self) == [.infinity])
    let ties = try Tensor([2049, 2051] as [Int32]).converted(to: .float16)
    #expect(try ties.array(of: Float16.self) == [2048, 2052])
    #expect(
      try Tensor([Int64.max]).converted(to: .float64).array(of: Double.self) == [0x1p63])
    #expect(
      try Tensor([1 as Float]).converted(to: .complex128).array(of: Complex<Double>.self)
        == [Complex(1, 0)])
  }

  @Test func whatDoesNotFitIsRefusedWithItsIndex() throws {
    let error = #expect(throws: TensorIOError(.lossy, "")) {
      try Tensor([1, 300] as [Int32]).converted(to: .uint8)
    }
    #expect(error?.reason.contains("element 1 is 300") == true)
    for bad in [Double.nan, .infinity, 1e300, -1] {
      #expect(throws: TensorIOError(.lossy, "")) {
        try Tensor([bad]).converted(to: .uint64)
      }
    }
    #expect(throws: TensorIOError(.lossy, "")) {
      try Tensor([Complex<Float>(1, 2)]).converted(to: .float32)
    }
    #expect(throws: TensorIOError(.unsupported, "")) {
      try Tensor.zeros([2], dtype: .string(count: 3)).converted(to: .float32)
    }
  }

  #if arch(x86_64)
    @Test func longDoublesConvertExactly() throws {
      let wide = try Tensor([0.1, -2.5]).converted(to: .longDouble)
      #expect(try wide.array(of: LongDouble.self).map(\.float80) == [Float80(0.1 as Double), -2.5])
      #expect(try wide.converted(to: .float64).array(of: Double.self) == [0.1, -2.5])
      #expect(try wide.converted(to: .int32).array(of: Int32.self) == [0, -2])
    }
  #endif

  @Test func constructionOfTheUsualTensors() throws {
    #expect(try Tensor.ones([2], dtype: .int16).array(of: Int16.self) == [1, 1])
    #expect(try Tensor.arange(3).array(of: Int64.self) == [0, 1, 2])
    #expect(try Tensor.full([2, 1], 2.5).array(of: Double.self) == [2.5, 2.5])
    #expect(try Tensor.zeros([0, 4]).count == 0)
    #expect(throws: TensorIOError.self) { try Tensor.zeros([1 << 40, 1 << 40]) }
    #expect(throws: TensorIOError.self) { try Tensor.eye(-1) }
    #expect(throws: TensorIOError.self) { try Tensor([1, 2, 3] as [Int8], shape: [2]) }
    #expect(throws: TensorIOError.self) { try Tensor(rows: [[1, 2], [3]] as [[Int8]]) }
  }
}

@Suite struct StatisticsTests {
  @Test func specialNumbersAreCountedAndLeftOut() throws {
    let tensor = try Tensor([1, -3, .nan, .infinity, 0, -0.0, 2] as [Float])
    let statistics = try TensorStatistics(of: tensor)
    #expect(statistics.count == 7)
    #expect(statistics.nanCount == 1)
    #expect(statistics.infinityCount == 1)
    #expect(statistics.zeroCount == 2)
    #expect(statistics.minimum == .float(-3))
    #expect(statistics.maximum == .float(.infinity))
    #expect(statistics.mean == 0)
    #expect(abs(statistics.standardDeviation - (14.0 / 5).squareRoot()) < 1e-12)
  }

  /// Deviations of a large mean, over several chunks: naive sums of squares lose them all.
  @Test func aLargeMeanDoesNotSwallowTheDeviation() throws {
    let tensor = try Tensor((0..<1_000_000).map { 1e9 + Double($0 % 2) })
    let statistics = try TensorStatistics(of: tensor)
    #expect(statistics.mean == 1e9 + 0.5)
    #expect(abs(statistics.standardDeviation - 0.5) < 1e-9)
  }

  @Test func hugeNumbersDoNotOverflow() throws {
    let wide = try TensorStatistics(of: Tensor([1e200, 3e200]))
    #expect(abs(wide.mean / 2e200 - 1) < 1e-15)
    #expect(abs(wide.standardDeviation / 1e200 - 1) < 1e-15)
    #expect(try TensorStatistics(of: Tensor([1e308, -1e308])).mean == 0)
    // One large number does not swallow the others.
    let mixed = try TensorStatistics(of: Tensor([1e16] + [Double](repeating: 1, count: 100_000)))
    #expect(abs(mixed.mean / 99_999_000_010.999_77 - 1) < 1e-12)
    #expect(abs(mixed.standardDeviation / 31_622_460_377_080.01 - 1) < 1e-9)
  }

  @Test func complexNumbersAreCounted() throws {
    let numbers: [Complex<Float>] = [
      .init(0, 0), .init(.nan, 1), .init(1, -.infinity), .init(0, 1),
    ]
    let statistics = try TensorStatistics(of: Tensor(numbers))
    #expect(statistics.count == 4)
    #expect([statistics.nanCount, statistics.infinityCount, statistics.zeroCount] == [1, 1, 1])
    #expect(statistics.minimum == nil)
    #expect(statistics.mean.isNaN)
  }

  @Test func integersKeepTheirExactBounds() throws {
    let statistics = try TensorStatistics(of: Tensor([UInt64.max, 3, 0]))
    #expect(statistics.minimum == .uint(0))
    #expect(statistics.maximum == .uint(.max))
    #expect(try TensorStatistics(of: Tensor([Int64.min])).minimum == .int(.min))
    #expect(try TensorStatistics(of: Tensor.zeros([0])).mean.isNaN)
    #expect(throws: TensorIOError(.unsupported, "")) {
      try TensorStatistics(of: Tensor.zeros([1], dtype: .string(count: 2)))
    }
  }
}

@Suite struct ValueGraphTests {
  /// A million levels are built, freed and refused without a deep stack.
  @Test func deepNestingIsALimitAndNoCrash() throws {
    var graph = ValueGraph(.int(1))
    var inner = graph.root
    for _ in 0..<1_000_000 { inner = graph.add(.tuple([inner])) }
    graph.setRoot(inner)
    #expect(throws: TensorIOError(.limit, "")) { try graph.leaves() }
  }

  @Test func sharedContainersMultiplyUpToTheLimit() throws {
    var graph = ValueGraph(.int(1))
    var inner = graph.root
    for _ in 0..<60 { inner = graph.add(.list([inner, inner])) }
    graph.setRoot(inner)
    var limits = DecodingLimits()
    limits.memberCount = 1000
    #expect(throws: TensorIOError(.limit, "")) { try graph.leaves(limits: limits) }
  }

  @Test func pathsJoinKeysAndIndexes() throws {
    var graph = ValueGraph(.none)
    let tensor = graph.add(.tensor(try Tensor([1 as Float])))
    let list = graph.add(.list([tensor, graph.add(.string("x"))]))
    let pairs = [
      (key: graph.add(.string("a")), value: list), (key: graph.add(.int(7)), value: tensor),
    ]
    graph.setRoot(graph.add(.dictionary(pairs)))
    let archive = try TensorArchive(graph)
    #expect(archive.names == ["a.0", "7"])
    #expect(archive.otherValues.map(\.path) == [["a", "1"]])
    #expect(archive[path: ["a", "0"]]?.shape == [1])
    #expect(archive["b"] == nil)
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) { try archive.tensor("b") }
    #expect(error?.reason.contains("'a.0'") == true)
  }

  /// é as one character and as e with an accent are two names.
  @Test func namesCompareAsBytes() throws {
    let archive = try TensorArchive([
      ("\u{e9}", Tensor([1 as Float])), ("e\u{301}", Tensor([2 as Float])),
    ])
    #expect(try archive["e\u{301}"]?.array(of: Float.self) == [2])
    #expect(try archive["\u{e9}"]?.array(of: Float.self) == [1])
  }
}
