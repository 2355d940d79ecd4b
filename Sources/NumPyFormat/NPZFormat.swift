public import ByteIO
public import TensorModel
internal import ZIPContainer

/// NumPy's `.npz`: a ZIP archive of `.npy` members.
public enum NPZFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "npz", name: "NumPy archive", extensions: ["npz"], holdsMany: true, compresses: true)

  /// A ZIP archive, empty ones included.
  public static func recognizes(_ head: Span<UInt8>) -> Bool {
    var cursor = ByteCursor(head)
    return cursor.skip(ifNext: [0x50, 0x4b, 3, 4]) || cursor.skip(ifNext: [0x50, 0x4b, 5, 6])
  }

  /// Indexes an archive.
  ///
  /// A member is an array when its data says so, as in NumPy, whatever its name; other members are
  /// kept as bytes.
  public static func read(
    _ file: InputFile, options: ReadingOptions
  ) throws(TensorIOError) -> TensorArchive {
    let archive = try ZIPArchive(file, limits: options.limits)
    // Every PyTorch archive has this member, and no use for being listed as bytes.
    guard !archive.members.contains(where: { $0.name.hasSuffix("/data.pkl") }) else {
      throw .unsupported("this is a PyTorch archive, which this version does not read")
    }
    let budget = DecodingBudget(options.limits)
    var account = HeaderAccount()
    var findings = archive.findings
    var keys = NPZKeys()
    for member in archive.members where !member.isDirectory {
      let (node, noticed) = try locating(.init(member: member.name)) { () throws(TensorIOError) in
        try content(of: member, budget, &account, options)
      }
      findings += noticed
      if let duplicate = keys.add(member, node) { findings.append(duplicate) }
    }
    return try TensorArchive(
      ValueGraph(dictionary: keys.values), format: descriptor.id,
      findings: findings + oddNames(of: archive.members), limits: options.limits)
  }

  private static func oddNames(of members: [ZIPMember]) -> [Finding] {
    let folders = Set(members.filter(\.isDirectory).map { Array($0.name.utf8.dropLast()) })
    return members.filter { !$0.isDirectory }.flatMap { member in
      var findings = [Finding.oddName(member.name, of: "a member", member: member.name)]
      if folders.contains(Array(member.name.utf8)) {
        findings.append(
          Finding("odd-name", "a member and a folder have one name", member: member.name))
      }
      return findings.compactMap { $0 }
    }
  }

  private static func content(
    of member: ZIPMember, _ budget: DecodingBudget, _ account: inout HeaderAccount,
    _ options: ReadingOptions
  ) throws(TensorIOError) -> (ValueGraph.Node, [Finding]) {
    // Nearly every header fits; only a longer one is read again.
    let head = try member.prefix(256)
    guard head.starts(with: NPYHeader.magic) else {
      let finding = Finding(
        "not-an-array", "the member is no NumPy array and is kept as bytes", member: member.name)
      return (.bytes(member), [finding])
    }
    let array = try NPYArray(at: 0, available: member.byteCount, limits: options.limits) {
      (count) throws(TensorIOError) in
      count <= head.count ? head : try member.prefix(count)
    }
    let header = array.header
    try account.charge(header.byteCount, options.limits)
    var findings = header.findings.map {
      Finding($0.code, $0.message, member: member.name, offset: $0.offset)
    }
    if header.element.dtype.containsObjects {
      let elements = ObjectElements(count: try header.payloadBytes, at: member.place)
      return (.tensor(try array.tensor(over: elements, budget: budget, options: options)), findings)
    }
    // No elements will be read that could show a wrong checksum, so the header is checked here.
    if array.byteCount == header.byteCount { try member.stream { _ in } }
    if array.byteCount < member.byteCount {
      findings.append(
        Finding(
          "trailing-bytes", "\(member.byteCount - array.byteCount) bytes follow the array",
          member: member.name, offset: array.byteCount))
    }
    let elements = member.slice(header.byteCount..<array.byteCount)
    return (.tensor(try array.tensor(over: elements, budget: budget, options: options)), findings)
  }

  public static func losses(of archive: TensorArchive) -> [Loss] {
    var losses = NPYEncoder.losses(of: archive)
    for entry in archive.entries where entry.path.count > 1 {
      losses.append(Loss(.nesting, of: entry.name, "the nesting; the path becomes the name"))
    }
    for value in archive.otherValues where !value.isMember {
      losses.append(
        Loss(.value, of: value.path.joined(separator: "."), "a value that is no array"))
    }
    return losses
  }

  /// Writes each tensor as a member `NAME.npy`, in order; a tensor without a name becomes `arr_0`
  /// as in np.savez.
  ///
  /// Bytes under a name are written as they are.
  public static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    let writer = ZIPWriter(file, level: options.compressionLevel)
    var names: Set<[UInt8]> = []
    func claim(_ name: String) throws(TensorIOError) {
      guard names.insert(Array(name.utf8)).inserted else {
        throw .invalidArgument("two values would be written under this name; rename one")
      }
    }
    for entry in archive.entries {
      let key = entry.path.isEmpty ? "arr_0" : entry.name
      try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        let name = key + ".npy"
        try claim(name)
        let encoder = try NPYEncoder(entry.tensor)
        try writer.add(name, byteCount: encoder.byteCount) { (sink) throws(TensorIOError) in
          try sink(encoder.header.span)
          try encoder.streamElements { (chunk) throws(TensorIOError) in
            try sink(chunk)
            try options.advance(chunk.count)
          }
        }
      }
    }
    for value in archive.otherValues where value.isMember {
      guard case .bytes(let source) = value.node else { continue }
      try claim(value.path[0])
      try writer.add(value.path[0], byteCount: source.byteCount) { (sink) throws(TensorIOError) in
        try source.stream(sink)
      }
    }
    try writer.finish()
  }
}

extension ValueGraph.Leaf {
  /// Bytes directly under a name, which an archive can hold as a member.
  fileprivate var isMember: Bool {
    if case .bytes = node { return path.count == 1 }
    return false
  }
}
