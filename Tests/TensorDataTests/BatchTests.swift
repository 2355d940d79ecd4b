import Foundation
import TensorData
import TensorIO
import TestSupport
import Testing

@Suite struct BatchTests {
  static func dataset(_ count: Int) throws -> TensorDataset {
    try TensorDataset(["row": Tensor.arange(count), "x": DatasetTests.rows(count)])
  }

  static func rows(_ batches: TensorBatches) async throws -> [[Int]] {
    var rows: [[Int]] = []
    for try await batch in batches {
      #expect(try batch["row"].array(of: Int64.self).map { Int($0) } == batch.rows)
      #expect(
        try batch["x"].array(of: Int32.self)
          == batch.rows.flatMap { row in (0..<3).map { Int32(3 * row + $0) } })
      rows.append(batch.rows)
    }
    return rows
  }

  @Test(arguments: [0, 1, 4, 100]) func everyRowComesOnceInTheOrderThatIsDefined(
    _ prefetch: Int
  ) async throws {
    let data = try Self.dataset(1000)
    for shuffle in [nil, Shuffle.seeded(7), .seeded(7, blocksOf: 32, window: 3)] {
      let batches = data.batches(of: 64, shuffle: shuffle, epoch: 3, prefetch: prefetch)
      let rows = try await Self.rows(batches)
      #expect(rows.flatMap { $0 } == Array(RowOrder(count: 1000, shuffle: shuffle, epoch: 3)))
      #expect(rows.map(\.count) == Array(repeating: 64, count: 15) + [40])
      #expect(batches.count == 16)
    }
    let whole = data.batches(of: 64, shuffle: .seeded(7), dropLast: true, prefetch: prefetch)
    #expect(try await Self.rows(whole).map(\.count) == Array(repeating: 64, count: 15))
    #expect(whole.count == 15)
    #expect(try await Self.rows(data.batches(of: 5000, prefetch: prefetch)).map(\.count) == [1000])
    #expect(try await Self.rows(data[0..<0].batches(of: 5, prefetch: prefetch)).isEmpty)
  }

  @Test func shardsTogetherAreTheEpoch() async throws {
    let data = try Self.dataset(103)
    for count in [1, 2, 5, 103, 200] {
      var all: [Int] = []
      var sizes: Set<Int> = []
      for shard in 0..<count {
        let batches = data.batches(of: 8, shuffle: .seeded(1), epoch: 2).shard(shard, of: count)
        let rows = try await Self.rows(batches).flatMap { $0 }
        sizes.insert(rows.count)
        all += rows
      }
      #expect(all == Array(RowOrder(count: 103, shuffle: .seeded(1), epoch: 2)))
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }
    // With dropLast all workers make as many steps.
    for shard in 0..<5 {
      let batches = data.batches(of: 20, dropLast: true).shard(shard, of: 5)
      #expect(try await Self.rows(batches).map(\.count) == [20])
    }
  }

  @Test func anyPositionLeadsToTheSameRest() async throws {
    let data = try Self.dataset(530)
    let batches = data.batches(of: 16, shuffle: .seeded(5), epoch: 9).shard(1, of: 2)
    let all = try await Self.rows(batches)
    var index = 0
    for try await batch in batches {
      index += 1
      let saved = try JSONEncoder().encode(try #require(batch.position))
      let position = try JSONDecoder().decode(BatchPosition.self, from: saved)
      let rest = try await Self.rows(batches.resumed(at: position))
      #expect(rest == Array(all[index...]), "after batch \(index)")
    }
    #expect(index == 17)
  }

  @Test func aPositionOfAnotherRunIsRefused() async throws {
    let data = try Self.dataset(50)
    let batches = data.batches(of: 10, shuffle: .seeded(1))
    var iterator = batches.makeAsyncIterator()
    let position = try #require(try await iterator.next()?.position)
    for other in [
      data.batches(of: 10, shuffle: .seeded(2)), data.batches(of: 10),
      data.batches(of: 10, shuffle: .seeded(1), epoch: 1), batches.shard(0, of: 2),
      try data[0..<49].batches(of: 10, shuffle: .seeded(1)),
    ] {
      #expect(throws: TensorIOError.self) { try other.resumed(at: position) }
    }
    await #expect(throws: TensorIOError.self) {
      try await Self.rows(try batches.resumed(at: position).shard(0, of: 2))
    }
    let other = data.batches(of: 7, shuffle: .seeded(1))
    #expect(try await Self.rows(other.resumed(at: position)).flatMap { $0 }.count == 40)
  }

  @Test func sizesAndShardsThatMakeNoSenseAreErrors() async throws {
    let data = try Self.dataset(5)
    for batches in [
      data.batches(of: 0), data.batches(of: -1), data.batches(of: 1).shard(1, of: 1),
      data.batches(of: 1).shard(-1, of: 2), data.batches(of: 1).shard(0, of: 0),
    ] {
      await #expect(throws: TensorIOError.self) {
        for try await _ in batches { Issue.record("a batch came") }
      }
      #expect(batches.count == 0)
    }
  }

  @Test func numbersAtTheirLimitsNeverTrap() async throws {
    let data = try Self.dataset(10)
    let all = data.batches(of: .max, shuffle: .seeded(1), epoch: .min, prefetch: .max)
    #expect(try await Self.rows(all).map(\.count) == [10])
    #expect(try await Self.rows(all.shard(.max - 1, of: .max)).isEmpty)
    var iterator = data.batches(of: 3).makeAsyncIterator()
    let saved = try JSONEncoder().encode(try #require(try await iterator.next()?.position))
    let text = try #require(String(data: saved, encoding: .utf8))
    for (next, count) in [("9223372036854775807", 0), ("9", 1), ("10", 0), ("-1", nil), ("0", 10)] {
      let changed = text.replacingOccurrences(of: "\"next\":3", with: "\"next\":\(next)")
      let position = try JSONDecoder().decode(BatchPosition.self, from: Data(changed.utf8))
      let batches = try data.batches(of: .max).resumed(at: position)
      if let count {
        #expect(try await Self.rows(batches).flatMap { $0 }.count == count)
      } else {
        await #expect(throws: TensorIOError.self) { try await Self.rows(batches) }
      }
    }
  }

  /// Rows without elements cost a file nothing, so there may be any number of them.
  @Test func manyRowsOfNothingAreHarmless() async throws {
    let folder = try TemporaryFolder()
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (144115188075855872, 0), }"
    let text = Array(
      (header + String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n").utf8)
    let path = try folder.write(
      [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, UInt8(text.count), 0] + text, "x.npy")
    let data = try TensorDataset(opening: path)
    #expect(data.count == 1 << 57)
    #expect(try data.converting("x", to: .int8).tensor("x").shape == [1 << 57, 0])
    for shuffle in [Shuffle.seeded(1), .seeded(1, blocksOf: 7)] {
      var iterator = data.batches(of: 5, shuffle: shuffle).makeAsyncIterator()
      #expect(try await iterator.next()?["x"].shape == [5, 0])
    }
  }

  /// Counts how many batches were made.
  final class Counter: Sendable {
    private let lock = NSLock()
    nonisolated(unsafe) private var value = 0
    func add() { lock.withLock { unsafe value += 1 } }
    var count: Int { lock.withLock { unsafe value } }
  }

  @Test func noMoreIsMadeThanPrefetchAllows() async throws {
    let made = Counter()
    let data = try Self.dataset(1000).mapping("x") { tensor in
      made.add()
      return tensor
    }
    var iterator: TensorBatches.Iterator? = data.batches(of: 10, prefetch: 3).makeAsyncIterator()
    for taken in 1...5 {
      _ = try await iterator?.next()
      try await Task.sleep(for: .milliseconds(50))
      #expect(made.count >= taken)
      #expect(made.count <= taken + 3)
    }
    iterator = nil
    try await Task.sleep(for: .milliseconds(50))
    #expect(made.count <= 8)
  }

  @Test func cancellingEndsTheWait() async throws {
    let gate = DispatchSemaphore(value: 0)
    let data = try Self.dataset(100).mapping("x") { tensor in
      gate.wait()
      return tensor
    }
    // Somebody else makes the batch that the task waits for.
    let batches = data.batches(of: 10, prefetch: 2)
    let task = Task {
      var count = 0
      for try await _ in batches { count += 1 }
      return count
    }
    gate.signal()
    try await Task.sleep(for: .milliseconds(100))
    task.cancel()
    for _ in 0..<20 { gate.signal() }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func anErrorComesInItsTurnAndEndsTheSequence() async throws {
    struct Broken: Error {}
    let data = try Self.dataset(100).mapping("row") { rows in
      if try rows.array(of: Int64.self).contains(35) { throw Broken() }
      return rows
    }
    var iterator = data.batches(of: 10, prefetch: 8).makeAsyncIterator()
    for _ in 0..<3 { #expect(try await iterator.next() != nil) }
    await #expect(throws: Broken.self) { try await iterator.next() }
    #expect(try await iterator.next() == nil)
  }

  /// Batches that are kept stay as they were; the memory of others is used again.
  @Test func memoryIsUsedAgainOnlyWhenNobodyHasIt() async throws {
    let data = try Self.dataset(2000)
    var kept: [TensorBatch] = []
    for try await batch in data.batches(of: 16, shuffle: .seeded(3)) where batch.rows[0] % 3 == 0 {
      kept.append(batch)
    }
    for batch in kept {
      #expect(try batch["row"].array(of: Int64.self).map { Int($0) } == batch.rows)
    }
  }

  @Test func twoIterationsDoNotDisturbEachOther() async throws {
    let data = try Self.dataset(640)
    let batches = data.batches(of: 8, shuffle: .seeded(4), prefetch: 3)
    async let first = Self.rows(batches)
    async let second = Self.rows(batches)
    let (one, other) = try await (first, second)
    #expect(one == other)
  }

  @Test func aFileThatWasWrittenToMeanwhileIsAnError() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npy")
    try Tensor.zeros([1000, 1000]).write(to: path)
    let data = try TensorDataset(opening: path)
    var iterator = data.batches(of: 10, prefetch: 0).makeAsyncIterator()
    #expect(try await iterator.next() != nil)
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: 5000)
    try handle.close()
    let error = await #expect(throws: TensorIOError.self) { try await iterator.next() }
    #expect(error?.code == .io)
  }
}
