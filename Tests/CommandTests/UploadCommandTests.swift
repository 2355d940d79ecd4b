import Foundation
import TensorIO
import TestSupport
import Testing

/// `devices` and `upload` as processes that load the emulated driver.
@Suite struct UploadCommandTests {
  private let demo = Repository.testFile("demo/mnist-mlp.npz")

  /// The result, and what the driver says was left behind.
  private func run(
    _ arguments: String..., settings: String = "devices=2"
  ) throws -> (result: ProgramResult, left: [String]) {
    let folder = try TemporaryFolder()
    let result = try TestSupport.run(
      Command.path, arguments,
      environment: [
        "TENSORIO_CUDA_DRIVER": try EmulatedDriver.built.get(),
        "TENSORIO_EMULATED_CUDA": settings,
        "TENSORIO_EMULATED_CUDA_REPORT": folder.path("report"),
      ])
    let report = String(decoding: try bytes(of: folder.path("report")), as: UTF8.self)
    let lines = report.split(separator: "\n").map(String.init)
    #expect(lines.count > 10)
    // What is kept to be used again goes with the process: contexts and staging buffers.
    return (
      result,
      lines.filter { line in
        ["live_allocations=", "misuse=", "pageable_copies="].contains(where: line.hasPrefix)
          && !line.hasSuffix("=0") && line != "misuse="
      }
    )
  }

  private func object(_ line: some StringProtocol) throws -> [String: Any] {
    let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return try #require(parsed as? [String: Any])
  }

  @Test func devicesAreListed() throws {
    let (result, _) = try run("devices")
    #expect(result.status == 0)
    #expect(
      result.output == """
        DEVICE  NAME            MEMORY  COMPUTE  CUDA
        cuda:0  Emulated GPU 0  1.1 GB  9.0      12.4
        cuda:1  Emulated GPU 1  1.1 GB  9.0      12.4

        """)
    let (json, _) = try run("devices", "--json")
    let devices = try #require(try object(json.output)["devices"] as? [[String: Any]])
    #expect(devices.count == 2)
    #expect(devices[1]["device"] as? String == "cuda:1")
    #expect(devices[1]["memory"] as? Int == 1 << 30)
    #expect(devices[1]["cuda_version"] as? String == "12.4")
  }

  @Test func noDriverIsAFindingWithItsReason() throws {
    let environment = ["TENSORIO_CUDA_DRIVER": "/nowhere/libcuda.so.1"]
    let result = try Command.run("devices", "--json", environment: environment)
    #expect(result.status == 1)
    #expect(result.errors.contains("no CUDA device: the CUDA driver /nowhere/libcuda.so.1"))
    let json = try object(result.output)
    #expect((json["devices"] as? [Any])?.isEmpty == true)
    #expect((json["unavailable"] as? String)?.contains("/nowhere") == true)
    let upload = try Command.run("upload", demo, environment: environment)
    #expect(upload.status == 2)
    #expect(upload.output == "")
    #expect(upload.errors.contains("cuda:0 is not available: the CUDA driver /nowhere"))
  }

  @Test func anUploadIsMeasuredAndVerified() throws {
    let (result, left) = try run(
      "upload", "--device", "cuda:1", "--verify", "--repeat", "3", "--json", demo)
    #expect(result.status == 0, "\(result.errors)")
    #expect(left == [])
    let json = try object(result.output)
    #expect(json["device"] as? String == "cuda:1")
    #expect(json["tensors"] as? Int == 6)
    #expect(json["byte_count"] as? Int == (try TensorArchive(contentsOf: demo).byteCount))
    #expect((json["seconds"] as? [Double])?.count == 3)
    #expect(json["verified"] as? Bool == true)
    let rates = ["bytes_per_second", "pinned_bytes_per_second"].map { json[$0] as? Double ?? 0 }
    #expect(rates.allSatisfy { $0 > 0 })

    let (text, _) = try run("upload", demo)
    #expect(text.status == 0)
    #expect(text.output.contains("6 tensors"))
    #expect(text.output.contains("% of a pinned copy's"))
  }

  @Test func elementsAreConvertedOnTheirWay() throws {
    let (result, left) = try run(
      "upload", "--dtype", "floating:bfloat16", "--dtype", "*bias=float64", "--verify", "--json",
      demo)
    #expect(result.status == 0, "\(result.errors)")
    #expect(left == [])
    let archive = try TensorArchive(contentsOf: demo)
    let wanted = archive.entries.reduce(0) { sum, entry in
      let tensor = entry.tensor
      guard tensor.dtype.isFloatingPoint else { return sum + tensor.byteCount }
      return sum + tensor.count * (entry.name.hasSuffix("bias") ? 8 : 2)
    }
    #expect(try object(result.output)["byte_count"] as? Int == wanted)

    let (refused, nothing) = try run(
      "upload", "--dtype", "int8", "--cast-policy", "exact", demo)
    #expect(refused.status == 2)
    #expect(refused.errors.contains("which int8 cannot hold"))
    #expect(nothing == [])
  }

  @Test func failuresEndWithTwoAndLeaveNothing() throws {
    for (settings, words) in [
      ("memory=10000", "out of memory"), ("fail_at=40", "failed"), ("fail_copy=33", "failed"),
    ] {
      let (result, left) = try run("upload", demo, settings: settings)
      #expect(result.status == 2, "\(settings)")
      #expect(result.errors.contains(words), "\(settings): \(result.errors)")
      #expect(left == [], "\(settings)")
    }
    let (other, _) = try run("upload", "--device", "cuda:5", demo)
    #expect(other.status == 2)
    #expect(other.errors.contains("there is no device cuda:5; 2 devices were found"))
    // A bit that a copy changed: 32 copies measure the ceiling.
    let (corrupt, left) = try run("upload", "--verify", demo, settings: "corrupt_copy=40")
    #expect(corrupt.status == 2)
    #expect(corrupt.errors.contains("not what was sent"))
    #expect(left == [])
  }

  @Test func wrongCommandLines() throws {
    for arguments in [
      ["--device", "cpu"], ["--device", "cuda:x"], ["--repeat", "0"], ["--dtype"],
    ] {
      let result = try Command.run(list: ["upload"] + arguments + [demo])
      #expect(result.status == 64, "\(arguments)")
    }
    #expect(try Command.run("upload").status == 64)
  }
}
