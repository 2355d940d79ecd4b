import ByteIO
import Testing

@testable import TensorModel

private func raw(
  _ dtype: DType, _ shape: [Int], _ bytes: [UInt8], _ quantization: Quantization?
) throws -> Tensor {
  try Tensor(
    dtype: dtype, shape: shape, storage: TensorStorage(HeapBytes(bytes.span)),
    quantization: quantization)
}

private func affine(_ scale: Double, _ zeroPoint: Int64) -> Quantization {
  .perTensor(scheme: .perTensorAffine, scale: scale, zeroPoint: zeroPoint)
}

private func channels(_ scales: [Double], _ zeroPoints: [Int64], axis: Int) throws -> Quantization {
  .perChannel(
    scheme: .perChannelAffine, scales: try Tensor(scales), zeroPoints: try Tensor(zeroPoints),
    axis: axis)
}

private func floatChannels(
  _ scales: [Float], _ zeroPoints: [Float], axis: Int
) throws -> Quantization {
  .perChannel(
    scheme: .perChannelAffineFloatQParams, scales: try Tensor(scales),
    zeroPoints: try Tensor(zeroPoints), axis: axis)
}

/// Axis, scales and zero points of a tensor with scales of an axis.
private func parameters(_ tensor: Tensor) throws -> (axis: Int, [Double], [Int64]) {
  guard case .perChannel(_, let scales, let zeroPoints, let axis) = tensor.quantization else {
    Issue.record("no scales of an axis")
    return (-1, [], [])
  }
  return (axis, try scales.array(of: Double.self), try zeroPoints.array(of: Int64.self))
}

/// The expected texts are what torch 2.15 prints.
@Suite struct QuantizedPrintingTests {
  @Test func oneScale() throws {
    let rows = try raw(.quint8, [2, 3], [0, 10, 20, 30, 40, 50], affine(0.1, 3))
    #expect(
      rows.description == """
        tensor([[-0.3000,  0.7000,  1.7000],
                [ 2.7000,  3.7000,  4.7000]], size=(2, 3), dtype=torch.quint8,
               quantization_scheme=torch.per_tensor_affine, scale=0.1, zero_point=3)
        """)
    #expect(
      try raw(.qint8, [4], [0, 127, 128, 255], affine(1e-6, -5)).description == """
        tensor([ 5.0000e-06,  1.3200e-04, -1.2300e-04,  4.0000e-06], size=(4,),
               dtype=torch.qint8, quantization_scheme=torch.per_tensor_affine,
               scale=1e-06, zero_point=-5)
        """)
    #expect(
      try raw(.quint8, [], [7], affine(0.25, 0)).description == """
        tensor(1.7500, size=(), dtype=torch.quint8,
               quantization_scheme=torch.per_tensor_affine, scale=0.25, zero_point=0)
        """)
    #expect(
      try raw(.quint8, [0, 3], [], affine(0.25, 0)).description == """
        tensor([], size=(0, 3), dtype=torch.quint8,
               quantization_scheme=torch.per_tensor_affine, scale=0.25, zero_point=0)
        """)
  }

  /// 32-bit integers less their zero point wrap around.
  @Test func wrappingDifference() throws {
    let bytes: [UInt8] = [0, 0, 0, 0x80, 255, 255, 255, 255]
    #expect(
      try raw(.qint32, [2], bytes, affine(1e16, 2_147_483_647)).description == """
        tensor([ 1.0000e+16, -2.1475e+25], size=(2,), dtype=torch.qint32,
               quantization_scheme=torch.per_tensor_affine, scale=1e+16,
               zero_point=2147483647)
        """)
  }

  @Test func packedElements() throws {
    #expect(
      try raw(.quint2x4, [3, 3], [0xe4, 0x1b, 0x02], affine(0.5, 1)).description == """
        tensor([[-0.5000,  0.0000,  0.5000],
                [ 1.0000,  1.0000,  0.5000],
                [ 0.0000, -0.5000,  0.5000]], size=(3, 3), dtype=torch.quint2x4,
               quantization_scheme=torch.per_tensor_affine, scale=0.5, zero_point=1)
        """)
    // torch allots each row whole bytes, and uses them as if it had not.
    let nibbles = try raw(
      .quint4x2, [2, 3], [0x53, 0xf7, 0x21, 0xff],
      floatChannels([0.5, 0.25, 1], [0.5, 0, 7], axis: 1))
    #expect(
      nibbles.description == """
        tensor([[ 1.2500,  1.2500,  0.0000],
                [ 7.2500,  0.2500, -5.0000]], size=(2, 3), dtype=torch.quint4x2,
               quantization_scheme=torch.per_channel_affine_float_qparams,
               scale=tensor([0.5000, 0.2500, 1.0000]),
               zero_point=tensor([0.5000, 0.0000, 7.0000]), axis=1)
        """)
    #expect(try nibbles.loaded().withBytes { $0.array } == [0x53, 0xf7, 0x21])
    #expect(try nibbles.loaded().description == nibbles.description)
  }

  @Test func scalesOfAnAxis() throws {
    let rows = try raw(
      .qint8, [2, 3], [1, 2, 255, 4, 5, 128], channels([0.5, 0.25], [0, -3], axis: 0))
    #expect(
      rows.description == """
        tensor([[  0.5000,   1.0000,  -0.5000],
                [  1.7500,   2.0000, -31.2500]], size=(2, 3), dtype=torch.qint8,
               quantization_scheme=torch.per_channel_affine,
               scale=tensor([0.5000, 0.2500], dtype=torch.float64),
               zero_point=tensor([ 0, -3]), axis=0)
        """)
    let long = try raw(
      .quint8, [40], Array(100..<140),
      channels((1...40).map { Double($0) / 7 }, Array(0..<40), axis: 0)
    ).description
    #expect(long.hasPrefix("tensor([ 14.2857,  28.5714,  42.8571,  57.1429,  71.4286,  85.7143, 1"))
    #expect(
      long.hasSuffix(
        """
        528.5714, 542.8571, 557.1429, 571.4286], size=(40,),
               dtype=torch.quint8, quantization_scheme=torch.per_channel_affine,
               scale=tensor([0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000, 1.1429, 1.2857,
                1.4286, 1.5714, 1.7143, 1.8571, 2.0000, 2.1429, 2.2857, 2.4286, 2.5714,
                2.7143, 2.8571, 3.0000, 3.1429, 3.2857, 3.4286, 3.5714, 3.7143, 3.8571,
                4.0000, 4.1429, 4.2857, 4.4286, 4.5714, 4.7143, 4.8571, 5.0000, 5.1429,
                5.2857, 5.4286, 5.5714, 5.7143], dtype=torch.float64),
               zero_point=tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
                18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
                36, 37, 38, 39]),
               axis=0)
        """))
  }

  /// Scales of an axis multiply as binary64, one scale as binary32: the last place tells.
  @Test func arithmeticIsTorchs() throws {
    #expect(try channels([0.1], [0], axis: 0).real(8_000_003, at: [0]) == 800_000.3)
    #expect(try affine(0.1, 0).real(3, at: []) == Float(3) * Float(0.1))
    #expect(try affine(1e300, 0).real(1, at: []) == .infinity)
    #expect(try affine(1, .min).real(.max, at: []) == -1)
  }

  @Test func floatsAsPythonWritesThem() {
    let expected: [(Double, String)] = [
      (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (0.1, "0.1"), (1e-4, "0.0001"), (1e-5, "1e-05"),
      (1.5e-5, "1.5e-05"), (9_999_999_999_999_998, "9999999999999998.0"), (1e16, "1e+16"),
      (1.5e16, "1.5e+16"), (.leastNonzeroMagnitude, "5e-324"),
      (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
      (123_456.789, "123456.789"), (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
      (2.0 / 3, "0.6666666666666666"),
    ]
    for (value, text) in expected { #expect(PythonText.float(value) == text) }
  }

  /// Parameters without bytes must not stop a description.
  @Test func unreadableParametersPrint() throws {
    let scales = try Tensor.meta(dtype: .float64, shape: [2])
    let tensor = try raw(
      .qint8, [2], [1, 2],
      .perChannel(
        scheme: .perChannelAffine, scales: scales, zeroPoints: Tensor([0, 0] as [Int64]), axis: 0))
    #expect(tensor.description.contains("scale=tensor(..., device='meta', size=(2,)"))
    #expect(throws: TensorIOError(.unsupported, "")) {
      try tensor.quantization?.real(1, at: [0])
    }
  }
}

@Suite struct QuantizedViewTests {
  private let tensor: Tensor
  init() throws {
    tensor = try raw(
      .qint8, [2, 3, 4], Array(0..<24), channels([1, 2, 3], [10, 20, 30], axis: 1))
  }

  @Test func oneScaleSurvivesEveryView() throws {
    let plain = try raw(.quint8, [2, 3], [0, 1, 2, 3, 4, 5], affine(0.5, 1))
    for view in [
      plain.transposed(), try plain[1], try plain[0..<1, 1...], try plain.reshaped(to: [6]),
      plain.detached(), plain.tagged(device: .cuda(0), requiresGrad: true), try plain.loaded(),
      plain.moved(to: plain.storage), try plain.transposed().contiguous(),
      try plain.tagged(device: .cuda(0), requiresGrad: false).onHost(), try plain.resolved(),
    ] {
      guard case .perTensor(.perTensorAffine, 0.5, 1) = view.quantization else {
        Issue.record("lost by \(view)")
        continue
      }
    }
  }

  @Test func scalesMoveWithTheirAxis() throws {
    #expect(try parameters(tensor.detached()) == (1, [1, 2, 3], [10, 20, 30]))
    #expect(try parameters(tensor.loaded()) == (1, [1, 2, 3], [10, 20, 30]))
    #expect(try parameters(tensor.transposed()) == (1, [1, 2, 3], [10, 20, 30]))
    #expect(try parameters(tensor[0]) == (0, [1, 2, 3], [10, 20, 30]))
    #expect(try parameters(tensor[0].transposed()) == (1, [1, 2, 3], [10, 20, 30]))
    #expect(try parameters(tensor[0...0, 1...]) == (1, [2, 3], [20, 30]))
    #expect(try parameters(tensor[0, 1..<2, 3]) == (0, [2], [20]))
    let reversed = TensorIndex.slice(from: nil, to: nil, step: -2)
    #expect(try parameters(tensor[1, reversed]) == (0, [3, 1], [30, 10]))
    #expect(try parameters(tensor[TensorIndex.all, 3...]) == (1, [], []))
    let one = try tensor[TensorIndex.all, -1]
    guard case .perTensor(.perTensorAffine, 3, 30) = one.quantization else {
      Issue.record("\(String(describing: one.quantization))")
      return
    }
    #expect(throws: TensorIOError(.invalidArgument, "")) { try tensor[0, 3] }
  }

  /// Elements mean the same in a view as in the whole.
  @Test func viewsMeanTheSame() throws {
    let view = try tensor.transposed()[1..., TensorIndex.slice(from: nil, to: nil, step: -1)]
    for (first, second, third) in [(0, 0, 0), (2, 1, 1), (1, 2, 0)] {
      guard case .int(let stored) = try view.element(at: [first, second, third]),
        case .int(let same) = try tensor.element(at: [third, 2 - second, first + 1])
      else {
        Issue.record("no integers")
        return
      }
      #expect(stored == same)
      #expect(
        try view.quantization?.real(stored, at: [first, second, third])
          == tensor.quantization?.real(same, at: [third, 2 - second, first + 1]))
    }
  }

  @Test func reshapingKeepsTheAxisOrIsRefused() throws {
    #expect(try parameters(tensor.reshaped(to: [2, 3, 2, 2])).axis == 1)
    #expect(try parameters(tensor.reshaped(to: [2, 1, 3, 4])).axis == 2)
    #expect(try parameters(tensor.reshaped(to: [1, 2, 3, 4])).axis == 2)
    for shape in [[24], [6, 4], [3, 2, 4], [2, 12], [4, 3, 2]] {
      #expect(throws: TensorIOError(.unsupported, ""), "\(shape)") {
        try tensor.reshaped(to: shape)
      }
    }
    let empty = try raw(.qint8, [0, 3], [], channels([1, 2, 3], [0, 0, 0], axis: 1))
    #expect(try parameters(empty.reshaped(to: [0, 1, 3])).axis == 2)
    #expect(throws: TensorIOError(.unsupported, "")) { try empty.reshaped(to: [0]) }
  }

  @Test func oneIndexNeedsAnIntegerZeroPoint() throws {
    let tensor = try raw(.quint8, [2, 1], [1, 2], floatChannels([1, 2], [0.5, 0.5], axis: 0))
    #expect(try tensor[0...0].shape == [1, 1])
    #expect(throws: TensorIOError(.unsupported, "")) { try tensor[0] }
  }
}

@Suite struct QuantizationAttackTests {
  private func refuses(
    _ quantization: Quantization, dtype: DType = .qint8, _ shape: [Int] = [2, 3]
  ) {
    #expect(throws: TensorIOError(.malformed, ""), "\(quantization)") {
      try raw(dtype, shape, [UInt8](repeating: 0, count: 64), quantization)
    }
  }

  @Test func parametersMustFitTheTensor() throws {
    for axis in [-1, 2, .max, .min] { refuses(try channels([1, 2], [0, 0], axis: axis)) }
    refuses(try channels([1, 2], [0, 0], axis: 1))
    refuses(try channels([1, 2, 3], [0, 0], axis: 1))
    refuses(try channels([1, 2], [0, 0, 0], axis: 1))
    refuses(try channels([], [], axis: 0))
    refuses(try channels([1], [0], axis: 0), [])
    for dtype in [DType.int8, .uint8, .float32, .bits8, .complex64] {
      refuses(affine(1, 0), dtype: dtype)
    }
  }

  @Test func schemesMustFitTheirParameters() throws {
    for scheme in Quantization.Scheme.allCases where scheme.isPerChannel {
      refuses(.perTensor(scheme: scheme, scale: 1, zeroPoint: 0))
    }
    let floats = try Tensor([1, 2] as [Float])
    let integers = try Tensor([1, 2] as [Int64])
    let quantized = try raw(.qint8, [2], [0, 0], affine(1, 0))
    func make(_ scheme: Quantization.Scheme, _ scales: Tensor, _ zeroPoints: Tensor) -> Quantization
    {
      .perChannel(scheme: scheme, scales: scales, zeroPoints: zeroPoints, axis: 0)
    }
    refuses(make(.perTensorAffine, floats, integers))
    refuses(make(.perTensorSymmetric, floats, integers))
    refuses(make(.perChannelAffine, integers, integers))
    refuses(make(.perChannelAffine, floats, floats))
    refuses(make(.perChannelAffineFloatQParams, floats, integers))
    refuses(make(.perChannelAffine, quantized, integers))
    refuses(make(.perChannelAffine, floats, quantized))
    refuses(make(.perChannelAffine, try floats.reshaped(to: [2, 1]), integers))
    refuses(make(.perChannelAffine, try Tensor([true, true]), integers))
    #expect(throws: Never.self) {
      try raw(.qint8, [2, 3], Array(0..<6), make(.perChannelSymmetric, floats, integers))
    }
  }

  /// An axis of a tensor that takes no memory, and scales of one element: nothing grows with them.
  @Test func hugeAxesCostNothing() throws {
    let scale = try Tensor([0.5])
    let zero = try Tensor([0] as [Int64])
    let long = 1 << 50
    let tensor = try Tensor(
      dtype: .qint8, shape: [long], strides: [0], storage: TensorStorage(HeapBytes([3].span)),
      quantization: .perChannel(
        scheme: .perChannelAffine,
        scales: try scale.with(shape: [long], strides: [0], quantization: nil),
        zeroPoints: try zero.with(shape: [long], strides: [0], quantization: nil), axis: 0))
    #expect(tensor.description.hasPrefix("tensor([1.5000, 1.5000, 1.5000,  ..., 1.5000, 1.5000"))
    #expect(try tensor[5..<7].shape == [2])
    #expect(try tensor[5..<7].loaded().storage.byteCount == 2)
    #expect(throws: TensorIOError(.limit, "")) { try tensor.loaded() }
  }

  /// Torch counts the bytes of a packed storage row by row; the elements lie without gaps.
  @Test func packedStoragesAreLargeEnough() throws {
    _ = try raw(.quint4x2, [3, 3], [0, 0, 0, 0, 0], affine(1, 0))
    _ = try raw(.quint4x2, [3, 3], [0, 0, 0, 0, 0, 0], affine(1, 0))
    _ = try raw(.quint2x4, [3, 3], [0, 0, 0], affine(1, 0))
    for (dtype, count) in [(DType.quint4x2, 4), (.quint2x4, 2), (.qint8, 8), (.qint32, 35)] {
      #expect(throws: TensorIOError(.malformed, "")) {
        try raw(dtype, [3, 3], [UInt8](repeating: 0, count: count), affine(1, 0))
      }
    }
  }
}
