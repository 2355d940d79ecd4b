import TensorData
import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// Batches of a dataset that are made on a device.
@Suite struct BatchUploadTests {
  private func batches(prefetch: Int) throws -> TensorBatches {
    let data = try TensorDataset([
      "x": Tensor((0..<300).map { UInt8($0 % 256) }, shape: [100, 3]), "y": Tensor.arange(100),
    ]).scaling("x", by: 0.5)
    return data.batches(of: 16, shuffle: .seeded(7), prefetch: prefetch, on: .cuda(0))
  }

  @Test(arguments: [0, 3]) func theyHoldTheRowsThatTheyName(_ prefetch: Int) async throws {
    let emulation = try Emulation(["late_microseconds": 20])
    // The override holds in the task that makes the iterator; workers get what it found.
    try await CUDA.$override.withValue(emulation.platform()) {
      var count = 0
      for try await batch in try batches(prefetch: prefetch) {
        let (x, y) = (try batch["x"], try batch["y"])
        #expect(x.storage.residence == .cuda(0) && y.device == .cuda(0))
        #expect(try y.array(of: Int64.self).map { Int($0) } == batch.rows)
        let expected = batch.rows.flatMap { row in (0..<3).map { Float((3 * row + $0) % 256) / 2 } }
        #expect(try x.array(of: Float.self) == expected)
        count += batch.count
      }
      #expect(count == 100)
    }
    emulation.expectClean()
  }

  @Test func aMissingDeviceIsAnErrorAtTheStart() async throws {
    let missing = TensorIOError(.device, "there is none")
    try await CUDA.$override.withValue(.failure(missing)) {
      var iterator = try batches(prefetch: 2).makeAsyncIterator()
      let error = await #expect(throws: TensorIOError.self) { try await iterator.next() }
      #expect(error?.code == .device)
    }
  }
}
