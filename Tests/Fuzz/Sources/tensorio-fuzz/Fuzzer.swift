import CFuzz
import Glibc

/// What libFuzzer calls, with what it needs from one call to the next.
enum Fuzzer {
  /// What is fuzzed.
  static let target: Target = {
    if let name = environment("FUZZ_TARGET"), let target = Target(rawValue: name) { return target }
    fail("FUZZ_TARGET is one of: " + Target.allCases.map(\.rawValue).joined(separator: " "))
  }()

  private static let slot = InputSlot()
  private static let roundTrip = RoundTrip()
  private static let dump = environment("FUZZ_DUMP")
  /// No single allocation of the library may be larger.
  private static let mostAllocatedBytes = 64 << 20

  /// Runs one input.
  static func execute(_ input: UnsafeRawBufferPointer) {
    let file = target.file(from: Array(input))
    file.withUnsafeBytes { slot.fill($0) }
    if let dump { write(file, to: dump) }
    fuzz_bound_allocations(mostAllocatedBytes)
    roundTrip.run(slot.path)
    fuzz_bound_allocations(0)
  }
}

/// A variable of the environment, or nil.
func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
