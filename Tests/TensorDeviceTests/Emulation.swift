import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// An emulated driver and what talks to it.
struct Emulation {
  let driver: EmulatedDriver
  /// Small buffers, so that small tensors need several.
  static let smallStaging: Staging = {
    var staging = Staging()
    staging.bufferBytes = 256
    staging.laneCount = 3
    return staging
  }()

  init(_ settings: KeyValuePairs<String, Int> = [:]) throws {
    driver = try EmulatedDriver()
    for (name, value) in settings { driver.set(name, value) }
  }

  /// Runs `body` as if the emulated driver were the system's, then lets go of it.
  func run<R>(
    staging: Staging = smallStaging, _ body: () throws -> R
  ) throws -> R {
    try CUDA.$override.withValue(platform(staging), operation: body)
  }

  func platform(_ staging: Staging = smallStaging) -> Result<CUDAPlatform, TensorIOError> {
    do throws(TensorIOError) {
      return .success(try CUDAPlatform(path: driver.path, staging: staging))
    } catch {
      return .failure(error)
    }
  }

  /// Nothing is left behind, and nothing was done that no program may do.
  func expectClean(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(driver.complaints == [], sourceLocation: sourceLocation)
  }
}

/// The tensors that one test after the other wants.
func ramp(_ count: Int, from first: Float = 0) throws -> Tensor {
  try Tensor((0..<count).map { first + Float($0) })
}
