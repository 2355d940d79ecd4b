internal import ArgumentParser
internal import JSONText
internal import TensorIO

/// `tensorio devices`.
struct Devices: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the CUDA devices that tensors can be uploaded to.",
    discussion: """
      The driver is libcuda.so.1, or the library that TENSORIO_CUDA_DRIVER names. Exit status 1 says \
      that there is none, or no device.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    try reporting(isJSON: json) { report in
      let devices = try CUDA.devices
      if json {
        try report.line(
          .object([
            ("devices", .array(devices.map(\.json))),
            ("unavailable", .optional(CUDA.unavailableReason)),
          ]))
      } else if !devices.isEmpty {
        var table = Table(["DEVICE", "NAME", "MEMORY", "COMPUTE", "CUDA"], numeric: [2])
        for device in devices {
          table.add([
            "\(device.device)", device.name.escapedForDisplay, device.totalMemory.byteText,
            device.computeText, device.driverText,
          ])
        }
        for line in table.lines(styled: Stream.output.isStyled) { try report.line(line) }
      }
      if let reason = CUDA.unavailableReason {
        try report.warn("no CUDA device: \(reason.escapedForDisplay)")
      }
    }
  }
}

extension CUDADevice {
  fileprivate var computeText: String { "\(computeCapability.major).\(computeCapability.minor)" }
  /// 12040 is CUDA 12.4.
  fileprivate var driverText: String { "\(driverVersion / 1000).\(driverVersion % 1000 / 10)" }

  fileprivate var json: JSON {
    .object([
      ("device", .string("\(device)")), ("name", .string(name)), ("memory", .int(totalMemory)),
      ("compute_capability", .string(computeText)), ("cuda_version", .string(driverText)),
      ("unified_addressing", .bool(hasUnifiedAddressing)),
    ])
  }
}
