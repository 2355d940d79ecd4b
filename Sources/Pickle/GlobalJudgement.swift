package import ByteIO

extension Pickle {
  /// What is known about each of ``globals``, in their order, given what they are called with.
  ///
  /// Two functions that are read do harm with other arguments than ours:
  /// `torch.storage._load_from_bytes` loads whatever its bytes are, and `_codecs.encode` can hide
  /// them. They are dangerous unless each use of them is a call, the first with a PyTorch stream
  /// that names nothing dangerous, the second with the codec latin1.
  package func verdicts(limits: DecodingLimits) -> [GlobalVerdict] {
    GlobalJudge(self, limits, depth: 0).verdicts()
  }
}

/// Judges the names of one pickle.
struct GlobalJudge {
  static let load = GlobalName("torch.storage", "_load_from_bytes")
  private static let encode = GlobalName("_codecs", "encode")
  /// How deep streams in strings in streams are followed.
  private static let mostDepth = 4

  private let pickle: Pickle
  private let limits: DecodingLimits
  private let depth: Int
  /// Whether the bytes of a string are a stream without harm, by the string.
  private var streams: [UInt32: Bool] = [:]

  init(_ pickle: Pickle, _ limits: DecodingLimits, depth: Int) {
    self.pickle = pickle
    self.limits = limits
    self.depth = depth
  }

  /// The verdict on a name whose calls nobody has seen.
  static func unseen(_ name: GlobalName) -> GlobalVerdict {
    name.modern == load ? .dangerous : name.verdict
  }

  func verdicts() -> [GlobalVerdict] {
    var judge = self
    var verdicts = pickle.globals.map(\.name.verdict)
    var suspects: [UInt32: GlobalName] = [:]
    for (index, use) in pickle.globals.enumerated()
    where [Self.load, Self.encode].contains(use.name.modern) {
      suspects[UInt32(index)] = use.name.modern
    }
    if suspects.isEmpty { return verdicts }
    // Whoever gets one of them as a value could call it with anything.
    for child in pickle.children {
      let record = pickle.records[Int(child)]
      if record.kind == .global, suspects[record.a] != nil { verdicts[Int(record.a)] = .dangerous }
    }
    for object in pickle.objects {
      let callee = pickle.records[Int(object.callee)]
      guard callee.kind == .global, let name = suspects[callee.a],
        verdicts[Int(callee.a)] != .dangerous
      else { continue }
      let isHarmless =
        name == Self.load ? judge.loadsStream(object) : judge.encodedText(object) != nil
      if !isHarmless { verdicts[Int(callee.a)] = .dangerous }
    }
    return verdicts
  }

  private func arguments(_ call: Pickle.ObjectRecord, _ count: Int) -> Pickle.Items? {
    guard call.construction == .call, call.keywords == .max,
      let arguments = pickle.tuple(Pickle.ID(index: call.arguments)), arguments.count == count
    else { return nil }
    return arguments
  }

  /// The text of `_codecs.encode(text, 'latin1')`, which is how protocols 0 to 2 write bytes.
  private func encodedText(_ call: Pickle.ObjectRecord) -> Pickle.ID? {
    guard let arguments = arguments(call, 2), let codec = pickle.string(arguments[1]),
      ["latin1", "latin-1"].contains(codec)
    else { return nil }
    return arguments[0]
  }

  private mutating func loadsStream(_ call: Pickle.ObjectRecord) -> Bool {
    guard var id = arguments(call, 1)?[0] else { return false }
    let record = pickle.records[Int(id.index)]
    if record.kind == .object {
      let inner = pickle.objects[Int(record.a)]
      guard pickle.global(Pickle.ID(index: inner.callee))?.modern == Self.encode,
        let text = encodedText(inner)
      else { return false }
      id = text
    }
    if let known = streams[id.index] { return known }
    let answer = bytes(id).map(isStream) ?? false
    streams[id.index] = answer
    return answer
  }

  private func bytes(_ id: Pickle.ID) -> (any ByteSource)? {
    guard case .string = pickle.records[Int(id.index)].kind else { return try? pickle.bytes(id) }
    let text = pickle.textBytes(pickle.records[Int(id.index)])
    // U+0080, PROTO; the rest of other texts is not worth a copy.
    guard text.starts(with: [0xc2, 0x80]) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { return nil }
      bytes.append(byte)
    }
    return try? HeapBytes(bytes.span)
  }

  /// Whether bytes are what torch.save wrote before 1.6, and nothing in it does harm.
  private func isStream(_ source: any ByteSource) -> Bool {
    guard depth < Self.mostDepth, source.byteCount > 2,
      let head = try? SourceSlice.of(source, 0..<2).bytes(), NestedPickle.isPickle(head[0], head[1])
    else { return false }
    var start = 0
    for index in 0..<Pickle.streamCount {
      guard let reading = try? Pickle.attempt(source, from: start, limits: limits),
        reading.error == nil, index > 0 || reading.pickle.isStreamStart,
        !GlobalJudge(reading.pickle, limits, depth: depth + 1).verdicts().contains(.dangerous)
      else { return false }
      start = reading.end
    }
    return true
  }
}

extension Pickle {
  /// How many pickles a legacy stream of PyTorch begins with.
  static let streamCount = 5

  /// Whether this is the first of them, the magic number.
  var isStreamStart: Bool {
    guard count > 0, case .bigInteger(let digits) = self[root] else { return false }
    return digits == "119547037146038801333356"
  }
}
