import ByteIO
import Testing

@testable import TensorModel

/// A generator whose seed is printed, so that a failure can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct OutlineTests {
  private let storage: TensorStorage
  init() throws { storage = try Tensor((0..<24).map(Int32.init)).storage }

  private func make(_ shape: [Int], _ strides: [Int]?, _ offset: Int = 0) throws -> Tensor {
    try Tensor(dtype: .int32, shape: shape, strides: strides, offset: offset, storage: storage)
  }

  @Test func outlinesOutsideTheStorageAreRefused() throws {
    _ = try make([24], nil)
    _ = try make([4, 6], [1, 4])
    _ = try make([24], [-1], 23)
    _ = try make([5, 1 << 40], [0, 0])
    _ = try make([0, 1 << 40], nil, 1 << 50)
    let hostile: [([Int], [Int]?, Int)] = [
      ([25], nil, 0), ([24], nil, 1), ([24], [-1], 22), ([2], [24], 0), ([2], [.max], 0),
      ([2], [.min], 0), ([3], [.max / 2 + 1], 0), ([-1], nil, 0), ([2, -3], nil, 0),
      ([1 << 32, 1 << 32], nil, 0), ([.max], nil, 0), ([.max, 2], [0, 0], 0), ([1], nil, -1),
      ([1], nil, .max), ([2], [1, 1], 0), ([0, .max, .max], nil, 0),
      ([Int](repeating: 1, count: 65), nil, 0),
    ]
    for (shape, strides, offset) in hostile {
      #expect(
        throws: TensorIOError(.malformed, ""), "\(shape) \(String(describing: strides)) \(offset)"
      ) {
        try make(shape, strides, offset)
      }
    }
  }

  @Test func subByteElementsAreCountedInBits() throws {
    let bytes = TensorStorage(try HeapBytes([0x21, 0x43].span))
    let nibbles = try Tensor(dtype: .quint4x2, shape: [4], storage: bytes)
    #expect(nibbles.byteCount == 2)
    #expect(
      try (0..<4).map { try nibbles.element(at: [$0]) } == [.uint(1), .uint(2), .uint(3), .uint(4)])
    #expect(throws: TensorIOError(.malformed, "")) {
      try Tensor(dtype: .quint4x2, shape: [5], storage: bytes)
    }
  }

  /// Strides that are never used may be anything, and a tensor without elements has no first one.
  @Test func unusedNumbersDoNoHarm() throws {
    let odd = try make([1, 3, 1], [.max, 2, .min])
    #expect(try odd.array(of: Int32.self) == [0, 2, 4])
    #expect(try odd[0, 1..<3].array(of: Int32.self) == [2, 4])
    let empty = try make([0, 3], [.max, .max], 1 << 60)
    #expect(try empty.withElements(of: Int32.self) { $0.count } == 0)
    #expect(throws: TensorIOError.self) { try make([0, 3], [.max, .max])[0] }
    for dtype in [DType.bytes(count: .max), .string(count: .max), .void(count: -1)] {
      #expect(throws: TensorIOError.self) { try Tensor(dtype: dtype, shape: [1], storage: storage) }
    }
  }

  @Test func orderIsSeenThroughAxesOfLengthOne() throws {
    #expect(try make([1, 24], [7, 1]).isContiguous)
    #expect(try make([24, 1], [1, 0]).isFortranContiguous)
    #expect(try make([4, 6], [1, 4]).isFortranContiguous)
    #expect(try !make([4, 6], [1, 4]).isContiguous)
    #expect(try make([0, 3], [9, 9]).isContiguous)
  }
}

@Suite struct ViewTests {
  private let base: Tensor
  init() throws { base = try Tensor((0..<60).map(Int64.init), shape: [3, 4, 5]) }

  @Test func indexesAndRanges() throws {
    #expect(try base[1].array(of: Int64.self) == Array(20..<40))
    #expect(try base[-1, 0, 0...1].array(of: Int64.self) == [40, 41])
    #expect(try base[0..<2, 3, 4].array(of: Int64.self) == [19, 39])
    #expect(try base[TensorIndex.all, 1, 2].array(of: Int64.self) == [7, 27, 47])
    #expect(try base[2..., 3...].shape == [1, 1, 5])
    let reversed = try base[0, 0, TensorIndex.slice(from: nil, to: nil, step: -1)]
    #expect(try reversed.array(of: Int64.self) == [4, 3, 2, 1, 0])
    let stepped = try base[0, 0, TensorIndex.slice(from: -2, to: nil, step: -2)]
    #expect(try stepped.array(of: Int64.self) == [3, 1])
    #expect(try base[5..<9].shape == [0, 4, 5])
    #expect(try base[(-2)...(-1)].shape == [2, 4, 5])
    #expect(try base[...1].shape == [2, 4, 5])
    #expect(try base[0..<0, 3, 4].withElements(of: Int64.self) { $0.count } == 0)
    #expect(try base[0, 0, 0].shape == [])
    #expect(try base[0, 0, 3].element(at: []) == .int(3))
  }

  @Test func impossibleIndexesAreRefused() {
    for bad in [
      [TensorIndex.at(3)], [.at(-4)], [.at(.min)], [.slice(from: nil, to: nil, step: 0)],
      [.slice(from: nil, to: nil, step: .min)], [.all, .all, .all, .all],
    ] {
      #expect(throws: TensorIOError(.invalidArgument, "")) { try base.sliced(bad) }
    }
    #expect(throws: Never.self) { try base.sliced([.slice(from: .min, to: .max, step: .max)]) }
  }

  @Test func reshapingNeedsContiguity() throws {
    #expect(try base.reshaped(to: [60]).array(of: Int64.self) == Array(0..<60))
    #expect(throws: TensorIOError(.invalidArgument, "")) { try base.reshaped(to: [61]) }
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try base.transposed().reshaped(to: [60])
    }
    let copy = try base.transposed().contiguous()
    #expect(copy.storage !== base.storage)
    #expect(try copy.reshaped(to: [60]).array(of: Int64.self).prefix(3) == [0, 20, 40])
  }

  /// Random views of random tensors, gathered by the kernel and element by element.
  @Test func gatheringEqualsIndexing() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("gathering: seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for dtype in [DType.uint8, .int16, .float32, .float64, .complex128, .bytes(count: 3)] {
      for _ in 0..<60 {
        let rank = Int.random(in: 0...5, using: &random)
        let shape = (0..<rank).map { _ in Int.random(in: 1...7, using: &random) }
        let count = shape.reduce(1, *) * dtype.bitWidth / 8
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let tensor = try Tensor(
          dtype: dtype, shape: shape, storage: TensorStorage(HeapBytes(bytes.span)))
        var view = Bool.random(using: &random) ? tensor.transposed() : tensor
        view = try view.sliced(
          view.shape.map { length in
            .slice(
              from: Int.random(in: -length...length, using: &random), to: nil,
              step: [1, 2, -1, -3].randomElement(using: &random) ?? 1)
          })
        try compare(view)
      }
    }
  }

  private func compare(_ view: Tensor) throws {
    var streamed: [UInt8] = []
    try view.streamElements { (chunk) throws(TensorIOError) in
      streamed.append(contentsOf: chunk.array)
    }
    var expected: [UInt8] = []
    let size = view.dtype.bitWidth / 8
    var index = [Int](repeating: 0, count: view.rank)
    guard view.count > 0 else {
      #expect(streamed.isEmpty)
      return
    }
    for _ in 0..<view.count {
      let position = zip(index, view.strides).reduce(view.offset) { $0 + $1.0 * $1.1 }
      try view.storage.withBytes {
        expected += $0.extracting(position * size..<(position + 1) * size).array
      }
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < view.shape[axis] { break }
        index[axis] = 0
      }
    }
    #expect(streamed == expected, "shape \(view.shape) strides \(view.strides)")
  }

  @Test func largeGathersAreCutIntoBlocks() throws {
    let rows = 3000
    let tensor = try Tensor((0..<rows * 500).map(Int32.init), shape: [rows, 500])
    let transposed = try tensor.transposed().array(of: Int32.self)
    #expect(transposed[1] == 500)
    #expect(transposed[rows] == 1)
    #expect(transposed.last == Int32(rows * 500 - 1))
    let wide = try tensor.transposed()[0..<500, 0..<1].array(of: Int32.self)
    #expect(wide == (0..<500).map(Int32.init))
  }
}

@Suite struct ElementTests {
  @Test func typesMustBeTheTensorsOwn() throws {
    let tensor = try Tensor([1, 2] as [Float])
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
      try tensor.array(of: Double.self)
    }
    #expect(error?.reason.contains("converted(to:") == true)
  }

  @Test func bigEndianElementsAreSwapped() throws {
    let bytes: [UInt8] = [0x01, 0x02, 0x03, 0x04]
    let storage = TensorStorage(try HeapBytes(bytes.span))
    let tensor = try Tensor(dtype: .int16, byteOrder: .big, shape: [2], storage: storage)
    #expect(try tensor.array(of: Int16.self) == [0x0102, 0x0304])
    #expect(try tensor.withElements(of: Int16.self) { [$0[0], $0[1]] } == [0x0102, 0x0304])
    #expect(try tensor.element(at: [1]) == .int(0x0304))
    #expect(try tensor.withBytes { $0.array } == bytes)
    #expect(try tensor.loaded().byteOrder == .little)
  }

  /// A byte that is neither 0 nor 1 must not become an invalid Swift Bool.
  @Test func anyByteButZeroIsTrue() throws {
    let storage = TensorStorage(try HeapBytes([0, 1, 2, 255].span))
    let tensor = try Tensor(dtype: .bool, shape: [4], storage: storage)
    #expect(try tensor.array(of: Bool.self) == [false, true, true, true])
    #expect(try tensor.withElements(of: Bool.self) { $0[2] })
  }

  @Test func unalignedElementsAreCopied() throws {
    let bytes = [UInt8](repeating: 0, count: 1) + [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]
    let whole = TensorStorage(try HeapBytes(bytes.span))
    let record = try StructuredType(
      fields: [.init(name: "x", dtype: .uint8, offset: 0)], byteCount: 1)
    #expect(record.byteCount == 1)
    #expect(whole.byteCount == 9)
    let part = try Tensor(dtype: .uint8, shape: [8], offset: 1, storage: whole)
    let copy = try Tensor(dtype: .float32, shape: [2], storage: part.loaded().storage)
    #expect(try copy.withElements(of: Float.self) { $0[1] } == 2)
  }

  @Test func recordsAreSwappedFieldByField() throws {
    let inner = try StructuredType(
      fields: [
        .init(name: "a", dtype: .uint16, byteOrder: .big, shape: [2], offset: 1),
        .init(name: "b", dtype: .float32, offset: 5),
      ], byteCount: 10)
    let outer = try StructuredType(
      fields: [.init(name: "r", dtype: .structured(inner), shape: [2], offset: 0)], byteCount: 20)
    let bytes = (0..<20).map(UInt8.init)
    let tensor = try Tensor(
      dtype: .structured(outer), shape: [1], storage: TensorStorage(HeapBytes(bytes.span)))
    let loaded = try tensor.loaded()
    #expect(
      try loaded.withBytes { $0.array }
        == [0, 2, 1, 4, 3, 5, 6, 7, 8, 9, 10, 12, 11, 14, 13, 15, 16, 17, 18, 19])
    #expect(loaded.dtype == tensor.dtype.withLittleEndianFields)
    let first = try tensor.element(at: [0])
    #expect(first == (try loaded.element(at: [0])))
  }

  @Test func narrowFloatsDecodeEveryPattern() {
    #expect(Float8E4M3FN(bitPattern: 0x7e).float == 448)
    #expect(Float8E4M3FN(bitPattern: 0x7f).float.isNaN)
    #expect(Float8E4M3FN(bitPattern: 1).float == 0x1p-9)
    #expect(Float8E5M2(bitPattern: 0x7b).float == 57_344)
    #expect(Float8E5M2(bitPattern: 0xfc).float == -.infinity)
    #expect(Float8E4M3FNUZ(bitPattern: 0x7f).float == 240)
    #expect(Float8E4M3FNUZ(bitPattern: 0x80).float.isNaN)
    #expect(Float8E5M2FNUZ(bitPattern: 0x7f).float == 57_344)
    #expect(Float8E8M0FNU(bitPattern: 0).float == 0x1p-127)
    #expect(Float8E8M0FNU(bitPattern: 127).float == 1)
    #expect(Float4E2M1FNx2(bitPattern: 0xf2).floats == (1, -6))
    #expect(BFloat16(Float(bitPattern: 0x3f80_8000)).bitPattern == 0x3f80)
    #expect(BFloat16(Float(bitPattern: 0x3f81_8000)).bitPattern == 0x3f82)
    #expect(BFloat16(Float(bitPattern: 0x7f7f_ffff)).float == .infinity)
    #expect(BFloat16(Float(bitPattern: 0xff80_0001)).float.isNaN)
  }
}
