import TensorIO

/// A step of the walk through what people do with a GPU; throws or answers what is wrong.
struct Check: Sendable {
  let name: String
  let run: @Sendable (Device, String) throws -> String?
}

/// Bits that differ from one another, for every dtype.
private func ramp(_ count: Int) throws -> Tensor {
  try Tensor((0..<count).map { Float($0 % 4099) / 8 - 200 })
}

private func bytes(_ tensor: Tensor) throws -> [UInt8] {
  var bytes: [UInt8] = []
  try tensor.streamElements { chunk in
    for index in chunk.indices { bytes.append(chunk[index]) }
  }
  return bytes
}

private func error(_ body: () throws -> Void) -> TensorIOError? {
  do {
    try body()
    return nil
  } catch {
    return error as? TensorIOError
  }
}

let checks: [Check] = [
  Check(name: "from_numpy(x).to(cuda), printed with its device") { device, folder in
    try Tensor([1.5, -2, 3] as [Float]).write(to: folder + "x.npy")
    let tensor = try Tensor(contentsOf: folder + "x.npy").to(Device.best)
    let wanted = "tensor([ 1.5000, -2.0000,  3.0000], device='\(device)')"
    return tensor.description == wanted ? nil : "it prints as \(tensor)"
  },
  Check(name: "NumPy export is refused on the device and with a gradient, naming the mending call")
  {
    device, folder in
    let tensor = try ramp(300).to(device)
    let far = error { try tensor.write(to: folder + "far.npy") }
    guard far?.reason.contains("to(.cpu)") == true else { return "on the device: \(far as Any)" }
    let tracked = try ramp(300).tagged(device: .cpu, requiresGrad: true)
    let grad = error { try tracked.write(to: folder + "grad.npy") }
    return grad?.reason.contains("detached()") == true ? nil : "with a gradient: \(grad as Any)"
  },
  Check(name: "detached().to(cpu).numpy() gives the same bits, however often") { device, folder in
    let host = try ramp(1 << 20)
    let back = try host.to(device).detached().to(.cpu)
    guard try back.detached().to(.cpu).storage === back.storage else { return "it moved again" }
    try back.write(to: folder + "back.npy")
    let same = try bytes(Tensor(contentsOf: folder + "back.npy")) == bytes(host)
    return same ? nil : "the bits differ"
  },
  Check(name: "views and tied tensors stay on one storage") { device, _ in
    let weight = try ramp(1200).reshaped(to: [30, 40])
    let archive = try TensorArchive([
      ("weight", weight), ("tied", weight), ("column", try weight.transposed()[3]),
    ]).to(device)
    let storages = Set(archive.entries.map { ObjectIdentifier($0.tensor.storage) })
    guard storages.count == 1 else { return "\(storages.count) storages" }
    let same = try bytes(archive.tensor("column")) == bytes(weight.transposed()[3])
    return same ? nil : "the view has other bits"
  },
  Check(name: "float32 becomes bfloat16, float16, float8_e4m3fn and float64 on the way") {
    device, _ in
    let host = try ramp(3_000_001)
    for dtype in [DType.bfloat16, .float16, .float8E4M3FN, .float64] {
      let moved = try host.converting(to: dtype, policy: .saturating).to(device)
      let wanted = try host.converted(to: dtype, policy: .saturating)
      guard moved.dtype == dtype, moved.device == device, try bytes(moved) == bytes(wanted) else {
        return "\(dtype) differs"
      }
    }
    return nil
  },
  Check(name: "every dtype there and back, read back and compared") { device, _ in
    var options = TransferOptions()
    options.verifies = true
    let raw = try ramp(4096).storage
    for dtype in DType.simple where dtype != .object {
      let count = raw.byteCount * 8 / dtype.bitWidth
      let tensor = try Tensor(dtype: dtype, shape: [count], storage: raw)
      let back = try tensor.to(device, options: options).to(.cpu)
      guard try back.storage.withBytes({ $0.count == raw.byteCount }), back.dtype == dtype else {
        return "\(dtype)"
      }
    }
    return nil
  },
  Check(name: "big-endian numbers arrive little-endian") { device, _ in
    let host = try ramp(100_000)
    let big = try Tensor(
      dtype: .float32, byteOrder: .big, shape: [100_000], storage: host.storage)
    return try bytes(big.to(device)) == bytes(big) ? nil : "the numbers differ"
  },
  Check(name: "what does not fit is refused, and nothing of it stays") { device, _ in
    guard let memory = try CUDA.devices.first?.totalMemory else { return "no device" }
    let part = try ramp(1 << 20)
    let endless = try Tensor(
      dtype: .float32, shape: [memory / 4 + (1 << 28)],
      storage: TensorStorage(Zeros(memory + (1 << 30))))
    let failure = error { _ = try TensorArchive([("a", part), ("b", endless)]).to(device) }
    guard failure?.code == .device, failure?.reason.contains("out of memory") == true else {
      return "\(failure as Any)"
    }
    return try bytes(part.to(device)) == bytes(part) ? nil : "the device is not usable afterwards"
  },
  Check(name: "a device that is not there") { _, _ in
    let failure = error { _ = try ramp(1).to(.cuda(999)) }
    return failure?.code == .device ? nil : "\(failure as Any)"
  },
  Check(name: "DLPack hands out the device's memory and takes it back") { device, _ in
    let tensor = try ramp(5000).to(device)
    let handed = try DLPackTensor(tensor).take()
    let same = try Tensor(dlpack: handed)
    guard same.device == device, same.storage.residence == device else { return "\(same.device)" }
    return try bytes(same) == bytes(tensor) ? nil : "the bits differ"
  },
]

/// Zeros that take no memory.
private final class Zeros: ByteSource {
  let byteCount: Int
  init(_ byteCount: Int) { self.byteCount = byteCount }
  var isResident: Bool { false }
  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }
  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
  }
  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    let chunk = [UInt8](repeating: 0, count: 1 << 20)
    var left = byteCount
    while left > 0 {
      let count = min(left, chunk.count)
      let part = Array(chunk.prefix(count))
      try body(part.span)
      left -= count
    }
  }
}
