import ByteIO
import Pickle
import Testing

/// `torch.storage._load_from_bytes` and `_codecs.encode`, whose harm lies in their arguments.
@Suite struct NestedLoadTests {
  private let stream =
    "\u{80}\u{2}\u{8a}\u{a}\u{6c}\u{fc}\u{9c}\u{46}\u{f9}\u{20}\u{6a}\u{a8}\u{50}\u{19}."
    + "\u{80}\u{2}M\u{e9}\u{3}.\u{80}\u{2}}."
  private let evil = "\u{80}\u{2}cos\nsystem\n)R."
  private let load = "ctorch.storage\n_load_from_bytes\n"

  private func verdicts(_ bytes: [UInt8]) throws -> [String] {
    let scan = try look(bytes)
    // Names outside strings come first, and the reader of the archive has to say the same of them.
    if scan.error == nil, scan.pickleCount == 1 {
      let outside = try read(bytes)
      let verdicts = outside.verdicts(limits: DecodingLimits())
      for (use, verdict) in zip(outside.globals, verdicts) {
        let found = scan.globals.first { $0.name == use.name }
        #expect(found?.verdict == verdict, "\(use.name)")
      }
    }
    return scan.globals.map { "\($0.name.name) \($0.verdict)" }
  }

  private func call(_ bytes: String, end: String = ".") -> [UInt8] {
    let count = UInt8(bytes.unicodeScalars.count)
    return pickle("\u{80}\u{3}\(load)C") + [count] + pickle("\(bytes)\u{85}R\(end)")
  }

  @Test func aStreamIsLookedThroughToItsLastPickle() throws {
    let storages = "\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}N."
    #expect(
      try verdicts(call(stream + "\u{80}\u{2}N.\u{80}\u{2}]." + storages))
        == ["_load_from_bytes known"])
    #expect(
      try verdicts(call(stream + "\u{80}\u{2}cm\nn\n.\u{80}\u{2}]." + storages))
        == ["_load_from_bytes known", "n inert"])
    let danger = ["_load_from_bytes dangerous", "system dangerous"]
    #expect(try verdicts(call(stream + evil + "\u{80}\u{2}].")) == danger)
    #expect(try verdicts(call(stream + "\u{80}\u{2}N." + evil)) == danger)
    // Thrown away, and behind a pickle that is no magic number.
    #expect(try verdicts(call(stream + evil + "\u{80}\u{2}].", end: "0N.")) == danger)
    #expect(try verdicts(call("\u{80}\u{2}N." + evil)) == danger)
    // Where the storages begin there is no code.
    #expect(
      try verdicts(call(stream + "\u{80}\u{2}N.\u{80}\u{2}]." + evil))
        == ["_load_from_bytes known"])
  }

  @Test func otherBytesMakeTheCallDangerous() throws {
    let danger = ["_load_from_bytes dangerous"]
    for bytes in ["cos\nsystem\n)R.", "PK\u{3}\u{4}aaaa", "", "\u{80}\u{2}N.", stream] {
      #expect(try verdicts(call(bytes)) == danger)
      #expect(try verdicts(call(bytes, end: "0N.")) == danger)
    }
    // Arguments that nobody can see, and whoever else gets the function.
    #expect(try verdicts(pickle("\(load)(Vx\ntR.")) == danger)
    #expect(try verdicts(pickle("\(load))R.")) == danger)
    #expect(try verdicts(pickle("cm\nn\n\(load)\u{85}R.")) == ["n inert"] + danger)
    #expect(try verdicts(pickle("\(load).")) == ["_load_from_bytes known"])
    // Behind a fault.
    #expect(try verdicts(pickle("]Ns\(load)C\u{0}\u{85}R.")) == danger)
    #expect(try verdicts(pickle("\(load)]NsC\u{0}\u{85}R.")) == danger)
  }

  @Test func bytesOfOldProtocols() throws {
    let text = (stream + "\u{80}\u{2}N.\u{80}\u{2}].").unicodeScalars.map {
      $0 == "\n" ? "\\u000a" : String($0)
    }.joined()
    func old(_ codec: String) -> [UInt8] {
      pickle("\(load)(c_codecs\nencode\n(V\(text)\nV\(codec)\ntRtR.")
    }
    #expect(try verdicts(old("latin1")) == ["_load_from_bytes known", "encode known"])
    #expect(try verdicts(old("latin-1")) == ["_load_from_bytes known", "encode known"])
    #expect(try verdicts(old("rot13")) == ["_load_from_bytes dangerous", "encode dangerous"])
    #expect(
      try verdicts(pickle("c_codecs\nencode\n(Va\nVlatin1\ntR.")) == ["encode known"])
    for arguments in ["Va\nVhex\n", "Va\n", "Va\nVlatin1\nVignore\n"] {
      #expect(
        try verdicts(pickle("c_codecs\nencode\n(\(arguments)tR.")) == ["encode dangerous"])
    }
    #expect(
      try verdicts(pickle("cm\nn\nc_codecs\nencode\n\u{85}R.")) == ["n inert", "encode dangerous"])
  }

  @Test func streamsInStreamsEndSomewhere() throws {
    var bytes = pickle(stream + "\u{80}\u{2}N.\u{80}\u{2}].")
    for _ in 0..<7 {
      let count = (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) }
      bytes =
        pickle(stream + "\u{80}\u{3}\(load)B") + count + bytes + pickle("\u{85}R.\u{80}\u{2}].")
    }
    let scan = try look(bytes)
    #expect(scan.globals.map(\.verdict) == [.dangerous])
  }
}
