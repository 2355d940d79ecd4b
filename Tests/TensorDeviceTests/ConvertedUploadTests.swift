import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// Tensors that become another dtype on their way to a device.
@Suite struct ConvertedUploadTests {
  private static let numbers = (0..<3001).map { Float($0 % 509) / 4 - 60 }

  private func check(_ tensor: Tensor, _ dtype: DType, _ policy: CastPolicy) throws {
    let moved = try tensor.converting(to: dtype, policy: policy).to(.cuda(0))
    let wanted = try tensor.converted(to: dtype, policy: policy)
    #expect(moved.storage.residence == .cuda(0) && moved.dtype == dtype)
    #expect(moved.shape == wanted.shape)
    #expect(try contents(moved) == contents(wanted), "\(tensor.dtype) to \(dtype)")
  }

  private func contents(_ tensor: Tensor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try tensor.streamElements { bytes += $0.array }
    return bytes
  }

  @Test func fromMemoryFilesAndArchives() throws {
    let emulation = try Emulation(["late_microseconds": 20])
    let folder = try TemporaryFolder()
    let tensor = try Tensor(Self.numbers)
    try tensor.write(to: folder.path("a.npy"))
    try TensorArchive([("a", tensor)]).write(to: folder.path("a.pt"))
    var options = WritingOptions()
    options.compressionLevel = 1
    try TensorArchive([("a", tensor)]).write(to: folder.path("a.npz"), options: options)
    let sources = [
      tensor, try Tensor(contentsOf: folder.path("a.npy")),
      try TensorArchive(contentsOf: folder.path("a.pt")).tensor("a"),
      try TensorArchive(contentsOf: folder.path("a.npz")).tensor("a"),
    ]
    try emulation.run {
      for source in sources {
        for dtype in [DType.bfloat16, .float64, .float8E4M3FN, .int8, .complex64] {
          try check(source, dtype, .checked)
          try check(source[7..<2000], dtype, .checked)
        }
        try check(source[1...], .float4E2M1FNx2, .saturating)
        try check(source[1...].reshaped(to: [30, 100]).transposed(), .float16, .checked)
      }
    }
    emulation.expectClean()
  }

  @Test func whatIsRefusedLeavesNothing() throws {
    let emulation = try Emulation()
    try emulation.run {
      var numbers = Self.numbers
      numbers[2990] = 1000
      let tensor = try Tensor(numbers)
      let error = #expect(throws: TensorIOError(.lossy, "")) {
        try tensor.converting(to: .int8).to(.cuda(0))
      }
      #expect(error?.reason.contains("element 2990 is 1000.0") == true)
      #expect(emulation.driver["live_allocations"] == 0)
      var options = TransferOptions()
      options.verifies = true
      let moved = try tensor.converting(to: .int8, policy: .saturating)
        .to(.cuda(0), options: options)
      #expect(try moved.array(of: Int8.self)[2990] == 127)
    }
    emulation.expectClean()
  }
}
