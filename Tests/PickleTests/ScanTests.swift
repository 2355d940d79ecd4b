import ByteIO
import Pickle
import Testing

/// Names with their places, behind faults, in strings, and in pickles that follow each other.
@Suite struct ScanTests {
  /// `module.name verdict @offset path`, one a name; `-` is a name that nothing leads to.
  private func lines(_ scan: PickleScan) -> [String] {
    scan.globals.map { use in
      let path = use.isReachable ? use.path.joined(separator: "/") : "-"
      return "\(use.name) \(use.verdict) @\(use.offset) \(path)"
    }
  }

  private func lines(_ text: String) throws -> [String] { lines(try look(pickle(text))) }

  @Test func placesAreKeysIndexesAndParts() throws {
    #expect(try lines("cos\nsystem\n.") == ["os.system dangerous @0 "])
    #expect(try lines("}X\u{1}\u{0}\u{0}\u{0}a](Ncm\nn\nes.") == ["m.n inert @10 a/1"])
    #expect(try lines("}K\u{5}cm\nn\ns.") == ["m.n inert @3 5"])
    #expect(try lines("}U\u{1}a}\u{88}cm\nn\nss.") == ["m.n inert @6 a/True"])
    #expect(try lines("}cm\nn\nNs.") == ["m.n inert @1 <key>"])
    #expect(
      try lines("cm\nn\nca\nb\nNcx\ny\n\u{87}R.") == [
        "m.n inert @0 ", "a.b inert @5 <arg0>", "x.y inert @11 <arg2>",
      ])
    // A state's keys are the object's; another state is a part of its own.
    #expect(
      try lines("cm\nn\n)\u{81}}V_modules\n}V0\ncx\ny\nssb.") == [
        "m.n inert @0 ", "x.y inert @22 _modules/0",
      ])
    #expect(
      try lines("cm\nn\n)\u{81}cx\ny\n\u{85}b.") == [
        "m.n inert @0 ", "x.y inert @7 <state>/0",
      ])
    #expect(
      try lines("cm\nn\n)}Vkey\ncx\ny\ns\u{92}.") == [
        "m.n inert @0 ", "x.y inert @12 key",
      ])
    // Elements and items of an object, the id of a persistent one, a class that a call makes.
    #expect(
      try lines("cm\nn\n)R(ca\nb\ne(Vk\ncx\ny\nu.") == [
        "m.n inert @0 ", "a.b inert @8 0", "x.y inert @18 k",
      ])
    #expect(
      try lines("NN(Vstorage\nctorch\nFloatStorage\ntQ\u{87}.") == [
        "torch.FloatStorage known @12 2/<id>/1"
      ])
    #expect(try lines("ca\nb\n)R)R\u{85}.") == ["a.b inert @0 0"])
    #expect(try lines("\u{82}\u{7}\u{85}.") == ["copyreg.extension 7 dangerous @0 0"])
    // The first of two places.
    #expect(try lines("]cm\nn\nq\u{0}ah\u{0}a.") == ["m.n inert @1 0"])
    #expect(try lines("(cos\nsystem\nNo0N.") == ["os.system dangerous @1 -"])
    #expect(try lines("cos\nsystem\n0N.") == ["os.system dangerous @0 -"])
    // A circle, with the name in it.
    #expect(try lines("]q\u{0}h\u{0}acm\nn\na.") == ["m.n inert @6 1"])
  }

  @Test func namesBehindAFault() throws {
    // Unhashable key; then names by every route, memo included.
    let bytes = pickle(
      "\u{80}\u{4}\u{8c}\u{2}os\u{94}}]Ns0cm\nn\n(ia\nb\n\u{8c}\u{6}system\u{94}\u{93}h\u{0}h\u{1}\u{93}"
        + "X\u{2}\u{0}\u{0}\u{0}ntq\u{9}0Vsystem\np7\n0h\u{9}g7\n\u{93}S'a'\nS'b'\n\u{93}\u{82}\u{5}."
    )
    let scan = try look(bytes)
    #expect(scan.error?.code == .malformed)
    #expect(scan.error?.place.offset == 10)
    #expect(
      scan.globals.map(\.name.description) == [
        "m.n", "a.b", "os.system", "nt.system", "copyreg.extension 5",
      ])
    #expect(scan.globals.allSatisfy { !$0.isReachable })
    #expect(scan.end == bytes.count)
    // A payload before the break, and nothing after what is no opcode.
    let broken = try look(pickle("cos\nsystem\n(S'x'\ntR\u{ff}cm\nn\n."))
    #expect(lines(broken) == ["os.system dangerous @0 -"])
    #expect(broken.error?.place.offset == 19)
  }

  @Test func picklesThatFollow() throws {
    let three = try look(pickle("N.\u{80}\u{2}cos\nsystem\n.]cm\nn\na."))
    #expect(three.pickleCount == 3)
    #expect(lines(three) == ["os.system dangerous @4 ", "m.n inert @17 0"])
    #expect(three.findings.map(\.code) == ["second-pickle"])
    let alone = try PickleScan.scan(
      try HeapBytes(pickle("N.cos\nsystem\n.").span), isAlone: false, limits: DecodingLimits())
    #expect(alone.globals.isEmpty && alone.findings.isEmpty && alone.end == 2)
    let tail = try look(pickle("N.\u{0}\u{0}"))
    #expect(tail.findings.map(\.code) == ["trailing-bytes"])
    #expect(tail.findings.first?.offset == 2)
    #expect(tail.error == nil)
    // Data that happen to begin with opcodes are data.
    #expect(try look(pickle("N.cm\nn\n\u{ff}")).globals.isEmpty)
    #expect(lines(try look(pickle("N.cos\nsystem\n\u{ff}"))) == ["os.system dangerous @2 -"])
    // The same name, thrown away first and kept later.
    #expect(try lines("cm\nn\n0N.cm\nn\n\u{85}.") == ["m.n inert @0 0"])
  }

  private let payload = "\u{80}\u{2}cos\nsystem\n)R."

  @Test func picklesInStrings() throws {
    let bytes = pickle(payload)
    let latin = Array(payload.utf8)
    let hexadecimal = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let base64 = "gAJjb3MKc3lzdGVtCilSLg=="
    let quoted = "S'\\x80\\x02cos\\nsystem\\n)R.'\n"
    let cases: [(opcodes: [UInt8], offset: Int)] = [
      (pickle("C\u{10}") + bytes, 6), (pickle("B\u{10}\u{0}\u{0}\u{0}") + bytes, 9),
      (pickle("U\u{10}") + bytes, 6), (pickle("T\u{10}\u{0}\u{0}\u{0}") + bytes, 9),
      (pickle("\u{96}\u{10}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}") + bytes, 13),
      (pickle("\u{8c}\u{11}") + latin, 0), (pickle("\u{8c}\u{20}" + hexadecimal), 0),
      (pickle("V" + hexadecimal.uppercased() + "\n"), 0), (pickle("C\u{20}" + hexadecimal), 0),
      (pickle("\u{8c}\u{18}" + base64), 0), (pickle("S'" + base64 + "'\n"), 0),
      (pickle(quoted), 0), (pickle("V\u{80}\u{2}cos\\u000asystem\\u000a)R.\n"), 0),
    ]
    for (opcodes, offset) in cases {
      let scan = try look(pickle("]N") + opcodes + pickle("\u{86}."))
      #expect(lines(scan) == ["os.system dangerous @\(max(2, offset)) 1"], "\(opcodes)")
      #expect(scan.findings.contains { $0.code == "nested-pickle" && $0.offset == 2 })
    }
    // Behind what looks like one of the strings that count: an empty one, and a persistent id.
    let counted = try look(
      pickle("(Pid\nU\u{0}V\nK\u{1}C\u{10}") + bytes + pickle("t."))
    #expect(lines(counted) == ["os.system dangerous @15 4"])
  }

  @Test func stringsThatAreNoPicklesAreLeftAlone() throws {
    for text in [
      "C\u{4}\u{80}\u{2}N.", "C\u{4}\u{80}\u{9}N.", "C\u{3}\u{80}\u{2}.", "\u{8c}\u{5}8002x",
      "C\u{7}\u{80}\u{2}cm\nn\n", "\u{8c}\u{4}gAJj", "S'\\x80\\x02'\n",
    ] {
      let scan = try look(pickle(text + "."))
      #expect(scan.globals.isEmpty && scan.findings.isEmpty, "\(text.escapedForDisplay)")
    }
    // A broken one that does its harm first is not left alone.
    let broken = try look(pickle("C\u{10}\u{80}\u{2}cos\nsystem\n)R\u{ff}."))
    #expect(lines(broken) == ["os.system dangerous @4 -"])
  }

  @Test func stringsInStringsEndSomewhere() throws {
    var bytes = pickle(payload)
    for _ in 0..<6 {
      let count = UInt8(truncatingIfNeeded: bytes.count)
      bytes = pickle("\u{80}\u{4}cm\nn\nC") + [count] + bytes + pickle("\u{86}.")
    }
    let deep = try look(bytes)
    #expect(deep.findings.map(\.code) == Array(repeating: "nested-pickle", count: 4))
    #expect(lines(deep) == ["m.n inert @2 0"])
    var fewer = pickle(payload)
    for _ in 0..<4 {
      let count = UInt8(truncatingIfNeeded: fewer.count)
      fewer = pickle("\u{80}\u{4}cm\nn\nC") + [count] + fewer + pickle("\u{86}.")
    }
    let all = try look(fewer)
    #expect(all.dangerous.map(\.path) == [["1", "1", "1", "1"]])
    #expect(all.dangerous.map(\.offset) == [4 * 9 + 2])
  }

  @Test func manyNamesInADeepPlaceDoNotMultiply() throws {
    // 100,000 lists in each other and 20,000 names in the innermost: 2 * 10^9 parts of paths.
    let depth = 100_000
    var bytes = Array(repeating: UInt8(0x28), count: depth)
    for index in 0..<20_000 { bytes += pickle("cm\nn\(index)\n") }
    bytes += Array(repeating: UInt8(0x6c), count: depth) + pickle(".")
    let scan = try look(bytes)
    #expect(scan.globals.count == 20_000)
    #expect(scan.globals.first?.path.count == depth)
    #expect(scan.globals.last?.path.count == 17)
    #expect(scan.globals.last?.path.first == "…")
    #expect(scan.globals.last?.path.last == "19999")
    #expect(scan.globals.reduce(0) { $0 + $1.path.count } < 4_000_000)
  }

  @Test func aLongKeyIsShortened() throws {
    let key = String(repeating: "k", count: 1000)
    let path = try look(pickle("}V\(key)\ncm\nn\ns.")).globals.first?.path
    #expect(path?.first?.utf8.count == 259)
  }
}
