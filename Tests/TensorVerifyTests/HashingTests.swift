import TensorIO
import TensorVerify
import Testing

@Suite struct HashingTests {
  /// The hash is of the numbers: order and strides of the bytes make no difference.
  @Test func layoutsOfTheSameNumbersHaveOneHash() throws {
    let rows = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let columns = try Tensor([1, 4, 2, 5, 3, 6] as [Float], shape: [3, 2]).transposed()
    #expect(
      try rows.sha256(limits: DecodingLimits()) == columns.sha256(limits: DecodingLimits()))
    let empty = try Tensor([] as [Float], shape: [0])
    #expect(
      try empty.sha256(limits: DecodingLimits())
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }
}
