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
        "m.n", "a.b", "<unknown>.system", "os.system", "nt.system", "copyreg.extension 5",
      ])
    #expect(scan.globals.allSatisfy { !$0.isReachable })
    #expect(scan.end == bytes.count)
    // A payload before the break, and nothing after what is no opcode.
    let broken = try look(pickle("cos\nsystem\n(S'x'\ntR\u{ff}cm\nn\n."))
    #expect(lines(broken) == ["os.system dangerous @0 -"])
    #expect(broken.error?.place.offset == 19)
  }

  /// What CPython accepts and we do not: a lone surrogate.
  private let fault = "\u{80}\u{4}\u{8c}\u{3}\u{ed}\u{a0}\u{80}0"
  private func text(_ text: String) -> String {
    "\u{8c}\(Character(Unicode.Scalar(UInt8(text.utf8.count))))\(text)"
  }

  @Test func stacksBehindAFaultAreFollowed() throws {
    let (os, system, memo) = (text("os"), text("system"), "\u{94}0")
    // Whatever comes and goes between the two strings, they are the ones.
    for detour in [
      text("junk") + "0", "N0N0N0N0", "(NNN1", "(1", "(0", "]N\u{85}a0", "}NNs0", "(NNt0",
      "NN\u{86}0",
      "](NNe0", "}(NNu0", "\u{8f}(N\u{90}0", "(N\u{91}0", "N20" + "0", "(l0", "(d0", "(cm\nn\no0",
      "(im\nn\n0", "cm\nn\n)R0", "cm\nn\n)\u{81}0", "cm\nn\n)}\u{92}0", "cm\nn\n)R}b0", "NQ0",
      "PN\n0",
      "NNN\u{87}0", "N\u{85}0",
    ] {
      for fill in ["\(os)\(system)\(detour)", "\(os)\(detour)\(system)"] {
        let scan = try look(pickle("\(fault)\(fill)\u{93}."))
        let found = scan.globals.map(\.name.description).filter { $0 != "m.n" }
        #expect(found == ["os.system"], "\(detour.escapedForDisplay)")
      }
    }
    for slots in ["p 7 \n0", "q\u{7}0", "r\u{7}\u{0}\u{0}\u{0}0"] {
      for get in ["g7\n", "g 7\n", "h\u{7}", "j\u{7}\u{0}\u{0}\u{0}"] {
        let scan = try look(pickle("\(fault)\(os)\(slots)\(get)\(system)\(memo)h\u{1}\u{93}."))
        #expect(scan.globals.map(\.name.description) == ["os.system"], "\(slots) \(get)")
      }
    }
  }

  @Test func namesThatNobodyKnowsAreDangerous() throws {
    let (os, system) = (text("os"), text("system"))
    let cases = [
      // Made by a call, by an attribute, of a slot that may be any.
      ("cm\nn\n)R\(system)\u{93}", "<unknown>.system"), ("\(os)cm\nn\n\u{93}", "os.<unknown>"),
      ("cm\nn\ncm\nn\n\u{93}", "<unknown>"),
      ("\(os)p0_0\nh\u{0}\(system)\u{93}", "<unknown>.system"),
      ("\u{8c}\u{3}\u{ed}\u{a0}\u{80}\(system)\u{93}", "<unknown>.system"),
    ]
    for (opcodes, name) in cases {
      let scan = try look(pickle("\(fault)\(opcodes)."))
      #expect(scan.dangerous.map(\.name.description) == [name], "\(opcodes.escapedForDisplay)")
    }
    // Where every Python has stopped, there is nothing that nobody knows.
    for opcodes in ["\u{93}", "N\u{93}", "0NN\u{93}", "h\u{5}N\u{93}", "tNN\u{93}", "(N\u{93}"] {
      #expect(
        try look(pickle("\(fault)\(opcodes).")).globals.isEmpty, "\(opcodes.escapedForDisplay)")
    }
  }

  @Test func namesThatAreTooLong() throws {
    let long = String(repeating: "path.os.", count: 3000)
    for count in [300, 3000] {
      let name = long.prefix(8 * count)
      let size = UInt16(name.utf8.count)
      let header =
        "X\(Character(Unicode.Scalar(UInt8(size & 255))))\(Character(Unicode.Scalar(UInt8(size >> 8))))\u{0}\u{0}"
      for opcodes in [
        "cos\n\(name)\n", "\u{8c}\u{2}os\(header)\(name)\u{93}", "Vos\nV\(name)\n\u{93}",
      ] {
        let scan = try look(pickle("\u{80}\u{4}\(opcodes)."))
        #expect(scan.error != nil)
        #expect(scan.dangerous.map(\.name.module) == ["os"])
        #expect(scan.dangerous.first?.name.name.utf8.count == 1024)
        #expect(scan.isPlausible && scan.isRunnable)
      }
    }
  }

  @Test func longNamesBehindAFaultTakeLinearTime() throws {
    // One name of 20,000 bytes, used 200,000 times.
    let long = String(repeating: "\\U00000061", count: 2000)
    let use = "h\u{0}h\u{0}\u{93}0"
    let scan = try look(
      pickle("\(fault)V\(long)\nq\u{0}0") + Array(repeating: pickle(use), count: 200_000).joined()
        + pickle("."))
    #expect(scan.globals.count == 1)
  }

  @Test func picklesThatFollow() throws {
    let three = try look(pickle("N.\u{80}\u{2}cos\nsystem\n.]cm\nn\na."))
    #expect(three.pickleCount == 3)
    #expect(lines(three) == ["os.system dangerous @4 ", "m.n inert @17 0"])
    #expect(three.findings.map(\.code) == [.secondPickle])
    let alone = try PickleScan.scan(
      try HeapBytes(pickle("N.cos\nsystem\n.").span), isAlone: false, limits: DecodingLimits())
    #expect(alone.globals.isEmpty && alone.findings.isEmpty && alone.end == 2)
    let tail = try look(pickle("N.\u{0}\u{0}"))
    #expect(tail.findings.map(\.code) == [.trailingBytes])
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
      #expect(scan.findings.contains { $0.code == .nestedPickle && $0.offset == 2 })
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
    // Nor one that only we find broken.
    let hidden = pickle("\(fault)cm\nn\n.")
    let outer = try look(pickle("C") + [UInt8(hidden.count)] + hidden + pickle("."))
    #expect(lines(outer) == ["m.n inert @10 -"])
    #expect(outer.findings.map(\.code) == [.nestedPickle])
    // Bytes behind a pickle too, but for those at which Python stops before the name.
    #expect(try lines("N.\(fault)cm\nn\n.") == ["m.n inert @10 -"])
    #expect(try look(pickle("N.0cm\nn\n.")).globals.isEmpty)
  }

  @Test func stringsInStringsEndSomewhere() throws {
    var bytes = pickle(payload)
    for _ in 0..<6 {
      let count = UInt8(truncatingIfNeeded: bytes.count)
      bytes = pickle("\u{80}\u{4}cm\nn\nC") + [count] + bytes + pickle("\u{86}.")
    }
    let deep = try look(bytes)
    #expect(deep.findings.map(\.code) == Array(repeating: .nestedPickle, count: 4))
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
