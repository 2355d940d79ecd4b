import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// Several tasks with one device.
@Suite struct ConcurrencyTests {
  @Test func tasksShareADevice() async throws {
    let emulation = try Emulation(["late_microseconds": 30, "devices": 2])
    let shared = try ramp(3000)
    try await CUDA.$override.withValue(emulation.platform()) {
      let onDevice = try shared.to(.cuda(0))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<12 {
          group.addTask {
            for round in 0..<4 {
              let own = try ramp(500 + 17 * task, from: Float(round))
              let moved = try own.to(.cuda(task % 2))
              #expect(try moved.array(of: Float.self) == (try own.array(of: Float.self)))
              #expect(try onDevice[task * 10].array(of: Float.self) == [Float(task * 10)])
              let archive = try TensorArchive([("a", shared), ("b", shared[100...])])
              let there = try archive.to(.cuda(1))
              #expect(try there.tensor("b").to(.cpu).array(of: Float.self)[0] == 100)
            }
          }
        }
        try await group.waitForAll()
      }
    }
    emulation.expectClean()
  }

  @Test func aCancelledTaskLeavesNothing() async throws {
    let emulation = try Emulation()
    await CUDA.$override.withValue(emulation.platform()) {
      let task = Task {
        // Cancelled before it begins, by itself.
        unsafe withUnsafeCurrentTask { task in unsafe task?.cancel() }
        return try ramp(5000).to(.cuda(0))
      }
      let result = await task.result
      let error = #expect(throws: TensorIOError(.device, "")) { try result.get() }
      #expect(error?.reason.contains("cancelled") == true)
      #expect(emulation.driver["live_allocations"] == 0)
    }
    emulation.expectClean()
  }

  /// The last reference goes on a thread that never had the context.
  @Test func tensorsAreFreedFromAnywhere() async throws {
    let emulation = try Emulation()
    try await CUDA.$override.withValue(emulation.platform()) {
      let tensors = try (0..<20).map { try ramp(100 + $0).to(.cuda(0)) }
      await withTaskGroup(of: Void.self) { group in
        for tensor in tensors {
          group.addTask { _ = consume tensor }
        }
      }
    }
    emulation.expectClean()
  }
}
