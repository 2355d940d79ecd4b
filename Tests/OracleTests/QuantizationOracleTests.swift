import Foundation
import TensorIO
import TestSupport
import Testing

/// Quantized tensors made of numbers and made numbers again, against PyTorch.
@Suite struct QuantizationOracleTests {
  private struct Cases: Decodable {
    let cases: [String]
    let left_out: [[String]]
  }

  @Test func asPyTorchQuantizes() throws {
    guard Oracle.python != nil, Oracle.hasTorch else {
      if Repository.isCI { Issue.record("no Python with PyTorch: script/test --with-torch") }
      return print("QUANTIZATION ORACLE LEFT OUT: no Python with PyTorch")
    }
    let folder = try TemporaryFolder()
    let seed = UInt32.random(in: 0...UInt32.max)
    print("quantization: seed \(seed)")
    let script = Repository.root.appending(path: "Tests/Oracle/quantization.py").path
    let output = try Oracle.run([script, folder.url.path, "\(seed)"])
    let cases = try JSONDecoder().decode(Cases.self, from: Data(output.utf8))
    #expect(cases.cases.count >= 8, "\(cases.left_out)")
    for name in cases.cases {
      let archive = try TensorArchive(contentsOf: folder.path("\(name).pt"))
      let (numbers, wanted) = (try archive.tensor("x"), try archive.tensor("q"))
      let quantization = try #require(wanted.quantization)
      let found = try numbers.quantized(to: wanted.dtype, quantization)
      #expect(try bytes(of: found) == bytes(of: wanted), "\(name)")
      let back = try found.converted(to: .float32)
      #expect(
        try bytes(of: back) == bytes(of: archive.tensor("back")), "\(name), as numbers again")
    }
  }

  private func bytes(of tensor: Tensor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try tensor.streamElements { bytes += $0.array }
    return bytes
  }

  @Test func whatCannotBeQuantizedIsRefused() throws {
    let one = Quantization.perTensor(scheme: .perTensorAffine, scale: 0.5, zeroPoint: 0)
    let tensor = try Tensor([1, -2, .infinity, -.infinity, 1e30] as [Float])
    #expect(
      try tensor.quantized(to: .qint8, one).converted(to: .float32).array(of: Float.self)
        == [1, -2, 63.5, -64, 63.5])
    let error = #expect(throws: TensorIOError(.lossy, "")) {
      try Tensor([1, .nan] as [Float]).quantized(to: .qint8, one)
    }
    #expect(error?.reason.contains("element 1") == true)
    for (scale, zeroPoint) in [(0.0, 0), (-1, 0), (.nan, 0), (.infinity, 0), (1e-46, 0), (1, 128)] {
      #expect(throws: TensorIOError(.invalidArgument, "")) {
        try tensor.quantized(
          to: .qint8,
          .perTensor(scheme: .perTensorAffine, scale: scale, zeroPoint: Int64(zeroPoint)))
      }
    }
    #expect(throws: TensorIOError(.invalidArgument, "")) { try tensor.quantized(to: .int8, one) }
  }
}
