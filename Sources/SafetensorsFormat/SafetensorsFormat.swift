public import ByteIO
public import TensorModel

/// Hugging Face's `.safetensors`: a JSON header and the elements of tensors, which nothing executes.
public enum SafetensorsFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "safetensors", name: "safetensors", extensions: ["safetensors"], holdsMany: true,
    keepsSharing: true, keepsMetadata: true)

  /// A JSON object after eight bytes that may be its length.
  public static func recognizes(_ opened: OpenedFile) -> Bool {
    let head = opened.head
    guard head.count > 8, head[5] == 0, head[6] == 0, head[7] == 0 else {
      // Lengths that no header has are named as such where nothing else begins in this way.
      return head.count > 8 && head[8] == UInt8(ascii: "{")
        && head[0..<8].contains { $0 < 0x20 || $0 > 0x7e }
    }
    let first = head.dropFirst(8).first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    return first == UInt8(ascii: "{")
  }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    let options = opened.options
    let header = try SafetensorsHeader(of: opened.file, limits: options.limits)
    var reader = SafetensorsReader(opened.file, header)
    try reader.read(options)
    return try TensorArchive(
      reader.graph, format: descriptor.id, findings: reader.findings, metadata: reader.metadata,
      limits: options.limits)
  }

  public static func losses(of archive: TensorArchive, options: WritingOptions) -> [Loss] {
    let ties = TensorTies(of: archive, options.ties)
    var losses: [Loss] = []
    for (index, entry) in archive.entries.enumerated() {
      let keepsStrides = ties.keepStrides(of: index)
      losses += entry.tagLosses(keepsColumnMajor: false).filter {
        $0.kind != .strides || !keepsStrides
      }
    }
    for entry in archive.entries where entry.path.count > 1 {
      losses.append(Loss(.nesting, of: entry.name, "the nesting; the path becomes the name"))
    }
    for entry in archive.entries where entry.path.isEmpty {
      losses.append(
        Loss(.name, of: entry.name, "that it has no name; it becomes '\(SafetensorsPlan.noName)'"))
    }
    for value in archive.otherValues {
      losses.append(
        Loss(.value, of: value.path.joined(separator: "."), "a value that is no tensor"))
    }
    return losses + ties.losses + SafetensorsPlan.orderLosses(archive, options)
  }

  public static func mayBe(
    _ archive: TensorArchive, in file: InputFile, options: WritingOptions
  ) throws(TensorIOError) -> Bool {
    let plan = try SafetensorsPlan(archive, options)
    guard file.byteCount == plan.byteCount else { return false }
    return try file.bytes(0..<plan.header.count) == plan.header
  }

  /// Writes the tensors in the order of the official writer.
  public static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    try SafetensorsPlan(archive, options).write(to: file, options)
  }
}
