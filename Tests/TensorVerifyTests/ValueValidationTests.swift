import TensorIO
import TensorVerify
import TestSupport
import Testing

/// What is asked of numbers.
@Suite struct ValueValidationTests {
  private func findings(
    _ tensor: Tensor, as name: String = "x.npy", _ change: (inout ValidationOptions) -> Void
  ) throws -> [Finding] {
    let folder = try TemporaryFolder()
    try tensor.write(to: folder.path(name))
    var options = ValidationOptions()
    change(&options)
    let result = Validator(options: options).validate(folder.path(name))
    #expect(result.errors.isEmpty, "\(result.errors)")
    return result.findings
  }

  private func notFinite(_ tensor: Tensor, as name: String = "x.npy") throws -> [Finding] {
    try findings(tensor, as: name) { $0.requiresFinite = true }
  }

  private func outside(_ tensor: Tensor, _ least: Double, _ most: Double) throws -> [Finding] {
    try findings(tensor) { $0.ranges = [ValueRange(.glob("*"), least, most)] }
  }

  @Test func theFirstNumberThatIsNotFiniteIsNamed() throws {
    let numbers: [Float] = [0, -0.0, .greatestFiniteMagnitude, 1, .nan, -.infinity]
    let tensor = try Tensor(numbers, shape: [2, 3])
    let found = try notFinite(tensor)
    #expect(found.map(\.code) == [.notFinite])
    #expect(found[0].message == "2 of 6 elements are not finite; the first is [1, 1]")
    #expect(try notFinite(tensor.transposed())[0].message.hasSuffix("the first is [1, 1]"))
    #expect(try notFinite(Tensor([1, 2] as [Float], shape: [2])).isEmpty)
  }

  @Test(arguments: DType.simple.filter { $0.isFloatingPoint || $0.isComplex })
  func everyDTypeWithInfinitiesOrNaNsIsLookedAt(_ dtype: DType) throws {
    // float4 has neither, and casts of NaN give none.
    guard dtype != .float4E2M1FNx2 else { return }
    let isTorch = dtype.torchName != nil
    let source = try Tensor([1, .nan, 2] as [Double], shape: [3])
    let tensor = try source.converted(to: dtype, policy: .wrapping)
    let found = try notFinite(tensor, as: isTorch ? "x.pt" : "x.npy")
    #expect(found.map(\.code) == [.notFinite], "\(dtype)")
    #expect(found.first?.message.hasPrefix("1 of 3") == true, "\(found)")
    let fine = try Tensor([1, 0.5, 2] as [Double], shape: [3]).converted(to: dtype)
    #expect(try notFinite(fine, as: isTorch ? "x.pt" : "x.npy").isEmpty, "\(dtype)")
  }

  @Test func aNumberInTheMiddleOfALargeTensorIsFound() throws {
    var numbers = [Float](repeating: 1, count: 3_000_000)
    numbers[2_345_678] = .infinity
    let found = try notFinite(Tensor(numbers, shape: [3_000_000]))
    #expect(found.first?.message.hasSuffix("the first is [2345678]") == true)
  }

  @Test func rangesOfLargeIntegersAreExact() throws {
    let tensor = try Tensor([1 << 53 + 1, -(1 << 53)] as [Int64], shape: [2])
    #expect(try outside(tensor, -0x1p53, 0x1p53).map(\.code) == [.outOfRange])
    #expect(try outside(tensor, -0x1p53, 0x1p54).isEmpty)
    let most = try Tensor([.max, 0] as [UInt64], shape: [2])
    #expect(try outside(most, 0, 0x1p64).isEmpty)
    #expect(try outside(most, 0, 0x1p63).map(\.code) == [.outOfRange])
    #expect(try outside(most, -5, -1).map(\.code) == [.outOfRange])
    #expect(try outside(most, 0.5, .infinity)[0].message.contains("the first is [1]"))
  }

  @Test func aNaNLiesInNoRange() throws {
    let tensor = try Tensor([.nan, 1] as [Double], shape: [2])
    #expect(try outside(tensor, -.infinity, .infinity).map(\.code) == [.outOfRange])
  }

  @Test func whatIsNotLookedAtIsSaid() throws {
    let records = try Tensor(contentsOf: Repository.testFile("npy/valid/record-plain.npy"))
    #expect(try notFinite(records).map(\.code) == [.uncheckedValues])
    let complex = try Tensor([1] as [Double], shape: [1]).converted(to: .complex64)
    #expect(try outside(complex, 0, 1).map(\.code) == [.uncheckedValues])
  }

  @Test func aRangeOfNothingIsAFinding() throws {
    let tensor = try Tensor([1] as [Float], shape: [1])
    let found = try findings(tensor) { $0.ranges = [ValueRange(.glob("w*"), 0, 1)] }
    #expect(found.map(\.code) == [.missingTensor])
  }
}
