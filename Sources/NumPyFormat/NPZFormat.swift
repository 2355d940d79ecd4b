public import ByteIO
public import TensorModel
internal import ZIPContainer

/// NumPy's `.npz`: a ZIP archive of `.npy` members.
public enum NPZFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "npz", name: "NumPy archive", extensions: ["npz"], holdsMany: true, compresses: true,
    keepsByteOrder: true)

  /// A ZIP archive, empty ones included.
  public static func recognizes(_ opened: OpenedFile) -> Bool {
    ZIPArchive.isArchive(opened.head)
  }

  /// Indexes an archive.
  ///
  /// A member is an array when its data says so, as in NumPy, whatever its name; other members are
  /// kept as bytes.
  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    let options = opened.options
    let archive = try opened.once { () throws(TensorIOError) in
      try ZIPArchive(
        opened.file, limits: options.limits, checkMeanwhile: { opened.checkMeanwhile($0) })
    }
    guard !archive.lacksChecksums else {
      throw .malformed("every CRC-32 of the archive is 0; NumPy refuses the file")
    }
    var reader = NPZReader(options: options)
    reader.findings = archive.findings
    var keys = NPZKeys()
    for member in archive.members where !member.isDirectory {
      let id = try locating(.init(member: member.name)) { () throws(TensorIOError) in
        try reader.content(of: member)
      }
      if let duplicate = keys.add(member, id, isArray: reader.graph.isTensor(id)) {
        reader.findings.append(duplicate)
      }
    }
    let pairs = keys.values.map { (key: reader.graph.add(.string($0.0)), value: $0.1) }
    reader.graph.setRoot(reader.graph.add(.dictionary(pairs)))
    return try TensorArchive(
      reader.graph, format: descriptor.id,
      findings: reader.findings + oddNames(of: archive.members), globals: reader.globals,
      limits: options.limits)
  }

  private static func oddNames(of members: [ZIPMember]) -> [Finding] {
    let folders = Set(members.filter(\.isDirectory).map { Array($0.name.utf8.dropLast()) })
    return members.filter { !$0.isDirectory }.flatMap { member in
      var findings = [Finding.oddName(member.name, of: "a member", member: member.name)]
      if folders.contains(Array(member.name.utf8)) {
        findings.append(
          Finding(.oddName, "a member and a folder have one name", member: member.name))
      }
      return findings.compactMap { $0 }
    }
  }

  public static func losses(of archive: TensorArchive, options: WritingOptions) -> [Loss] {
    var losses = NPYEncoder.losses(of: archive)
    for entry in archive.entries where entry.path.count > 1 {
      losses.append(Loss(.nesting, of: entry.name, "the nesting; the path becomes the name"))
    }
    for entry in archive.entries where entry.path.isEmpty {
      losses.append(Loss(.name, of: entry.name, "that it has no name; it becomes 'arr_0'"))
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
    if options.compressionLevel == nil { try file.requireRoom(for: archive.plainByteCount) }
    let writer = ZIPWriter(file, level: options.compressionLevel)
    var names: Set<[UInt8]> = []
    func claim(_ name: String) throws(TensorIOError) {
      guard names.insert(Array(name.utf8)).inserted else {
        throw .invalidArgument("two values would be written under this name; rename one")
      }
    }
    for entry in archive.entries {
      let key = entry.path.isEmpty ? "arr_0" : entry.stateDictName
      try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        let name = key + ".npy"
        try claim(name)
        let encoder = try NPYEncoder(entry, of: archive)
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

/// Reads the members of an archive one after the other.
private struct NPZReader {
  let options: ReadingOptions
  let budget: DecodingBudget
  var graph = ValueGraph(.none)
  var findings: [Finding] = []
  var globals: [GlobalUse] = []
  private var account = HeaderAccount()

  init(options: ReadingOptions) {
    self.options = options
    budget = DecodingBudget(options.limits)
  }

  mutating func content(of member: ZIPMember) throws(TensorIOError) -> ValueGraph.ID {
    // Nearly every header fits; only a longer one is read again.
    let head = try member.prefix(256)
    guard head.starts(with: NPYHeader.magic) else {
      findings.append(
        Finding(
          .notAnArray, "the member is no NumPy array and is kept as bytes", member: member.name))
      return graph.add(.bytes(member))
    }
    let array = try NPYArray(at: 0, available: member.byteCount, limits: options.limits) {
      (count) throws(TensorIOError) in
      count <= head.count ? head : try member.prefix(count)
    }
    let header = array.header
    try account.charge(header.byteCount, options.limits)
    findings += header.findings.map {
      Finding($0.code, $0.message, member: member.name, offset: $0.offset)
    }
    if header.element.dtype.containsObjects { return try objects(in: member, header) }
    // No elements will be read that could show a wrong checksum, so the header is checked here.
    if array.byteCount == header.byteCount { try member.stream { _ in } }
    noteTrailing(in: member, after: array.byteCount)
    let elements = member.slice(header.byteCount..<array.byteCount)
    return graph.add(
      .tensor(try array.tensor(over: elements, budget: budget, options: options)))
  }

  private mutating func objects(
    in member: ZIPMember, _ header: NPYHeader
  ) throws(TensorIOError) -> ValueGraph.ID {
    try budget.reserve(member.byteCount)
    // Loaded whole, which checks the checksum too.
    let reading = try ObjectArray.read(
      try member.loaded(), from: header.byteCount, header: header, member: member.name,
      into: &graph, budget: budget, options: options)
    findings += reading.findings
    globals += reading.globals
    noteTrailing(in: member, after: reading.end)
    return reading.id
  }

  private mutating func noteTrailing(in member: ZIPMember, after end: Int) {
    guard end < member.byteCount else { return }
    findings.append(
      Finding(
        .trailingBytes, "\(member.byteCount - end) bytes follow the array",
        member: member.name, offset: end))
  }
}
