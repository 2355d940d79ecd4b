public import ByteIO
public import TensorModel

/// NumPy's `.npy`: one array, or several one after the other as np.save leaves them in one stream.
public enum NPYFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "npy", name: "NumPy array", extensions: ["npy"], holdsMany: false,
    keepsByteOrder: true)

  public static func recognizes(_ opened: OpenedFile) -> Bool {
    opened.starts(with: NPYHeader.magic)
  }

  /// Indexes a file.
  ///
  /// One array becomes a lone tensor without a name; several become a list.
  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    let (file, options) = (opened.file, opened.options)
    var reader = NPYReader(options: options)
    let (ids, ending) = try reader.arrays(of: file)
    if reader.end < file.byteCount {
      reader.findings.append(
        Finding(
          .trailingBytes,
          "\(file.byteCount - reader.end) bytes follow the last array"
            + (ending.map { ": \($0)" } ?? ""),
          offset: reader.end))
    }
    if ids.count == 1 {
      reader.graph.setRoot(ids[0])
    } else {
      reader.graph.setRoot(reader.graph.add(.list(ids)))
      reader.findings.append(
        Finding(
          .severalArrays, "the file holds \(ids.count) arrays; np.load reads only the first"))
    }
    return try TensorArchive(
      reader.graph, format: descriptor.id, findings: reader.findings, globals: reader.globals,
      limits: options.limits)
  }

  public static func losses(of archive: TensorArchive, options: WritingOptions) -> [Loss] {
    var losses = NPYEncoder.losses(of: archive)
    if archive.entries.count == 1, let entry = archive.entries.first, !entry.name.isEmpty {
      losses.append(Loss(.name, of: entry.name, "the name; an npy file has none inside"))
    }
    for value in archive.otherValues {
      let name = value.path.joined(separator: ".")
      losses.append(Loss(.value, of: name, "a value that is no tensor"))
    }
    return losses
  }

  /// Writes one array, or several one after the other.
  public static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    guard !archive.entries.isEmpty else {
      throw .invalidArgument("an npy file holds at least one array, the archive has none")
    }
    try file.requireRoom(for: archive.plainByteCount)
    for entry in archive.entries {
      try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        let encoder = try NPYEncoder(entry, of: archive)
        try file.reserve(encoder.byteCount)
        try file.write(encoder.header.span)
        try encoder.streamElements { (chunk) throws(TensorIOError) in
          try file.write(chunk)
          try options.advance(chunk.count)
        }
      }
    }
  }
}

/// Reads the arrays of a file one after the other.
private struct NPYReader {
  let options: ReadingOptions
  let budget: DecodingBudget
  var graph = ValueGraph(.none)
  var findings: [Finding] = []
  var globals: [GlobalUse] = []
  /// Where the last array that was read ends.
  var end = 0
  private var account = HeaderAccount()

  init(options: ReadingOptions) {
    self.options = options
    budget = DecodingBudget(options.limits)
  }

  /// All arrays, and why the bytes after them are none.
  mutating func arrays(
    of file: InputFile
  ) throws(TensorIOError) -> ([ValueGraph.ID], ending: String?) {
    var ids: [ValueGraph.ID] = []
    repeat {
      guard ids.count < options.limits.memberCount else {
        throw .limit(
          "the number of arrays", ids.count + 1, over: options.limits.memberCount,
          raise: "memberCount")
      }
      do throws(TensorIOError) {
        ids.append(try next(in: file))
      } catch {
        // NumPy reads the first array and never looks at what follows it.
        guard !ids.isEmpty, ![.io, .limit].contains(error.code) else { throw error }
        return (ids, error.reason)
      }
    } while end < file.byteCount
    return (ids, nil)
  }

  private mutating func next(in file: InputFile) throws(TensorIOError) -> ValueGraph.ID {
    let start = end
    let array = try NPYArray(
      at: start, available: file.byteCount - start, limits: options.limits
    ) { (count) throws(TensorIOError) in
      try file.bytes(start..<start + count)
    }
    try account.charge(array.header.byteCount, options.limits)
    let payload = start + array.header.byteCount
    guard array.header.element.dtype.containsObjects else {
      let elements = try FileSlice(file, payload..<start + array.byteCount)
      let id = graph.add(
        .tensor(try array.tensor(over: elements, budget: budget, options: options)))
      findings += array.header.findings
      end += array.byteCount
      return id
    }
    let reading = try ObjectArray.read(
      try FileSlice(file, 0..<file.byteCount), from: payload, header: array.header,
      into: &graph, budget: budget, options: options)
    findings += array.header.findings + reading.findings
    globals += reading.globals
    end = reading.end
    return reading.id
  }
}
