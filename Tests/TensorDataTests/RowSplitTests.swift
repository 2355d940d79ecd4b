import TensorData
import TensorIO
import Testing

/// How many rows a part gets.
@Suite struct RowSplitTests {
  private func sizes(_ text: String, _ count: Int, dropping: Bool = false) throws -> [Int] {
    try RowSplit(parsing: text, dropsRest: dropping).sizes(of: count)
  }

  @Test func fractionsAreRoundedByTheLargestRemainder() throws {
    #expect(try sizes("0.8,0.2", 1797) == [1438, 359])
    #expect(try sizes("0.5,0.5", 3) == [2, 1])
    #expect(try sizes("0.7,0.2,0.1", 10) == [7, 2, 1])
    // As binary floats these do not sum to 1.
    #expect(try sizes("0.1,0.2,0.7", 1000) == [100, 200, 700])
    #expect(try sizes("0.333,0.333,0.334", 10) == [3, 3, 4])
    #expect(try sizes("0.25,rest", 10) == [3, 7])
    #expect(try sizes("1.0", 10) == [10])
    #expect(try sizes(".5, .5", 4) == [2, 2])
    #expect(try sizes("0.1,0.1", 100, dropping: true) == [10, 10])
    #expect(
      try sizes("0.000000000000001,0.999999999999999", 4_000_000_000_000_000_000).first == 4000)
  }

  @Test func countsAreTakenAsTheyAre() throws {
    #expect(try sizes("1000,200", 1200) == [1000, 200])
    #expect(try sizes("rest,200", 1200) == [1000, 200])
    #expect(try sizes("rest", 12) == [12])
    #expect(try sizes("1,2", 10, dropping: true) == [1, 2])
  }

  /// Sizes add up, and none is a row or more away from its fraction.
  @Test(arguments: [1, 2, 3, 7, 10, 99, 1000, 12_345])
  func sizesAddUp(count: Int) throws {
    var state: UInt64 = 88_172_645_463_325_252
    for _ in 0..<200 {
      var left = 1000
      var shares: [Int] = []
      while left > 0, shares.count < 5 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let share = min(left, Int(state >> 33) % 700 + 1)
        shares.append(share)
        left -= share
      }
      if left > 0 { shares.append(left) }
      let split = try RowSplit(shares.map { .fraction($0, of: 1000) })
      guard let sizes = try? split.sizes(of: count) else {
        // Only where some part is too small to get a row.
        #expect(shares.contains { $0 * count < 1000 }, "\(shares) of \(count)")
        continue
      }
      #expect(sizes.reduce(0, +) == count, "\(shares) of \(count)")
      for (size, share) in zip(sizes, shares) {
        #expect(abs(1000 * size - share * count) < 1000, "\(shares) of \(count)")
      }
    }
  }

  @Test(arguments: [
    "", ",", "0.8", "0.8,0.1", "0.8,0.3", "0,1", "0.0,1.0", "1.5", "-1,2", "a,b", "0.8,200", "1e3",
    "rest,rest", "0.5,0.5,rest", "0.8,0.2,", "0.1234567890123456,rest", "99999999999999999999", ".",
    "1/3,2/3", "inf", "nan",
  ])
  func whatIsNoSplitIsRefused(text: String) {
    let error = #expect(throws: TensorIOError.self) { try RowSplit(parsing: text) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func countsHaveToBeWhatThereIs() {
    for (text, count) in [("5,6", 10), ("5,4", 10), ("10,rest", 10), ("0.99,0.01", 3), ("rest", 0)]
    {
      let error = #expect(throws: TensorIOError.self, "\(text)") { try sizes(text, count) }
      #expect(error?.code == .invalidArgument)
    }
  }
}
