import ByteIO
import TensorModel
import Testing

/// Blocks that tile an array, those that do not, and what is read of them.
@Suite struct BlockTilingTests {
  private func block(_ offsets: [Int], _ sizes: [Int]) -> ArrayBlock {
    ArrayBlock(offsets: offsets, sizes: sizes)
  }

  private func tiles(_ blocks: [ArrayBlock], _ shape: [Int]) -> Bool {
    (try? BlockTiling.require(blocks, tile: shape)) != nil
  }

  @Test func simpleCases() {
    #expect(tiles([block([0], [3]), block([3], [4])], [7]))
    #expect(!tiles([block([0], [3]), block([4], [3])], [7]))
    #expect(!tiles([block([0], [4]), block([3], [4])], [7]))
    #expect(!tiles([block([0], [3]), block([3], [5])], [7]))
    #expect(!tiles([block([-1], [8])], [7]))
    #expect(!tiles([block([Int.max], [1])], [7]))
    #expect(!tiles([block([1], [Int.max])], [7]))
    #expect(!tiles([block([0], [Int.min])], [7]))
    #expect(!tiles([], [7]))
    #expect(tiles([block([], [])], []))
    #expect(!tiles([block([], []), block([], [])], []))
    #expect(!tiles([], []))
    #expect(tiles([], [0, 4]))
    #expect(!tiles([block([0], [7])], [7, 1]))
    // The same element count and corners, but twice on one half.
    #expect(!tiles([block([0, 0], [2, 1]), block([0, 0], [2, 1])], [2, 2]))
    // A pinwheel, which no cut through the whole takes apart.
    let wheel = [
      block([0, 0], [1, 2]), block([0, 2], [2, 1]), block([2, 1], [1, 2]), block([1, 0], [2, 1]),
      block([1, 1], [1, 1]),
    ]
    #expect(tiles(wheel, [3, 3]))
    #expect(!tiles(Array(wheel.dropLast()), [3, 3]))
  }

  /// Many blocks are a matter of sorting.
  @Test func manyBlocks() {
    let count = 1 << 16
    let rows = (0..<count).map { block([$0, 0], [1, 5]) }
    #expect(tiles(rows, [count, 5]))
    #expect(!tiles(Array(rows.dropLast()), [count, 5]))
    #expect(!tiles(rows + rows, [count, 5]))
    // Axes that are as long as integers go.
    #expect(!tiles(rows, [Int.max, Int.max]))
    // Many axes cost no more than the limit allows.
    let deep = (0..<1000).map { _ in
      block(Array(repeating: 0, count: 60), Array(repeating: 1, count: 60))
    }
    #expect(!tiles(deep, Array(repeating: 2, count: 60)))
  }

  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 32) | (state << 32)
    }
  }

  /// Cuts a block in two at random, some times.
  private func cut(_ shape: [Int], _ dice: inout Dice) -> [ArrayBlock] {
    var blocks = [block(shape.map { _ in 0 }, shape)]
    for _ in 0..<Int.random(in: 0..<9, using: &dice) {
      let number = Int.random(in: 0..<blocks.count, using: &dice)
      let axis = Int.random(in: 0..<shape.count, using: &dice)
      let old = blocks[number]
      guard old.sizes[axis] > 1 else { continue }
      let size = Int.random(in: 1..<old.sizes[axis], using: &dice)
      var (first, second) = (old.sizes, old.sizes)
      first[axis] = size
      second[axis] -= size
      var offsets = old.offsets
      offsets[axis] += size
      blocks[number] = block(old.offsets, first)
      blocks.append(block(offsets, second))
    }
    return blocks.shuffled(using: &dice)
  }

  /// How often each element is covered, counted one by one.
  private func isTiling(_ blocks: [ArrayBlock], _ shape: [Int]) -> Bool {
    let count = shape.reduce(1, *)
    return (0..<count).allSatisfy { element in
      var (rest, index) = (element, [Int]())
      for length in shape.reversed() {
        index.insert(rest % length, at: 0)
        rest /= length
      }
      return blocks.filter { block in
        index.indices.allSatisfy {
          (block.offsets[$0]..<block.offsets[$0] + block.sizes[$0]).contains(index[$0])
        }
      }.count == 1
    }
  }

  @Test func randomBlocksAreJudgedAsCountingJudgesThem() {
    let seed = UInt64.random(in: 0..<1_000_000)
    var dice = Dice(state: seed)
    var counts = (right: 0, wrong: 0)
    for _ in 0..<1500 {
      let shape = (0..<Int.random(in: 1...3, using: &dice)).map { _ in
        Int.random(in: 1...5, using: &dice)
      }
      var blocks = cut(shape, &dice)
      if Bool.random(using: &dice) {
        let number = Int.random(in: 0..<blocks.count, using: &dice)
        let axis = Int.random(in: 0..<shape.count, using: &dice)
        var (offsets, sizes) = (blocks[number].offsets, blocks[number].sizes)
        offsets[axis] = Int.random(in: 0..<shape[axis], using: &dice)
        sizes[axis] = Int.random(in: 0...shape[axis] - offsets[axis], using: &dice)
        blocks[number] = block(offsets, sizes)
      }
      let expected = isTiling(blocks, shape)
      #expect(tiles(blocks, shape) == expected, "seed \(seed): \(blocks) in \(shape)")
      if expected { counts.right += 1 } else { counts.wrong += 1 }
    }
    #expect(counts.right > 100 && counts.wrong > 100)
  }

  /// What is joined of blocks is the tensor that was cut, in memory and streamed, whatever the layout.
  @Test func joinedBlocksAreTheWhole() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var dice = Dice(state: seed)
    for _ in 0..<200 {
      let shape = (0..<Int.random(in: 1...3, using: &dice)).map { _ in
        Int.random(in: 1...9, using: &dice)
      }
      let whole = try Tensor((0..<Int32(shape.reduce(1, *))).map { $0 }, shape: shape)
      var blocks: [TensorBlock] = []
      for part in cut(shape, &dice) {
        let ranges = zip(part.offsets, part.sizes).map {
          TensorIndex.slice(from: $0, to: $0 + $1, step: 1)
        }
        var tensor = try whole.sliced(ranges)
        // By itself, or with a layout of its own on a shared storage.
        if Bool.random(using: &dice) { tensor = try tensor.loaded() }
        blocks.append(TensorBlock(offsets: part.offsets, tensor: tensor))
      }
      let joined = try Tensor(
        joining: blocks, dtype: .int32, shape: shape, requiresGrad: false, limits: DecodingLimits())
      #expect(try joined.array(of: Int32.self) == (try whole.array(of: Int32.self)), "seed \(seed)")
      #expect(try joined.loaded().array(of: Int32.self) == (try whole.array(of: Int32.self)))
    }
  }

  /// Runs longer than a chunk of the stream, and windows shorter than a run.
  @Test func largeBlocks() throws {
    let (rows, columns) = (3, 700_001)
    let whole = try Tensor((0..<rows * columns).map { Int32($0) }, shape: [rows, columns])
    let cuts = [0, 1, 350_000, columns]
    var blocks: [TensorBlock] = []
    for (start, end) in zip(cuts, cuts.dropFirst()) {
      blocks.append(
        TensorBlock(
          offsets: [0, start],
          tensor: try whole[0..<rows, start..<end].loaded()))
    }
    let joined = try Tensor(
      joining: blocks, dtype: .int32, shape: [rows, columns], requiresGrad: false,
      limits: DecodingLimits())
    #expect(try joined.array(of: Int32.self) == (try whole.array(of: Int32.self)))
  }

  @Test func blocksOfOtherDTypesAreRefused() throws {
    let blocks = [TensorBlock(offsets: [0], tensor: try Tensor([1, 2] as [Float]))]
    #expect(throws: TensorIOError.self) {
      try Tensor(
        joining: blocks, dtype: .int32, shape: [2], requiresGrad: false, limits: DecodingLimits())
    }
  }
}
