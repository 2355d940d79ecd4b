import ByteIO
import Pickle
import Testing

/// Damaged pickles are refused or read as something else; they never trap.
@Suite struct MutationTests {
  private static let limits: DecodingLimits = {
    var limits = DecodingLimits()
    limits.objectCount = 10_000
    return limits
  }()

  /// Reads, looks through, and writes what could be read.
  private func exercise(_ bytes: [UInt8]) throws -> Bool {
    let scan = try look(bytes, limits: Self.limits)
    #expect(scan.end <= bytes.count)
    if let error = scan.error { #expect(error.place.offset != nil, "\(error)") }
    guard let pickle = try? read(bytes, limits: Self.limits) else { return false }
    _ = try? PickleWriter.bytes(of: pickle, protocol: 4)
    return true
  }

  @Test func everyTruncation() throws {
    for bytes in Seeds.valid {
      for count in 0..<bytes.count { _ = try exercise(Array(bytes[..<count])) }
    }
  }

  @Test func twentyThousandDamagedBytes() throws {
    var generator = SplitMix(state: 20_251_121)
    let seeds = Seeds.valid.filter { $0.count > 12 }
    var accepted = 0
    for _ in 0..<20_000 {
      var bytes = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      if try exercise(bytes) { accepted += 1 }
    }
    print("damaged pickles: 20000, still readable: \(accepted)")
  }

  @Test func twentyThousandHeapsOfOpcodes() throws {
    var generator = SplitMix(state: 20_251_122)
    for _ in 0..<20_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...40, using: &generator) {
        let opcode = Opcode.allCases[Int.random(in: 0..<Opcode.allCases.count, using: &generator)]
        bytes.append(opcode.rawValue)
        switch opcode.argument {
        case .nothing: break
        case .fixed(let count):
          for _ in 0..<count { bytes.append(UInt8.random(in: 0...3, using: &generator)) }
        case .lines(let count):
          for _ in 0..<count {
            bytes += Array("\(Int.random(in: 0...3, using: &generator))\n".utf8)
          }
        case .counted(let width):
          bytes += [1] + Array(repeating: 0, count: width - 1) + [0x61]
        }
      }
      _ = try exercise(bytes + [Opcode.stop.rawValue])
    }
  }
}

/// A small generator of numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
