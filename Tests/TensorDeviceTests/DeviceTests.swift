import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// What people do by hand in Python with a GPU, as one call each.
@Suite struct DeviceWalkTests {
  @Test func fromNumPyToTheBestDeviceAndPrinted() throws {
    let emulation = try Emulation()
    let folder = try TemporaryFolder()
    try Tensor([1.5, -2, 3] as [Float]).write(to: folder.path("x.npy"))
    try emulation.run {
      #expect(CUDA.isAvailable)
      #expect(Device.best == .cuda(0))
      let tensor = try Tensor(contentsOf: folder.path("x.npy")).to(Device.best)
      #expect(tensor.storage.residence == .cuda(0))
      #expect(tensor.description == "tensor([ 1.5000, -2.0000,  3.0000], device='cuda:0')")
      let again = try tensor.to(.cuda(0))
      #expect(again.storage === tensor.storage)
      #expect(try tensor.to(Device("cuda")).storage === tensor.storage)
      #expect(emulation.driver["live_allocations"] == 1)
    }
    emulation.expectClean()
  }

  @Test func numPyExportNamesTheCallThatMends() throws {
    let emulation = try Emulation()
    let folder = try TemporaryFolder()
    try emulation.run {
      let host = try ramp(300).tagged(device: .cpu, requiresGrad: true)
      let tensor = try host.to(.cuda(0))
      #expect(tensor.requiresGrad)
      let error = #expect(throws: TensorIOError.self) { try tensor.write(to: folder.path("a.npy")) }
      #expect(
        error?.reason.contains("to(.cpu)") == true || error?.reason.contains("detached()") == true)
      let detached = tensor.detached()
      #expect(detached.storage === tensor.storage)
      let other = #expect(throws: TensorIOError.self) {
        try detached.write(to: folder.path("a.npy"))
      }
      #expect(other?.reason.contains("to(.cpu)") == true)
      let back = try tensor.detached().to(.cpu)
      #expect(back.storage.residence == .cpu)
      #expect(try back.detached().to(.cpu).storage === back.storage)
      try back.write(to: folder.path("a.npy"))
      #expect(
        try Tensor(contentsOf: folder.path("a.npy")).array(of: Float.self)
          == (0..<300).map { Float($0) })
      // The tensor on the device is as it was.
      #expect(try tensor.array(of: Float.self)[299] == 299)
    }
    emulation.expectClean()
  }

  /// A `.pt` from a GPU has the tag and its bytes on the host.
  @Test func theTagIsNotTheResidence() throws {
    let emulation = try Emulation()
    try emulation.run {
      let tagged = try ramp(4).tagged(device: .cuda(0), requiresGrad: false)
      #expect(tagged.storage.residence == .cpu)
      let moved = try tagged.to(.cuda(0))
      #expect(moved.storage.residence == .cuda(0))
      #expect(emulation.driver["uploaded_bytes"] == 16)
      let back = try tagged.to(.cpu)
      #expect(back.storage === tagged.storage)
      #expect(back.device == .cpu)
      // The bytes are there already: only the tag is wrong.
      let renamed = moved.tagged(device: .cpu, requiresGrad: false)
      #expect(try renamed.to(.cuda(0)).storage === moved.storage)
      #expect(try renamed.to(.cpu).storage.residence == .cpu)
    }
    emulation.expectClean()
  }

  @Test func devicesAreDescribed() throws {
    let emulation = try Emulation(["devices": 2, "memory": 1 << 20])
    try emulation.run {
      let devices = try CUDA.devices
      #expect(devices.map(\.name) == ["Emulated GPU 0", "Emulated GPU 1"])
      #expect(devices.map(\.device) == [.cuda(0), .cuda(1)])
      #expect(devices[1].totalMemory == 1 << 20)
      #expect(devices[0].computeCapability == (9, 0))
      #expect(devices[0].driverVersion == 12040)
      let error = #expect(throws: TensorIOError(.device, "")) { try ramp(1).to(.cuda(2)) }
      #expect(error?.reason.contains("cuda:2") == true)
      #expect(error?.reason.contains("2 devices were found") == true)
    }
    emulation.expectClean()
  }

  @Test func fromOneDeviceToAnother() throws {
    let emulation = try Emulation(["devices": 2])
    try emulation.run {
      let first = try ramp(1000).to(.cuda(0))
      let second = try first.to(.cuda(1))
      #expect(second.storage.residence == .cuda(1))
      #expect(second.description.hasSuffix("device='cuda:1')"))
      #expect(try second.array(of: Float.self) == (try first.array(of: Float.self)))
    }
    emulation.expectClean()
  }

  @Test func aMissingDriverIsNamed() throws {
    for path in ["/nowhere/libcuda.so.1", Repository.testFile("README.md"), "libm.so.6"] {
      let missing: Result<CUDAPlatform, TensorIOError>
      do throws(TensorIOError) {
        missing = .success(try CUDAPlatform(path: path))
      } catch {
        missing = .failure(error)
      }
      try CUDA.$override.withValue(missing) {
        #expect(!CUDA.isAvailable)
        #expect(CUDA.unavailableReason?.contains(path) == true)
        #expect(Device.best == .cpu)
        #expect(try CUDA.devices.isEmpty)
        let tensor = try ramp(3)
        #expect(try tensor.to(Device.best).storage === tensor.storage)
        let error = #expect(throws: TensorIOError(.device, "")) { try tensor.to(.cuda(0)) }
        #expect(error?.reason.contains(path) == true)
      }
    }
  }

  @Test(arguments: [
    ["devices": 0], ["init_status": 999], ["fail_at": 1], ["fail_at": 2], ["fail_at": 3],
  ])
  func aDriverThatDoesNotStart(settings: [String: Int]) throws {
    let emulation = try Emulation()
    for (name, value) in settings { emulation.driver.set(name, value) }
    try emulation.run {
      #expect(!CUDA.isAvailable)
      #expect(Device.best == .cpu)
      #expect(throws: TensorIOError(.device, "")) { try ramp(3).to(.cuda(0)) }
    }
    emulation.expectClean()
  }

  @Test func otherDevicesAreRefused() throws {
    let emulation = try Emulation()
    try emulation.run {
      for name in ["mps", "xpu:0", "meta"] {
        let error = #expect(throws: TensorIOError(.device, "")) { try ramp(1).to(Device(name)) }
        #expect(error?.reason.contains(name) == true)
      }
    }
  }
}
