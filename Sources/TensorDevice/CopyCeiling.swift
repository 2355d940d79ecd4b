public import ByteIO
internal import CCUDADriver
public import TensorModel

extension CUDA {
  /// How fast this machine copies pinned memory to a device, in bytes a second: what no upload can
  /// pass.
  ///
  /// Measured anew each time, in about a tenth of a second: the best of several runs of large copies
  /// one after the other, with nothing else to do. Needs 64 MiB on the host and the device, or less
  /// where the device has less than 256 free.
  /// - Throws: `device` where there is no such device, and when a call fails.
  public static func measuredCopyRate(to device: Device) throws(TensorIOError) -> Double {
    guard device.kind == "cuda" else {
      throw .invalidArgument("'\(device)' is no CUDA device; write it like cuda:0")
    }
    let lanes = try lanes(device)
    let byteCount = max(1, min(64 << 20, try lanes.context.memory().free / 4))
    let memory = try DeviceMemory(lanes, byteCount: byteCount)
    let buffer = try PinnedBuffer(lanes.context, byteCount: byteCount)
    let stream = try CUDAStream(lanes.context)
    // Neither memory goes while a copy uses it, on errors neither.
    defer {
      stream.settle()
      withExtendedLifetime((memory, buffer)) {}
    }
    let copies = 8
    var best = Duration.seconds(Int64.max)
    let clock = ContinuousClock()
    // The first run warms up.
    for _ in 0..<4 {
      let start = clock.now
      for _ in 0..<copies { try stream.copy(byteCount, of: buffer, to: memory.address) }
      try stream.synchronize()
      best = min(best, clock.now - start)
    }
    return Double(copies * byteCount) / max(best / .seconds(1), 1e-9)
  }
}
