import ByteIO
import Testing

@testable import TensorModel

/// Torch's lazy conjugation and negation: every way to read must give what the tensor means.
@Suite struct LazySignTests {
  private func make(
    _ dtype: DType, _ shape: [Int], _ bytes: [UInt8], order: ByteOrder = .little,
    strides: [Int]? = nil, conj: Bool = false, neg: Bool = false
  ) throws -> Tensor {
    try Tensor(
      dtype: dtype, byteOrder: order, shape: shape, strides: strides,
      storage: TensorStorage(HeapBytes(bytes.span)), isConjugated: conj, isNegated: neg)
  }

  private static let numbers: [Complex<Float>] = [
    Complex(1, 2), Complex(-0.0, 3.5), Complex(0, -1), Complex(.infinity, 0),
  ]

  private func complex(conj: Bool, neg: Bool) throws -> Tensor {
    let stored = try Tensor(Self.numbers)
    return try Tensor(
      dtype: .complex64, shape: [4], storage: stored.storage, isConjugated: conj, isNegated: neg)
  }

  @Test func everyWayOfReadingGivesTheMeaning() throws {
    for (conj, neg) in [(true, false), (false, true), (true, true)] {
      let tensor = try complex(conj: conj, neg: neg)
      let expected = Self.numbers.map {
        Complex(neg ? -$0.real : $0.real, conj != neg ? -$0.imaginary : $0.imaginary)
      }
      let bits = expected.flatMap { [$0.real.bitPattern, $0.imaginary.bitPattern] }
      func check(_ numbers: [Complex<Float>], _ what: Comment) {
        #expect(numbers.flatMap { [$0.real.bitPattern, $0.imaginary.bitPattern] } == bits, what)
      }
      check(try tensor.array(), "array")
      check(
        try tensor.withElements(of: Complex<Float>.self) { s in s.indices.map { s[$0] } },
        "in place")
      let bytes = try Tensor(expected).withBytes { $0.array }
      #expect(try tensor.withBytes { $0.array } == bytes)
      for order in [Tensor.StreamedBytes.stored, .littleEndian] {
        var streamed: [UInt8] = []
        try tensor.streamElements(as: order) { (chunk) throws(TensorIOError) in
          streamed += chunk.array
        }
        #expect(streamed == bytes)
      }
      for index in 0..<4 {
        #expect(
          try tensor.element(at: [index])
            == .complex(Double(expected[index].real), Double(expected[index].imaginary)))
      }
      for copy in [try tensor.loaded(), try tensor.resolved()] {
        #expect(!copy.isConjugated && !copy.isNegated)
        #expect(copy.storage !== tensor.storage)
        check(try copy.array(), "copy")
      }
      #expect(try tensor.formatted(.numpy) == Tensor(expected).formatted(.numpy))
      #expect(try tensor.converted(to: .complex128).element(at: [0]) == tensor.element(at: [0]))
      #expect(try tensor[1...].array() == Array(expected[1...]))
    }
    let plain = try complex(conj: false, neg: false)
    #expect(try plain.resolved().storage === plain.storage)
  }

  /// The expected texts are what torch 2.15 prints.
  @Test func printsAsTorch() throws {
    func three(_ conj: Bool, _ neg: Bool) throws -> String {
      try complex(conj: conj, neg: neg)[0..<3].description
    }
    #expect(try three(true, false) == "tensor([1.-2.0000j, -0.-3.5000j, 0.+1.0000j])")
    #expect(try three(false, true) == "tensor([-1.-2.0000j,  0.-3.5000j, -0.+1.0000j])")
    #expect(
      try make(.int8, [2], [0x80, 5], neg: true).description
        == "tensor([-128,   -5], dtype=torch.int8)")
    #expect(
      try make(.uint8, [2], [0, 200], neg: true).description
        == "tensor([ 0, 56], dtype=torch.uint8)")
    // The imaginary part of a conjugate: a negated view of every second float.
    let floats = try Tensor(
      dtype: .float32, shape: [3], strides: [2], offset: 1,
      storage: complex(conj: true, neg: false).storage, isNegated: true)
    #expect(floats.description == "tensor([-2.0000, -3.5000,  1.0000])")
    #expect(
      floats.tagged(device: .cuda(1), requiresGrad: true).description
        == "tensor([-2.0000, -3.5000,  1.0000], device='cuda:1', requires_grad=True)")
    #expect(try TensorStatistics(of: floats).minimum == .float(-3.5))
  }

  @Test func viewsKeepTheBits() throws {
    let tensor = try complex(conj: true, neg: true)
    for view in [
      try tensor[1...], try tensor.reshaped(to: [2, 2]), tensor.transposed(), tensor.detached(),
      tensor.tagged(device: .meta, requiresGrad: true), tensor.moved(to: tensor.storage),
      try tensor.contiguous(), try tensor.converted(to: .complex64),
    ] {
      #expect(view.isConjugated && view.isNegated)
    }
    #expect(
      try tensor[TensorIndex.slice(from: nil, to: nil, step: -1)].array()[2]
        == Complex<Float>(0, 3.5))
  }

  /// In both byte orders, contiguous and strided, against the stored elements taken one by one.
  @Test func randomTensorsOfEveryDType() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("lazy signs: seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for dtype in DType.simple where dtype.isNegatable {
      for round in 0..<12 {
        let conj = dtype.isComplex && round % 3 != 0
        let order: ByteOrder = round % 2 == 0 ? .little : .big
        let bytes = (0..<20 * dtype.bitWidth / 8).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        func tensor(_ conj: Bool, _ neg: Bool) throws -> Tensor {
          let base = try make(dtype, [4, 5], bytes, order: order, conj: conj, neg: neg)
          return round % 4 < 2 ? base : base.transposed()
        }
        let (stored, meant) = (try tensor(false, false), try tensor(conj, true))
        let parts = dtype.isComplex ? 2 : 1
        let expected = try elementBytes(stored).enumerated().map { index, part in
          index % parts == 1 && conj ? part : Self.negated(part, dtype)
        }
        #expect(try elementBytes(meant) == expected, "\(dtype) \(order) conj \(conj)")
        #expect(try elementBytes(meant.loaded()) == expected)
        var turned: [UInt8] = []
        try meant.streamElements(as: .stored) { (chunk) throws(TensorIOError) in
          turned += chunk.array
        }
        let again = try make(dtype, meant.shape, turned, order: order)
        #expect(try elementBytes(again) == expected, "\(dtype) \(order) stored")
      }
    }
  }

  /// The little-endian bytes of each number, or of each part of a complex one.
  private func elementBytes(_ tensor: Tensor) throws -> [[UInt8]] {
    var all: [UInt8] = []
    try tensor.streamElements { (chunk) throws(TensorIOError) in all += chunk.array }
    let size = tensor.dtype.bitWidth / 8 / (tensor.dtype.isComplex ? 2 : 1)
    return stride(from: 0, to: all.count, by: size).map { Array(all[$0..<$0 + size]) }
  }

  private static func negated(_ bytes: [UInt8], _ dtype: DType) -> [UInt8] {
    var bytes = bytes
    switch dtype {
    case .float4E2M1FNx2: bytes[0] ^= 0x88
    case .float8E4M3FNUZ, .float8E5M2FNUZ: bytes[0] ^= bytes[0] & 0x7f == 0 ? 0 : 0x80
    case .longDouble, .complexLongDouble: bytes[9] ^= 0x80
    case _ where dtype.isInteger:
      var carry = 1
      for index in bytes.indices {
        let sum = Int(~bytes[index]) + carry
        bytes[index] = UInt8(sum & 255)
        carry = sum >> 8
      }
    default: bytes[bytes.count - 1] ^= 0x80
    }
    return bytes
  }

  /// More elements than a chunk holds, from a source whose chunks cut elements.
  @Test func largeTensorsAreTurnedInChunks() throws {
    let count = 700_001
    let stored = try Tensor((0..<count).map { Float($0) })
    let tensor = try Tensor(
      dtype: .float32, shape: [count], storage: stored.storage, isNegated: true)
    #expect(try tensor.array(of: Float.self) == (0..<count).map { -Float($0) })
    #expect(try TensorStatistics(of: tensor).minimum == .float(-700_000))
  }

  @Test func bitsThatMeanNothingAreRefused() throws {
    let bytes = [UInt8](repeating: 0, count: 32)
    for dtype in DType.simple {
      if !dtype.isComplex {
        #expect(throws: TensorIOError(.malformed, ""), "\(dtype)") {
          try make(dtype, [1], bytes, conj: true)
        }
      }
    }
    for dtype in [
      DType.bool, .qint8, .quint4x2, .bits8, .bits16, .float8E8M0FNU, .object, .bytes(count: 2),
      .string(count: 1), .void(count: 1), .datetime(TimeUnit(.second)),
    ] {
      #expect(throws: TensorIOError(.unsupported, ""), "\(dtype)") {
        try make(dtype, [1], bytes, neg: true)
      }
    }
  }

  @Test func unalignedEndsAndEmptyTensors() throws {
    #expect(try make(.complex64, [0, 3], [], conj: true, neg: true).loaded().shape == [0, 3])
    let one = try make(.int16, [], [0, 0x80], neg: true)
    #expect(try one.element(at: []) == .int(-32768))
  }
}
