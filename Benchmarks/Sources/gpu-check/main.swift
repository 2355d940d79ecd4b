// Whether moving tensors to a real device works, and how fast it is.
//
//     gpu-check check FOLDER                 every check, one JSON object
//     gpu-check make FILE GIB                a .pt of so many GiB of float32
//     gpu-check upload FILE ROUNDS           how fast it goes to cuda:0, as it is and as bfloat16

import TensorIO

@MainActor
func check(_ folder: String) throws -> Bool {
  let device = Device.best
  guard device != .cpu else {
    print("{\"unavailable\": \(quoted(CUDA.unavailableReason ?? ""))}")
    return false
  }
  var lines: [String] = []
  var isGood = true
  for check in checks {
    var failure: String?
    do { failure = try check.run(device, folder + "/") } catch { failure = "\(error)" }
    isGood = isGood && failure == nil
    lines.append(
      "{\"check\": \(quoted(check.name)), \"failure\": \(failure.map(quoted) ?? "null")}")
  }
  let devices = try CUDA.devices.map { device in
    "{\"name\": \(quoted(device.name)), \"memory\": \(device.totalMemory), "
      + "\"compute_capability\": \"\(device.computeCapability.major)."
      + "\(device.computeCapability.minor)\", \"cuda_version\": \(device.driverVersion)}"
  }
  print("{\"devices\": [\(devices.joined(separator: ", "))],")
  print(" \"checks\": [\n  \(lines.joined(separator: ",\n  "))]}")
  return isGood
}

func make(_ path: String, gibibytes: Double) throws {
  // 64 MiB each, as the layers of a model.
  let side = 4096
  let layer = try Tensor((0..<side * side).map { Float(($0 &* 7919) % 8191) / 64 - 64 })
  let count = max(1, Int(gibibytes * 16))
  let layers = try (0..<count).map { (index) throws -> (String, Tensor) in
    // Storages of their own on the same bytes.
    let storage = TensorStorage(layer.storage.source)
    return (
      "layers.\(index).weight", try Tensor(dtype: .float32, shape: [side, side], storage: storage)
    )
  }
  try TensorArchive(layers).write(to: path)
}

func upload(_ path: String, rounds: Int) throws {
  let ceiling = try CUDA.measuredCopyRate(to: .cuda(0))
  let clock = ContinuousClock()
  var fields = ["\"pinned_bytes_per_second\": \(ceiling)"]
  for (name, dtype) in [("float32", DType?.none), ("bfloat16", .bfloat16)] {
    var seconds: [Double] = []
    var moved = 0
    for _ in 0..<max(1, rounds) {
      let start = clock.now
      var archive = try TensorArchive(contentsOf: path)
      if let dtype {
        archive = try TensorArchive(
          try archive.entries.map { ($0.name, try $0.tensor.converting(to: dtype)) })
      }
      let there = try archive.to(.cuda(0))
      seconds.append((clock.now - start) / .seconds(1))
      moved = there.byteCount
    }
    fields.append("\"\(name)\": {\"bytes\": \(moved), \"seconds\": \(seconds)}")
  }
  print("{\(fields.joined(separator: ", "))}")
}

/// A text as JSON.
func quoted(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": quoted += "\\\(scalar)"
    case _ where scalar.value < 0x20: quoted += " "
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}

let arguments = CommandLine.arguments
switch (arguments.dropFirst().first, arguments.count) {
case ("check", 3):
  guard try check(arguments[2]) else { throw TensorIOError(.device, "a check failed") }
case ("make", 4): try make(arguments[2], gibibytes: Double(arguments[3]) ?? 1)
case ("upload", 4): try upload(arguments[2], rounds: Int(arguments[3]) ?? 3)
default: throw TensorIOError(.invalidArgument, "usage: gpu-check check|make|upload …")
}
