import Testing

@testable import TensorModel

/// What the printers must bear: tensors that no honest file holds, and scalars of the wrong kind.
@Suite struct PrintingLimitTests {
  /// All texts of a tensor.
  private static func texts(_ tensor: SampleTensor, _ options: PrintOptions = PrintOptions())
    -> [String]
  {
    [
      NumPyPrinter(options: options).string(tensor),
      NumPyPrinter(options: options).representation(tensor),
      TorchPrinter(options: options).representation(tensor),
    ]
  }

  private static func floats(_ shape: [Int]) -> SampleTensor {
    SampleTensor(dtype: .float32, shape: shape, bytes: [0, 0, 0x80, 0x3f])
  }

  @Test func readsOnlyWhatItShows() {
    let tensor = Self.floats([1 << 20, 1 << 18])
    let text = TorchPrinter().representation(tensor)
    #expect(tensor.reads.value == 36)
    #expect(text.hasPrefix("tensor([[1., 1., 1.,  ..., 1., 1., 1.],"))
    let row = SampleTensor(dtype: .int64, shape: [.max], bytes: [UInt8](repeating: 0, count: 8))
    #expect(TorchPrinter().representation(row) == "tensor([0, 0, 0,  ..., 0, 0, 0])")
    #expect(
      NumPyPrinter().representation(row)
        == "array([0, 0, 0, ..., 0, 0, 0], shape=(9223372036854775807,))")
  }

  @Test func bearsManyAxes() {
    let flat = [Int](repeating: 1, count: 64)
    #expect(Self.texts(Self.floats(flat)).allSatisfy { $0.contains("[1.]") })
    for shape in [flat.map { _ in 2 }, flat.map { _ in 7 }, [Int](repeating: 1, count: 100_000)] {
      let tensor = Self.floats(shape)
      #expect(Self.texts(tensor).allSatisfy { $0.contains("[...]") })
      #expect(tensor.reads.value == 0)
    }
  }

  @Test func bearsEmptyAndNegativeAxes() {
    for shape in [[0, .max, .max], [.max, 0], [-1], [.min, 3], [5, -5]] {
      let tensor = Self.floats(shape)
      #expect(Self.texts(tensor).allSatisfy { $0.contains("[]") })
      #expect(tensor.reads.value == 0)
    }
  }

  @Test func bearsAbsurdOptions() {
    for extreme in [Int.min, -1, 0, 1, Int.max] {
      let options = PrintOptions(
        precision: extreme, threshold: extreme, edgeItems: extreme, lineWidth: extreme)
      for shape in [[], [3], [2, 2]] {
        #expect(Self.texts(Self.floats(shape), options).allSatisfy { !$0.isEmpty })
        let doubles = SampleTensor(
          dtype: .float64, shape: shape, bytes: [1, 0, 0, 0, 0, 0, 0, 0x80, 1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Self.texts(doubles, options).allSatisfy { !$0.isEmpty })
      }
    }
    let none = PrintOptions(threshold: 3, edgeItems: 0)
    #expect(Self.texts(Self.floats([5]), none)[2] == "tensor([...], size=(5,))")
    #expect(Self.texts(Self.floats([5, 4]), none)[2] == "tensor([...], size=(5, 4))")
  }

  @Test func bearsScalarsOfTheWrongKind() throws {
    let record = try StructuredType(
      fields: [
        .init(name: "x", dtype: .float32, offset: 0),
        .init(name: "y", dtype: .int8, shape: [2, 3], offset: 4),
      ], byteCount: 10)
    let scalars: [Scalar] = [
      .bool(true), .int(.min), .uint(.max), .float(.signalingNaN), .complex(.nan, -.infinity),
      .bytes([0xff]), .string("\u{0}"), .void([]), .datetime(.min), .timedelta(nil), .record([]),
      .array([]), .record([.array([]), .record([])]),
    ]
    let others: [DType] = [
      .bytes(count: 0), .string(count: 1), .void(count: 0),
      .datetime(TimeUnit(.month, multiple: .max)),
      .datetime(TimeUnit(.generic)), .timedelta(TimeUnit(.attosecond)), .structured(record),
    ]
    for dtype in DType.simple + others {
      for scalar in scalars {
        for shape in [[], [2]] {
          let tensor = Constant(dtype: dtype, shape: shape, element: scalar)
          #expect(!NumPyPrinter().representation(tensor).isEmpty)
          #expect(!TorchPrinter().representation(tensor).isEmpty)
          _ = NumPyPrinter().string(tensor)
        }
      }
    }
  }

  @Test func bearsHugeEmptySubarrays() throws {
    let record = try StructuredType(
      fields: [.init(name: "x", dtype: .float32, shape: [1 << 40, 0], offset: 0)], byteCount: 0)
    let tensor = Constant(
      dtype: .structured(record), shape: [1], element: .record([.array([])]))
    #expect(NumPyPrinter().string(tensor) == "[([...],)]")
  }

  /// Every element is the same.
  private struct Constant: PrintableElements {
    let dtype: DType
    let shape: [Int]
    let element: Scalar
    let deviceName = "cuda:0"
    let requiresGrad = true
    func scalar(at index: [Int]) -> Scalar { element }
  }

  @Test func namesDeviceGradientAndForeignDTypes() {
    var tensor = Self.floats([2])
    tensor.deviceName = "cuda:0"
    tensor.requiresGrad = true
    #expect(
      TorchPrinter().representation(tensor)
        == "tensor([1., 1.], device='cuda:0', requires_grad=True)")
    let text = SampleTensor(dtype: .bytes(count: 2), shape: [2], bytes: Array("ab\0c".utf8))
    #expect(TorchPrinter().representation(text) == "tensor([b'ab', b'\\x00c'], dtype=S2)")
    let object = SampleTensor(
      dtype: .object, shape: [2], bytes: [UInt8](repeating: 0, count: 16))
    #expect(NumPyPrinter().representation(object) == "array([?, ?], dtype=object)")
  }
}
