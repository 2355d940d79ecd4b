internal import ByteIO
internal import TensorModel

/// Makes tensors of what a header says.
struct SafetensorsReader {
  private let file: InputFile
  private let header: SafetensorsHeader
  private(set) var graph = ValueGraph(.none)
  private(set) var findings: [Finding]
  /// Without what became ties.
  private(set) var metadata: [(key: String, value: String)]

  init(_ file: InputFile, _ header: SafetensorsHeader) {
    self.file = file
    self.header = header
    findings = header.findings
    metadata = header.metadata
  }

  mutating func read(_ options: ReadingOptions) throws(TensorIOError) {
    var tensors: [(name: String, tensor: Tensor)] = []
    tensors.reserveCapacity(header.entries.count)
    for entry in header.entries {
      let tensor = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try self.tensor(entry)
      }
      tensors.append((entry.name, tensor))
      if let finding = Finding.oddName(entry.name, of: "a tensor", member: nil) {
        findings.append(finding)
      }
    }
    if options.restoresTies, let place = metadata.firstIndex(where: { $0.key == TieRecord.key }) {
      let record = metadata.remove(at: place).value
      var restoring = TieRestoring(tensors)
      try restoring.restore(record, limits: options.limits)
      (tensors, findings) = (restoring.tensors, findings + restoring.findings)
      metadata.removeAll { text in
        restoring.omitted[ByteKey(text.key)].map { ByteKey($0) == ByteKey(text.value) } ?? false
      }
    }
    let pairs = tensors.map {
      (key: graph.add(.string($0.name)), value: graph.add(.tensor($0.tensor)))
    }
    graph.setRoot(graph.add(.dictionary(pairs)))
  }

  private func tensor(_ entry: SafetensorsHeader.Entry) throws(TensorIOError) -> Tensor {
    var shape = entry.shape
    if entry.code == .float4 {
      // Pairs are elements, as torch has them.
      guard let last = shape.popLast(), last % 2 == 0 else {
        throw .unsupported(
          "4-bit floats of shape \(entry.shape): pairs do not fill the last axis")
      }
      shape.append(last / 2)
    }
    let bytes = try FileSlice(file, header.start + entry.begin..<header.start + entry.end)
    return try Tensor(dtype: entry.code.dtype, shape: shape, storage: TensorStorage(bytes))
  }
}
