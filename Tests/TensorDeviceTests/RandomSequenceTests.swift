import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// Sequences of everything that can be done with tensors on a device, with a call of the driver that
/// fails.
@Suite struct RandomSequenceTests {
  /// In a few sequences every single call fails once; then come sequences that are all different, each
  /// with one failing call.
  @Test func everyCallMayFail() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("let seed = \(seed) as UInt64  // RandomSequenceTests")
    let emulation = try Emulation()
    var (runs, faults) = (0, 0)
    for number in 0..<4 {
      var (fault, calls) = (0, 0)
      while fault <= calls {
        faults += try run(seed &+ UInt64(number), fault: fault, emulation)
        calls = max(calls, emulation.driver["calls"])
        fault += 1
        runs += 1
      }
    }
    for number in 4..<10_004 {
      faults += try run(seed &+ UInt64(number), fault: number % 400, emulation)
      runs += 1
    }
    print("\(runs) runs, \(faults) errors thrown")
    #expect(faults > runs / 5)
  }

  /// - Returns: the number of errors that the sequence got.
  private func run(_ seed: UInt64, fault: Int, _ emulation: Emulation) throws -> Int {
    emulation.driver.reset()
    emulation.driver.set("devices", 2)
    // Copies that are late show what does not wait for them.
    if seed % 16 == 5 { emulation.driver.set("late_microseconds", 50) }
    emulation.driver.set("fail_at", fault)
    emulation.driver.set("fail_status", seed % 3 == 0 ? 2 : 719)
    // The tensors and the platform go before anything is counted.
    let faults = try emulation.run(staging: Self.staging) {
      // A driver that did not start stays away; that is its own test.
      guard CUDA.isAvailable else { return 1 }
      var sequence = Sequence(seed: seed)
      try sequence.run()
      return sequence.faults
    }
    let complaints = emulation.driver.complaints
    #expect(complaints == [], "seed \(seed), fault \(fault)")
    return faults
  }

  private static let staging: Staging = {
    var staging = Staging()
    staging.bufferBytes = 64
    staging.laneCount = 2
    return staging
  }()
}

/// One sequence: tensors that have been anywhere, each with a twin that never left the host.
private struct Sequence {
  private var generator: SeededGenerator
  private var tensors: [(subject: Tensor, twin: Tensor)] = []
  private(set) var faults = 0
  private let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    generator = SeededGenerator(state: seed)
  }

  mutating func run() throws {
    for _ in 0..<6 {
      let step = generator.below(10)
      let (first, second) = (generator.below(1 << 20), generator.below(1 << 20))
      // What failed was one call: the same step succeeds afterwards, with all there was before.
      do {
        try take(step, first, second)
      } catch let error as TensorIOError {
        #expect(error.code == .device && error.reason.count > 10, "seed \(seed): \(error)")
        faults += 1
        try take(step, first, second)
      }
    }
    for (subject, twin) in tensors {
      do {
        try compare(subject, twin)
      } catch let error as TensorIOError {
        #expect(error.code == .device)
        faults += 1
        try compare(subject, twin)
      }
    }
  }

  private func compare(_ subject: Tensor, _ twin: Tensor) throws {
    let found = try subject.array(of: Float.self)
    let expected = try twin.array(of: Float.self)
    #expect(found == expected, "seed \(seed)")
  }

  private mutating func take(_ step: Int, _ first: Int, _ second: Int) throws {
    guard !tensors.isEmpty, step > 0 else {
      let count = first % 90
      let tensor = try Tensor((0..<count).map { Float($0 + second % 7) })
      tensors.append((tensor, tensor))
      return
    }
    let index = first % tensors.count
    let (subject, twin) = tensors[index]
    switch step {
    case 1, 2: tensors[index].subject = try subject.to(.cuda(second % 2))
    case 3: tensors[index].subject = try subject.to(.cpu)
    case 4:
      let half = TensorIndex.slice(from: nil, to: nil, step: 2)
      tensors.append((try subject.sliced([half]), try twin.sliced([half])))
    case 5: tensors.remove(at: index)
    case 6:
      let archive = try TensorArchive([
        ("a", subject), ("b", subject.detached()), ("c", tensors[second % tensors.count].subject),
      ])
      let moved = try archive.to(.cuda(second % 2))
      let (a, b) = (try moved.tensor("a"), try moved.tensor("b"))
      #expect(a.storage === b.storage)
      tensors[index].subject = a
    case 7:
      let wide = try subject.converted(to: .float64).to(.cuda(0))
      tensors[index].subject = try wide.to(.cpu).converted(to: .float32)
    case 8:
      let text = subject.tagged(device: .cpu, requiresGrad: false).description
      if text.contains("<") {
        // A description cannot throw; it says what was wrong.
        #expect(text.contains("failed"), "seed \(seed): \(text)")
        faults += 1
      } else {
        #expect(text == twin.description, "seed \(seed)")
      }
    default:
      let lent = try DLPackTensor(subject)
      tensors.append((unsafe try Tensor(dlpack: lent.take()), twin))
    }
  }
}

/// The same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
