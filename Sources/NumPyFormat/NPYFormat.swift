public import ByteIO
public import TensorModel

/// NumPy's `.npy`: one array, or several one after the other as np.save leaves them in one stream.
public enum NPYFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "npy", name: "NumPy array", extensions: ["npy"], holdsMany: false)

  public static func recognizes(_ head: Span<UInt8>) -> Bool {
    var cursor = ByteCursor(head)
    return cursor.skip(ifNext: NPYHeader.magic)
  }

  /// Indexes a file.
  ///
  /// One array becomes a lone tensor without a name; several become a list.
  public static func read(
    _ file: InputFile, options: ReadingOptions
  ) throws(TensorIOError) -> TensorArchive {
    let budget = DecodingBudget(options.limits)
    var tensors: [Tensor] = []
    var findings: [Finding] = []
    var offset = 0
    var account = HeaderAccount()
    var ending: String?
    repeat {
      guard tensors.count < options.limits.memberCount else {
        throw .limit(
          "the number of arrays", tensors.count + 1, over: options.limits.memberCount,
          raise: "memberCount")
      }
      do throws(TensorIOError) {
        let array = try array(in: file, at: offset, options.limits)
        try account.charge(array.header.byteCount, options.limits)
        let tensor = try tensor(array, in: file, at: offset, budget, options)
        tensors.append(tensor)
        findings += array.header.findings
        offset += array.byteCount
        if tensor.dtype.containsObjects { break }
      } catch {
        // NumPy reads the first array and never looks at what follows it.
        guard !tensors.isEmpty, ![.io, .limit].contains(error.code) else { throw error }
        ending = error.reason
        break
      }
    } while offset < file.byteCount
    let isObject = tensors.last?.dtype.containsObjects ?? false
    if offset < file.byteCount, !isObject {
      findings.append(
        Finding(
          "trailing-bytes",
          "\(file.byteCount - offset) bytes follow the last array"
            + (ending.map { ": \($0)" } ?? ""),
          offset: offset))
    }
    if tensors.count == 1 {
      return try archive(ValueGraph(.tensor(tensors[0])), findings, options)
    }
    findings.append(
      Finding(
        "several-arrays", "the file holds \(tensors.count) arrays; np.load reads only the first"))
    return try archive(ValueGraph(list: tensors.map { .tensor($0) }), findings, options)
  }

  private static func archive(
    _ values: ValueGraph, _ findings: [Finding], _ options: ReadingOptions
  ) throws(TensorIOError) -> TensorArchive {
    try TensorArchive(
      values, format: descriptor.id, findings: findings, limits: options.limits)
  }

  private static func array(
    in file: InputFile, at offset: Int, _ limits: DecodingLimits
  ) throws(TensorIOError) -> NPYArray {
    try NPYArray(at: offset, available: file.byteCount - offset, limits: limits) {
      (count) throws(TensorIOError) in
      try file.bytes(offset..<offset + count)
    }
  }

  private static func tensor(
    _ array: NPYArray, in file: InputFile, at offset: Int, _ budget: DecodingBudget,
    _ options: ReadingOptions
  ) throws(TensorIOError) -> Tensor {
    if array.header.element.dtype.containsObjects {
      let elements = ObjectElements(
        count: try array.header.payloadBytes, at: .init(file: file.path))
      return try array.tensor(over: elements, budget: budget, options: options)
    }
    let elements = try FileSlice(
      file, offset + array.header.byteCount..<offset + array.byteCount)
    return try array.tensor(over: elements, budget: budget, options: options)
  }

  public static func losses(of archive: TensorArchive) -> [Loss] {
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
    for entry in archive.entries {
      try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        let encoder = try NPYEncoder(entry.tensor)
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
