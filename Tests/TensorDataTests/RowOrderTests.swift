import Crypto
import Foundation
import TensorData
import TestSupport
import Testing

/// The order is a promise: whoever saved a position or published a result depends on it.
@Suite struct RowOrderTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let count: Int
    let shuffle: Shuffle
    let epoch: Int
    /// From `Tests/Oracle/row_order.py`.
    let sha256: String

    var testDescription: String { "\(count) rows, seed \(shuffle.seed), epoch \(epoch)" }

    var arguments: [String] {
      [count, Int(shuffle.seed), epoch, shuffle.blockRows, shuffle.windowBlocks]
        .compactMap { $0 }.map(String.init)
    }
  }

  static let kept = [
    Case(
      count: 10, shuffle: .seeded(7), epoch: 0,
      sha256: "6311ff5e0a2272b5020c43e0fbcdb49ff843b81bbd94e041c22650fdf22658d6"),
    Case(
      count: 1_000_003, shuffle: .seeded(7), epoch: 3,
      sha256: "c5c805fa821c11c5d4fadd5965ec2455d7dab9aa58b5c0599e4d5bdb87797cb4"),
    Case(
      count: 7, shuffle: .seeded(1), epoch: 1,
      sha256: "e9d9b20d760add277f1511241809bf399cfd52e4fd65f62ad835a2f1080dcd1d"),
    Case(
      count: 1000, shuffle: .seeded(7, blocksOf: 64, window: 4), epoch: 3,
      sha256: "eebeef7f2e1f0fd64a0f862bc1e24517cdc6e6a5a575df34a489e4ed8bab0b22"),
    Case(
      count: 1, shuffle: .seeded(0), epoch: 0,
      sha256: "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc"),
  ]

  static func sha256(_ rows: [Int]) -> String {
    let bytes = rows.flatMap { row in (0..<8).map { UInt8(truncatingIfNeeded: row >> (8 * $0)) } }
    return SHA256.hash(data: bytes)
      .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  @Test(arguments: kept) func theOrderIsTheOneThatWasPromised(_ kept: Case) {
    let order = RowOrder(count: kept.count, shuffle: kept.shuffle, epoch: kept.epoch)
    let rows = order.rows(at: 0..<kept.count)
    #expect(Self.sha256(rows) == kept.sha256)
    #expect(rows.sorted() == Array(0..<kept.count))
  }

  @Test func pythonHasTheSameOrder() throws {
    var cases: [Case] = []
    for seed: UInt64 in [0, 7, 0x7fff_ffff_ffff_ffff] {
      cases.append(Case(count: 1_234_567, shuffle: .seeded(seed), epoch: 2, sha256: ""))
      cases.append(Case(count: 4096, shuffle: .seeded(seed), epoch: 1 << 40, sha256: ""))
      for (count, size, window) in [(10_000, 100, 7), (10_001, 100, 16), (99, 100, 3), (5, 1, 2)] {
        cases.append(
          Case(
            count: count, shuffle: .seeded(seed, blocksOf: size, window: window), epoch: 1,
            sha256: ""))
      }
    }
    for example in cases {
      let script = Repository.root.appending(path: "Tests/Oracle/row_order.py").path
      let lines = try Oracle.run([script] + example.arguments).split(separator: "\n")
      let order = RowOrder(count: example.count, shuffle: example.shuffle, epoch: example.epoch)
      #expect(
        lines.last.map(String.init) == Self.sha256(order.rows(at: 0..<example.count)),
        "\(example.arguments)")
    }
  }

  @Test func anyPlaceIsFoundAtOnce() {
    let shuffles: [Shuffle?] = [
      nil, .seeded(3), .seeded(3, blocksOf: 10, window: 3), .seeded(3, blocksOf: 1000),
    ]
    for shuffle in shuffles {
      for count in [1, 2, 3, 29, 30, 31, 299, 300, 301] {
        let order = RowOrder(count: count, shuffle: shuffle, epoch: 5)
        let rows = Array(order)
        #expect(rows.sorted() == Array(0..<count), "\(count), \(String(describing: shuffle))")
        #expect(rows == order.rows(at: 0..<count))
        #expect(order.rows(at: count / 3..<count / 2) == Array(rows[count / 3..<count / 2]))
      }
    }
    #expect(Array(RowOrder(count: 0, shuffle: .seeded(1))) == [])
    #expect(Array(RowOrder(count: 4)) == [0, 1, 2, 3])
    for shuffle in [Shuffle.seeded(1), .seeded(1, blocksOf: 1000), .seeded(1, blocksOf: .max - 1)] {
      let most = RowOrder(count: .max, shuffle: shuffle)
      for place in [0, 1, .max / 2, .max - 2, .max - 1] { #expect(most[place] < .max) }
    }
  }

  /// A shuffle from a configuration file may hold any numbers.
  @Test func aDecodedShuffleNeverTraps() throws {
    for (size, window) in [(0, 0), (-1, 5), (5, -1), (.min, .max), (.max, .min)] {
      let text = #"{"seed": 1, "blockRows": \#(size), "windowBlocks": \#(window)}"#
      let shuffle = try JSONDecoder().decode(Shuffle.self, from: Data(text.utf8))
      #expect(Array(RowOrder(count: 20, shuffle: shuffle)).sorted() == Array(0..<20))
    }
  }

  @Test func seedsAndEpochsGiveOtherOrders() {
    let orders = [(1, 0), (1, 1), (2, 0), (2, 1)].map { seed, epoch in
      Array(RowOrder(count: 50, shuffle: .seeded(seed), epoch: epoch))
    }
    #expect(Set(orders).count == 4)
  }

  /// All 120 orders of five rows come about equally often: chi-squared with 119 degrees of freedom is
  /// below 210 but once in a million.
  @Test func fewRowsAreShuffledFairly() {
    var counts: [[Int]: Int] = [:]
    for seed in 0..<UInt64(12_000) {
      counts[Array(RowOrder(count: 5, shuffle: .seeded(seed))), default: 0] += 1
    }
    let sum = counts.values.reduce(into: 0.0) { $0 += Double(($1 - 100) * ($1 - 100)) / 100 }
    #expect(counts.count == 120)
    #expect(sum < 210)
  }

  @Test func rowsOfABlockStayTogether() {
    let order = RowOrder(count: 10_000, shuffle: .seeded(9, blocksOf: 100, window: 4))
    for start in stride(from: 0, to: 10_000, by: 400) {
      #expect(Set(order.rows(at: start..<start + 400).map { $0 / 100 }).count == 4)
    }
  }
}
