package import ByteIO
public import TensorModel

/// A CUDA device as its driver describes it.
public struct CUDADevice: Sendable {
  /// Which one: the 0 of `cuda:0`.
  public let ordinal: Int
  /// The product's name.
  public let name: String
  /// The memory in bytes.
  public let totalMemory: Int
  /// The version of the hardware's abilities, (9, 0) for an H100.
  public let computeCapability: (major: Int, minor: Int)
  /// Whether the addresses of host and devices are distinct.
  public let hasUnifiedAddressing: Bool
  /// The newest CUDA version that the driver runs: 12040 for 12.4.
  public let driverVersion: Int

  /// The device for ``Tensor/to(_:options:)``.
  public var device: Device { .cuda(ordinal) }
}

/// NVIDIA's devices, as far as the driver on this machine has any.
///
/// The driver is looked for once, when it is first needed: the library that `TENSORIO_CUDA_DRIVER`
/// names, or else `libcuda.so.1`. Without one everything but moving tensors to a device works.
public enum CUDA {
  /// Whether there is a driver with at least one device.
  public static var isAvailable: Bool { unavailableReason == nil }

  /// Why there is no device to be used; nil when there is one.
  public static var unavailableReason: String? {
    do throws(TensorIOError) {
      _ = try platform()
      return nil
    } catch {
      return error.reason
    }
  }

  /// The devices by ordinal; none where CUDA is not available.
  /// - Throws: `device` when the driver does not describe one.
  public static var devices: [CUDADevice] {
    get throws(TensorIOError) {
      guard let platform = try? platform() else { return [] }
      var devices: [CUDADevice] = []
      for ordinal in 0..<platform.driver.deviceCount {
        devices.append(try platform.driver.describe(ordinal))
      }
      return devices
    }
  }

  /// The driver for whatever runs inside `$override.withValue`, for tests.
  @TaskLocal package static var override: Result<CUDAPlatform, TensorIOError>?

  private static let system: Result<CUDAPlatform, TensorIOError> = opened(nil)

  private static func opened(_ path: String?) -> Result<CUDAPlatform, TensorIOError> {
    do throws(TensorIOError) {
      return .success(try CUDAPlatform(path: path))
    } catch {
      return .failure(error)
    }
  }

  static func platform() throws(TensorIOError) -> CUDAPlatform {
    try (override ?? system).get()
  }

  /// What tensors are moved to and from a device with.
  /// - Throws: `device` when there is none.
  static func lanes(_ device: Device) throws(TensorIOError) -> StagingLanes {
    do throws(TensorIOError) {
      return try platform().lanes(device.index ?? 0)
    } catch {
      throw TensorIOError(.device, "\(device) is not available: \(error.reason)")
    }
  }
}

extension Device {
  /// The first CUDA device where there is one, otherwise the host: Python's
  /// `"cuda:0" if torch.cuda.is_available() else "cpu"`.
  public static var best: Device { CUDA.isAvailable ? .cuda(0) : .cpu }
}

/// A driver with the contexts that are in use.
package final class CUDAPlatform: Sendable {
  let driver: CUDADriver
  private let staging: Staging
  private let inUse = Locked<[Int: StagingLanes]>([:])

  /// Opens a driver.
  /// - Parameter path: nil for the system's.
  /// - Throws: `device` when there is none, or no device.
  package init(path: String?, staging: Staging = Staging()) throws(TensorIOError) {
    driver = try CUDADriver(path: path)
    self.staging = staging
    guard driver.deviceCount > 0 else {
      throw TensorIOError(.device, "the CUDA driver found no device")
    }
  }

  /// The context of a device with its staging buffers; retained until the platform goes.
  func lanes(_ ordinal: Int) throws(TensorIOError) -> StagingLanes {
    try inUse.withLock { (inUse) throws(TensorIOError) in
      if let lanes = inUse[ordinal] { return lanes }
      let lanes = StagingLanes(try CUDAContext(driver, ordinal: ordinal), staging)
      inUse[ordinal] = lanes
      return lanes
    }
  }
}
