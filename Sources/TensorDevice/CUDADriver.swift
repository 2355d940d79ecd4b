internal import ByteIO
internal import CCUDADriver

/// One opened CUDA driver library.
@safe
package final class CUDADriver: Sendable {
  // SAFETY: the table is filled before anybody else sees it, never written again, and freed by
  // `deinit`; the driver's functions may be called from any thread.
  nonisolated(unsafe) let table: OpaquePointer
  /// 12040 for CUDA 12.4: the newest version that the driver can run.
  let version: Int
  let deviceCount: Int

  /// Opens and initialises a driver.
  /// - Parameter path: nil for the one that `TENSORIO_CUDA_DRIVER` names, or else `libcuda.so.1`.
  /// - Throws: `device` saying what was looked for, or what the driver answered.
  init(path: String?) throws(TensorIOError) {
    var reason = [CChar](repeating: 0, count: 1024)
    let opened = unsafe reason.withUnsafeMutableBufferPointer { buffer in
      unsafe tio_cuda_open(path, buffer.baseAddress, buffer.count)
    }
    guard let opened = unsafe opened else {
      let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw TensorIOError(.device, String(decoding: text, as: UTF8.self))
    }
    do throws(TensorIOError) {
      unsafe try Self.require(tio_cuda_init(opened), "cuInit", opened)
      var (version, count): (Int32, Int32) = (0, 0)
      unsafe try Self.require(
        tio_cuda_driver_version(opened, &version), "cuDriverGetVersion", opened)
      unsafe try Self.require(tio_cuda_device_count(opened, &count), "cuDeviceGetCount", opened)
      unsafe table = opened
      self.version = Int(version)
      deviceCount = max(0, Int(count))
    } catch {
      unsafe tio_cuda_forget(opened)
      throw error
    }
  }

  deinit { unsafe tio_cuda_forget(table) }

  /// Turns a status into an error that has the driver's own words.
  func require(_ status: Int32, _ call: String) throws(TensorIOError) {
    unsafe try Self.require(status, call, table)
  }

  private static func require(
    _ status: Int32, _ call: String, _ table: OpaquePointer
  ) throws(TensorIOError) {
    guard status != tio_cuda_success else { return }
    let name = unsafe tio_cuda_error_name(table, status).map { unsafe String(cString: $0) }
    let text = unsafe tio_cuda_error_text(table, status).map { unsafe String(cString: $0) }
    throw TensorIOError(
      .device, "\(call) failed: \(text ?? "no reason given") (\(name ?? "status") \(status))")
  }

  /// The driver's number for a device.
  /// - Throws: `device` naming how many there are.
  func device(_ ordinal: Int) throws(TensorIOError) -> Int32 {
    guard (0..<deviceCount).contains(ordinal) else {
      throw TensorIOError(
        .device,
        "there is no device cuda:\(ordinal); "
          + (deviceCount == 1 ? "there is cuda:0 only" : "\(deviceCount) devices were found"))
    }
    var device: Int32 = 0
    unsafe try require(tio_cuda_device_get(table, &device, Int32(ordinal)), "cuDeviceGet")
    return device
  }

  func describe(_ ordinal: Int) throws(TensorIOError) -> CUDADevice {
    let device = try device(ordinal)
    var name = [CChar](repeating: 0, count: 256)
    unsafe try require(
      tio_cuda_device_name(table, &name, Int32(name.count - 1), device), "cuDeviceGetName")
    var memory = 0
    unsafe try require(tio_cuda_device_memory(table, &memory, device), "cuDeviceTotalMem")
    func attribute(_ which: Int) throws(TensorIOError) -> Int {
      var value: Int32 = 0
      unsafe try require(
        tio_cuda_device_attribute(table, &value, Int32(which), device), "cuDeviceGetAttribute")
      return Int(value)
    }
    let text = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return CUDADevice(
      ordinal: ordinal, name: String(decoding: text, as: UTF8.self), totalMemory: memory,
      computeCapability: (
        try attribute(Int(tio_cuda_attribute_major)), try attribute(Int(tio_cuda_attribute_minor))
      ),
      hasUnifiedAddressing: try attribute(Int(tio_cuda_attribute_unified_addressing)) != 0,
      driverVersion: version)
  }
}
