import ByteIO
import Testing

@testable import TensorModel

@Suite struct MetaTests {
  /// The expected texts are what torch 2.15 prints.
  @Test func printsAsTorch() throws {
    #expect(
      try Tensor.meta(dtype: .float32, shape: [2, 3]).description
        == "tensor(..., device='meta', size=(2, 3))")
    #expect(
      try Tensor.meta(dtype: .float64, shape: [2, 3], requiresGrad: true).description == """
        tensor(..., device='meta', size=(2, 3), dtype=torch.float64,
               requires_grad=True)
        """)
    #expect(
      try Tensor.meta(dtype: .bool, shape: []).description
        == "tensor(..., device='meta', size=(), dtype=torch.bool)")
    #expect(
      try Tensor.meta(dtype: .int64, shape: [0]).description
        == "tensor(..., device='meta', size=(0,), dtype=torch.int64)")
    #expect(
      try Tensor.meta(dtype: .bits2x4, shape: [2]).description
        == "tensor(..., device='meta', size=(2,), dtype=torch.bits2x4)")
  }

  @Test func nothingCanBeRead() throws {
    let long = 1 << 55
    for tensor in [
      try Tensor.meta(dtype: .float32, shape: [2, 3]), try .meta(dtype: .float32, shape: [long]),
      try .meta(dtype: .float32, shape: [2, 3], strides: [1, 2]),
      try .meta(dtype: .float32, shape: [0]),
    ] {
      #expect(!tensor.hasElements && !tensor.storage.hasBytes && !tensor.storage.isResident)
      func refuses(_ body: () throws -> Void) {
        let error = #expect(throws: TensorIOError(.unsupported, ""), performing: body)
        #expect(error?.reason.hasPrefix("a meta tensor has no elements") == true)
      }
      refuses { _ = try tensor.array(of: Float.self, limits: .unlimited) }
      refuses { _ = try tensor.loaded(limits: .unlimited) }
      refuses { try tensor.streamElements(limits: .unlimited) { _ in } }
      refuses { try tensor.withElements(of: Float.self) { _ in } }
      refuses { try tensor.withBytes { _ in } }
      refuses { try tensor.storage.withBytes { _ in } }
      refuses { _ = try tensor.storage.source.loaded() }
      refuses { _ = try tensor.storage.source.bytes() }
      refuses { _ = try tensor.converted(to: .float64) }
      refuses { _ = try TensorStatistics(of: tensor) }
      refuses { _ = try tensor.formatted(.numpy) }
      refuses { _ = try tensor.onHost() }
      #expect(tensor.tagged(device: .cpu, requiresGrad: false).description.hasPrefix("tensor(..."))
    }
    #expect(throws: TensorIOError(.unsupported, "")) {
      try Tensor.meta(dtype: .float32, shape: [2]).element(at: [0])
    }
  }

  @Test func outlinesAreKeptAndChecked() throws {
    let tensor = try Tensor.meta(dtype: .float64, shape: [2, 3], strides: [1, 2])
    #expect(tensor.device == .meta && tensor.strides == [1, 2] && tensor.storage.byteCount == 48)
    #expect(try tensor[1, 1...].shape == [2])
    #expect(try Tensor.meta(dtype: .int8, shape: [1 << 40, 1 << 10]).byteCount == 1 << 50)
    #expect(try Tensor.meta(dtype: .quint4x2, shape: [3, 3]).storage.byteCount == 5)
    #expect(try Tensor.meta(dtype: .int8, shape: [0, .max / 8], strides: [.max, .max]).count == 0)
    let hostile: [([Int], [Int]?)] = [
      ([-1], nil), ([.max], nil), ([1 << 32, 1 << 32], nil), ([2], [-1]), ([2], [.max]),
      ([2, 2], [.max / 2, .max / 2 + 1]), ([2], [1, 1]), ([2, 2], [1]), ([2], [.min]),
      ([Int](repeating: 1, count: 65), nil), ([0, .max], nil),
    ]
    for (shape, strides) in hostile {
      #expect(throws: TensorIOError(.malformed, ""), "\(shape) \(String(describing: strides))") {
        try Tensor.meta(dtype: .float64, shape: shape, strides: strides)
      }
    }
  }

  @Test func absentBytesHaveNoNegativeCount() { #expect(NoBytes(byteCount: .min).byteCount == 0) }
}

@Suite struct TorchDTypeTests {
  @Test func namesGoBothWays() {
    // All that torch 2.15 can save.
    let names = """
      float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex128 complex64 quint8
      qint8 qint32 quint4x2 quint2x4 uint16 uint32 uint64 float8_e5m2 float8_e4m3fn float8_e5m2fnuz
      float8_e4m3fnuz float8_e8m0fnu float4_e2m1fn_x2 complex32 bcomplex32 bits8 bits16 bits1x8
      bits2x4 bits4x2
      """.split(whereSeparator: \.isWhitespace)
    #expect(names.count == 33)
    for name in names { #expect(DType(torchName: String(name))?.torchName == String(name)) }
    #expect(DType.simple.compactMap(\.torchName).count == 33)
    for name in ["longdouble", "object", "half", "torch.float32", "int4", "Float32", "S5", ""] {
      #expect(DType(torchName: name) == nil)
    }
    for dtype in [DType.longDouble, .object, .bytes(count: 1), .datetime(TimeUnit(.day))] {
      #expect(dtype.torchName == nil)
    }
  }

  @Test func widthsAreTorchs() throws {
    for dtype in [DType.bits8, .bits1x8, .bits2x4, .bits4x2] { #expect(dtype.bitWidth == 8) }
    #expect(DType.bits16.bitWidth == 16)
    #expect(DType.bcomplex32.bitWidth == 32 && DType.bcomplex32.isComplex)
    let storage = TensorStorage(try HeapBytes([1, 2, 3, 255].span))
    let bits = try Tensor(dtype: .bits4x2, shape: [4], storage: storage)
    #expect(try bits.element(at: [3]) == .uint(255))
    #expect(bits.description == "tensor([  1,   2,   3, 255], dtype=torch.bits4x2)")
    let wide = try Tensor(dtype: .bits16, shape: [2], storage: storage)
    #expect(wide.description == "tensor([  513, 65283], dtype=torch.bits16)")
    #expect(try wide.formatted(.numpy) == "[  513 65283]")
    #expect(
      try Tensor(dtype: .bits16, shape: [0], storage: storage).description
        == "tensor([], dtype=torch.bits16)")
    #expect(throws: TensorIOError(.unsupported, "")) { try bits.converted(to: .int64) }
    #expect(throws: TensorIOError(.unsupported, "")) { try TensorStatistics(of: bits) }
  }

  @Test func pairsOfBFloat16() throws {
    let tensor = try Tensor([Complex(BFloat16(1), BFloat16(2))])
    #expect(tensor.dtype == .bcomplex32)
    #expect(tensor.description == "tensor([1.+2.j], dtype=torch.bcomplex32)")
    #expect(try tensor.element(at: [0]) == .complex(1, 2))
    #expect(try tensor.formatted(.numpy) == "[1+2j]")
    #expect(try tensor.converted(to: .complex64).array() == [Complex<Float>(1, 2)])
    let back = try Tensor([Complex<Double>(0.1, -3)]).converted(to: .bcomplex32)
    #expect(try back.array() == [Complex(BFloat16(0.1), BFloat16(-3))])
    #expect(try TensorStatistics(of: tensor).count == 1)
  }
}
