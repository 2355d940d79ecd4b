import ByteIO
import Pickle
import Testing

/// Tiny pickles written by hand, at least one for each opcode.
@Suite struct OpcodeTests {
  /// What a pickle holds, in a notation of our own.
  static let cases: [(bytes: String, value: String)] = [
    ("N.", "None"), ("\u{88}.", "True"), ("\u{89}.", "False"),
    ("I01\n.", "True"), ("I00\n.", "False"), ("I-12\n.", "-12"), ("I1\n.", "1"), ("I 1\n.", "True"),
    ("I10\n.", "10"), ("I010\n.", "error 0"), ("L010L\n.", "error 0"), ("F1e400\n.", "error 0"),
    ("L5L\n.", "5"), ("L-5\n.", "-5"), ("L-9223372036854775808L\n.", "-9223372036854775808"),
    ("L9223372036854775808L\n.", "9223372036854775808L"),
    ("J\u{ff}\u{ff}\u{ff}\u{ff}.", "-1"), ("J\u{0}\u{0}\u{0}\u{80}.", "-2147483648"),
    ("K\u{ff}.", "255"), ("M\u{ff}\u{ff}.", "65535"),
    ("\u{8a}\u{0}.", "0"), ("\u{8a}\u{1}\u{80}.", "-128"), ("\u{8a}\u{2}\u{ff}\u{0}.", "255"),
    ("\u{8a}\u{9}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{1}.", "18446744073709551616L"),
    ("\u{8a}\u{9}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}.", "1"),
    ("\u{8a}\u{9}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{80}\u{ff}.", "-9223372036854775808"),
    ("\u{8a}\u{9}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{ff}.", "-18446744073709551616L"),
    ("\u{8b}\u{2}\u{0}\u{0}\u{0}\u{0}\u{1}.", "256"),
    ("F1.5\n.", "1.5"), ("Finf\n.", "inf"), ("F-1e-3\n.", "-0.001"),
    ("G\u{3f}\u{f8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}.", "1.5"),
    ("S'a\\n\\x41\\101\\q'\n.", "s[97, 10, 65, 65, 92, 113]"), ("S\"\"\n.", "s[]"),
    ("T\u{2}\u{0}\u{0}\u{0}\u{80}b.", "s[128, 98]"), ("U\u{1}a.", "s[97]"),
    ("Va\\u00e9\u{e9}\\U0001f600\\x\n.", "'aéé😀\\x'"), ("V\n.", "''"),
    ("X\u{2}\u{0}\u{0}\u{0}\u{c3}\u{a9}.", "'é'"), ("\u{8c}\u{1}a.", "'a'"),
    ("\u{8d}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}a.", "'a'"),
    ("B\u{1}\u{0}\u{0}\u{0}a.", "b[97]"), ("C\u{1}a.", "b[97]"), ("C\u{0}.", "b[]"),
    ("\u{8e}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}a.", "b[97]"),
    ("\u{96}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}a.", "bytearray[97]"),
    (").", "()"), ("(K\u{1}K\u{2}t.", "(1, 2)"), ("(t.", "()"), ("N\u{85}.", "(None)"),
    ("NN\u{86}.", "(None, None)"), ("NNN\u{87}.", "(None, None, None)"),
    ("].", "[]"), ("(NNl.", "[None, None]"), ("]Na.", "[None]"), ("](NNe.", "[None, None]"),
    ("](e.", "[]"), ("]N](a.", "error 4"),
    ("}.", "{}"), ("(K\u{1}Nd.", "{1: None}"), ("}K\u{1}Ns.", "{1: None}"),
    ("}(K\u{1}NK\u{2}Nu.", "{1: None, 2: None}"),
    ("\u{8f}.", "set()"), ("\u{8f}(K\u{1}\u{90}.", "set(1)"), ("(K\u{1}\u{91}.", "frozenset(1)"),
    ("NK\u{1}0.", "None"), ("N(0.", "None"), ("N(NN1.", "None"), ("K\u{1}2\u{86}.", "(1, 1)"),
    ("Np0\ng0\n\u{86}.", "(None, None)"), ("Np 0 \r\ng0\n\u{86}.", "(None, None)"),
    ("Nq\u{0}h\u{0}\u{86}.", "(None, None)"),
    ("Nr\u{0}\u{0}\u{0}\u{1}j\u{0}\u{0}\u{0}\u{1}\u{86}.", "(None, None)"),
    ("N\u{94}h\u{0}\u{86}.", "(None, None)"), ("Nq\u{5}\u{94}h\u{1}\u{86}.", "(None, None)"),
    ("cm\nn\n.", "m n"), ("\u{8c}\u{1}m\u{8c}\u{1}n\u{93}.", "m n"),
    ("cm\nn\n)R.", "call(m n, ())"), ("cm\nn\n)\u{81}.", "new(m n, ())"),
    ("cm\nn\n)}\u{92}.", "new(m n, (), {})"), ("(K\u{1}im\nn\n.", "call(m n, (1))"),
    // Without arguments the class is not called.
    ("(im\nn\n.", "new(m n, ())"), ("(cm\nn\no.", "new(m n, ())"),
    ("(cm\nn\nK\u{1}o.", "call(m n, (1))"), ("cm\nn\n)RNb.", "call(m n, ()) state None"),
    ("cm\nn\n)R(Ne.", "call(m n, ()) + None"), ("cm\nn\n)RNa.", "call(m n, ()) + None"),
    ("cm\nn\n)R(NNu.", "call(m n, ()) + None: None"),
    ("cm\nn\n)RNNs.", "call(m n, ()) + None: None"),
    ("Pid\n.", "persistent 'id'"), ("NQ.", "persistent None"),
    ("\u{82}\u{7}.", "extension 7"), ("\u{83}\u{0}\u{1}.", "extension 256"),
    ("\u{84}\u{0}\u{0}\u{1}\u{0}.", "extension 65536"),
    ("\u{80}\u{5}N.", "None"), ("\u{80}\u{0}N.", "None"), ("\u{80}\u{6}N.", "error 0"),
    ("\u{80}\u{4}\u{95}\u{2}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}N.", "None"),
    ("\u{95}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}N.", "None"),
    ("\u{95}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}N.", "None"),
    ("\u{95}\u{3}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}N.", "error 0"),
    ("\u{97}.", "error 0"), ("\u{98}.", "error 0"), ("N\u{98}.", "error 1"),
    (".", "error 0"), ("", "error 0"), ("N", "error 1"), ("\u{ff}", "error 0"),
    ("K", "error 1"), ("I1", "error 0"), ("Ix\n.", "error 0"), ("Fx\n.", "error 0"),
    ("Sa\n.", "error 0"), ("S'a\n.", "error 0"), ("S'\\x4'\n.", "error 0"),
    ("V\\u12\n.", "error 0"),
    ("V\\ud800\n.", "error 0"), ("X\u{1}\u{0}\u{0}\u{0}\u{ff}.", "error 0"),
    ("K\u{1}a.", "error 2"),
    ("Na.", "error 1"), ("NNa.", "error 2"), ("]NNs.", "error 3"), ("t.", "error 0"),
    ("1.", "error 0"), ("N1.", "error 1"), ("(N\u{86}.", "error 2"), ("}](.", "error 3"),
    ("}]Ns.", "error 3"), ("\u{8f}(]\u{90}.", "error 3"), ("(]\u{91}.", "error 2"),
    ("}](\u{85}Ns.", "error 3"), ("h\u{0}.", "error 0"), ("g-1\n.", "error 0"),
    ("Np-1\n.", "error 1"),
    ("NN\u{93}.", "error 2"), ("N)R.", "error 2"), ("cm\nn\nNR.", "error 6"),
    ("cm\nn\n)N\u{92}.", "error 7"), ("(o.", "error 1"), ("\u{82}\u{0}.", "error 0"),
  ]

  // One test and not one an entry: the entries hold control characters, which runners print.
  @Test func readsEveryOpcode() throws {
    var seen: Set<UInt8> = []
    for (bytes, value) in Self.cases {
      seen.formUnion(pickle(bytes))
      #expect(described(pickle(bytes)) == value, "\(bytes.escapedForDisplay)")
    }
    #expect(Opcode.allCases.allSatisfy { seen.contains($0.rawValue) })
  }

  private func described(_ bytes: [UInt8]) -> String {
    do {
      let pickle = try read(bytes)
      return text(pickle, pickle.root)
    } catch let error as TensorIOError {
      return "error \(error.place.offset ?? -1)"
    } catch {
      return "\(error)"
    }
  }

  /// Recursive, for handmade pickles only.
  private func text(_ pickle: Pickle, _ id: Pickle.ID) -> String {
    func list(_ items: [Pickle.ID]) -> String {
      items.map { text(pickle, $0) }.joined(separator: ", ")
    }
    func pairs(_ pairs: [(key: Pickle.ID, value: Pickle.ID)]) -> String {
      pairs.map { "\(text(pickle, $0.key)): \(text(pickle, $0.value))" }.joined(separator: ", ")
    }
    switch pickle[id] {
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .int(let value): return "\(value)"
    case .bigInteger(let digits): return digits + "L"
    case .float(let value): return "\(value)"
    case .string(let text): return "'\(text)'"
    case .legacyString(let bytes): return "s\(bytes)"
    case .bytes(let source): return "b\((try? source.bytes()) ?? [])"
    case .byteArray(let source): return "bytearray\((try? source.bytes()) ?? [])"
    case .buffer(let index): return "buffer \(index)"
    case .tuple(let items): return "(\(list(items)))"
    case .list(let items): return "[\(list(items))]"
    case .set(let items): return "set(\(list(items)))"
    case .frozenSet(let items): return "frozenset(\(list(items)))"
    case .dictionary(let items): return "{\(pairs(items))}"
    case .global(let name): return "\(name.module) \(name.name)"
    case .extension(let code): return "extension \(code)"
    case .persistent(let key): return "persistent \(text(pickle, key))"
    case .object(let object):
      let parts = [object.callee, object.arguments] + [object.keywords].compactMap { $0 }
      var result = (object.construction == .new ? "new" : "call") + "(\(list(parts)))"
      if !object.elements.isEmpty { result += " + \(list(object.elements))" }
      if !object.items.isEmpty { result += " + \(pairs(object.items))" }
      for state in object.states { result += " state \(text(pickle, state))" }
      return result
    }
  }

  @Test func buffersOutsideThePickle() throws {
    let bytes = pickle("\u{97}\u{97}\u{98}\u{86}.")
    let source = try HeapBytes(bytes.span)
    let (first, second) = ([UInt8](arrayLiteral: 1), [UInt8](arrayLiteral: 2, 3))
    let buffers = [try HeapBytes(first.span), try HeapBytes(second.span)]
    let pickle = try Pickle.read(source, buffers: buffers, limits: DecodingLimits()).pickle
    #expect(text(pickle, pickle.root) == "(buffer 0, buffer 1)")
    #expect(try pickle.buffer(1).bytes() == [2, 3])
    #expect(throws: TensorIOError(.unsupported, "")) {
      try Pickle.read(source, buffers: Array(buffers.prefix(1)), limits: DecodingLimits())
    }
  }
}
