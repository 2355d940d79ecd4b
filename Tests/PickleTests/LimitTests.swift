import ByteIO
import Pickle
import Testing

/// What a small file may ask for.
@Suite struct LimitTests {
  private func limited(_ count: Int) -> DecodingLimits {
    var limits = DecodingLimits()
    limits.objectCount = count
    return limits
  }

  /// Reads with a limit of one less, exactly, and one more than a pickle needs.
  private func expectNeed(_ count: Int, _ bytes: [UInt8], _ what: Comment) {
    let limit = TensorIOError(.limit, "")
    #expect(throws: limit, what) { try read(bytes, limits: limited(count - 1)) }
    #expect(throws: Never.self, what) { try read(bytes, limits: limited(count)) }
    #expect(throws: Never.self, what) { try read(bytes, limits: limited(count + 1)) }
  }

  @Test func objectCountIsWhatItSays() {
    let many = Array(repeating: UInt8(0x4e), count: 10)
    expectNeed(11, pickle("(") + many + pickle("t."), "ten objects in a tuple")
    expectNeed(10, many + pickle("."), "ten objects on the stack")
    expectNeed(10, pickle("N") + Array(repeating: 0x32, count: 9) + pickle("."), "DUP")
    expectNeed(10, Array(repeating: 0x28, count: 10) + pickle("N."), "ten marks")
    expectNeed(
      10, pickle("N") + (0..<10).flatMap { pickle("p\($0)\n") } + pickle("."), "ten memo slots")
    expectNeed(
      10, pickle("N") + Array(repeating: 0x94, count: 10) + pickle("."), "ten memoized objects")
    // References count in fours: 44 to one object.
    expectNeed(
      10,
      pickle("]q\u{0}") + (0..<10).flatMap { _ in pickle("(h\u{0}h\u{0}h\u{0}h\u{0}e") }
        + pickle("."),
      "references from a list")
  }

  @Test func decodedBytesBoundsText() throws {
    var limits = DecodingLimits()
    limits.decodedBytes = 3
    #expect(throws: Never.self) { try read(pickle("Vabc\n."), limits: limits) }
    #expect(throws: TensorIOError(.limit, "")) { try read(pickle("Va\nVbcd\n."), limits: limits) }
  }

  @Test func aMillionLevels() throws {
    let depth = 1_000_000
    let shapes: [(open: String, close: String)] = [
      ("(", "l"), ("", "\u{85}"), ("(", "t"), ("]", "a"), ("(", "\u{91}"), ("", "Q"),
      ("cm\nn\n", "\u{85}R"), ("cm\nn\n)R", "b"),
    ]
    for (open, close) in shapes {
      // Debug builds take a minute for a million of each.
      let count = close == "\u{85}" ? depth : depth / 20
      let bytes =
        (0..<count).flatMap { _ in pickle(open) } + pickle("N")
        + (0..<count).flatMap { _ in pickle(close) } + pickle(".")
      let scan = try look(bytes)
      #expect(scan.error == nil, "\(open) \(close)")
      #expect(scan.end == bytes.count)
    }
  }

  @Test func aFloodOfMemoSlots() throws {
    // Slots a thousand apart: an array with the gaps would take 1.2 GB.
    var bytes = pickle("N")
    for index in UInt32(0)..<300_000 {
      bytes.append(Opcode.longBinPut.rawValue)
      bytes.append(littleEndian: index * 1000)
    }
    #expect(try look(bytes + pickle(".")).error == nil)
    bytes += pickle("0j") + [0xe8, 3, 0, 0] + pickle("j\u{ff}\u{ff}\u{ff}\u{ff}.")
    #expect(try look(bytes).error?.place.offset == bytes.count - 6)
  }

  @Test func aDeepStackIsNotCopied() throws {
    // 300,000 objects lie on the stack while 300,000 tuples are made above them.
    let count = 300_000
    let ground = Array(repeating: UInt8(0x4e), count: count)
    for one in ["N\u{85}0", "(t0", "(Nt0", "]0", "(Nl0", "(NNd0"] {
      let bytes = ground + (0..<count).flatMap { _ in pickle(one) } + pickle(".")
      #expect(try look(bytes).error == nil)
    }
  }

  @Test func longNamesAreNotMultiplied() throws {
    let long = [UInt8](repeating: 0x61, count: 1000)
    let head = pickle("X\u{e8}\u{3}\u{0}\u{0}") + long + pickle("q\u{0}")
    // One pair of objects again and again.
    let same = head + (0..<200_000).flatMap { _ in pickle("h\u{0}h\u{0}\u{93}0") }
    #expect(try look(same + pickle(".")).globals.count == 1)
    // A new module each time.
    var bytes = head
    for index in UInt32(0)..<60_000 {
      bytes += pickle("X\u{4}\u{0}\u{0}\u{0}")
      for shift in [0, 5, 10, 15] { bytes.append(0x40 + UInt8(index >> shift & 0x1f)) }
      bytes += pickle("h\u{0}\u{93}0")
    }
    let scan = try look(bytes + pickle("."))
    #expect(scan.error?.code == .unsupported)
    #expect(scan.globals.count < 40_000)
    // Too long for Python to find.
    let tooLong = pickle("c") + [UInt8](repeating: 0x61, count: 2048) + pickle("\nx\n.")
    #expect(try look(tooLong).error?.code == .unsupported)
  }

  @Test func aKeyThatIsUsedAgainIsLookedAtOnce() throws {
    let key = pickle("(") + Array(repeating: UInt8(0x4e), count: 4000) + pickle("tq\u{0}0")
    let bytes = key + pickle("}(") + (0..<100_000).flatMap { _ in pickle("h\u{0}N") } + pickle("u.")
    #expect(try look(bytes).error == nil)
    // Tuples of tuples that would be walked 2^30 times.
    var laughs = pickle("N")
    for _ in 0..<30 { laughs += pickle("2\u{86}") }
    #expect(try look(pickle("}") + laughs + pickle("Ns.")).error?.code == .malformed)
    #expect(try look(laughs + pickle(".")).error == nil)
  }

  @Test func manyOddThingsMakeFewFindings() throws {
    let late = (0..<10_000).flatMap { _ in pickle("\u{80}\u{2}") } + pickle("N.")
    #expect(try look(late).findings.map(\.code) == [.lateProtocol])
    let nested = (0..<1000).flatMap { _ in pickle("C\u{8}\u{80}\u{2}cm\nn\n.0") } + pickle("N.")
    #expect(try look(nested).findings.count == 100)
    let row = try look((0..<10_000).flatMap { _ in pickle("N.") })
    #expect(row.pickleCount == 10_000)
    #expect(row.findings.map(\.code) == [.secondPickle])
  }

  @Test func integersHaveAMostLength() throws {
    let most = String(repeating: "9", count: 4300)
    #expect(throws: Never.self) { try read(pickle("L\(most)L\n.")) }
    #expect(throws: TensorIOError(.unsupported, "")) { try read(pickle("L9\(most)L\n.")) }
    let bytes = pickle("\u{8b}\u{fa}\u{6}\u{0}\u{0}") + [UInt8](repeating: 0x7f, count: 1786)
    #expect(throws: Never.self) { try read(bytes + pickle(".")) }
  }
}
