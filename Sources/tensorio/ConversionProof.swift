internal import ArgumentParser
internal import ByteIO
internal import TensorIO
internal import TensorVerify

/// What `convert --verify` and `--manifest` do.
struct ConversionProof {
  /// What is written, in the order of the output, with where it comes from.
  struct Origin {
    let entry: TensorArchive.Entry
    /// The number of the input.
    let input: Int
    /// What it is called in the input.
    let source: TensorArchive.Entry
  }

  /// Made before anything is written, so that nothing is where no manifest can be.
  private let manifest: AtomicFile?
  private let limits: DecodingLimits
  private let options: WritingOptions
  let output: OutputCheck

  /// - Parameter paths: what the files that are written will be called.
  init(
    _ paths: [String], manifest: String?, limits: DecodingLimits, _ options: WritingOptions
  ) throws(TensorIOError) {
    self.manifest = try Self.file(manifest)
    self.limits = limits
    self.options = options
    output = OutputCheck(
      paths, isHashing: manifest != nil, limits: limits,
      isCancelled: options.isCancelled ?? { false })
  }

  private static func file(_ path: String?) throws(TensorIOError) -> AtomicFile? {
    guard let path else { return nil }
    return try AtomicFile(path: path)
  }

  /// Looks at one file that was written.
  func check(
    _ archive: TensorArchive, _ format: any TensorFormat.Type, _ file: InputFile
  ) throws(TensorIOError) {
    try output.check(archive, format, file, options)
  }

  /// Writes the manifest, if one is wanted.
  func writeManifest(
    of inputs: [ConversionInput], _ origins: [Origin], _ casts: [ArchiveConversion.Part],
    _ losses: [Loss], _ options: [String]?
  ) throws(TensorIOError) {
    guard let manifest else { return }
    guard origins.count == output.tensors.count else {
      throw TensorIOError(
        .io, "\(output.tensors.count) tensors were read back of \(origins.count)")
    }
    var reports: [ByteKey: ConversionReport] = [:]
    for part in casts { for name in part.names { reports[ByteKey(name)] = part.report } }
    let before = try Manifest.Outline.all(origins.map(\.source), limits: limits)
    var result = Manifest(
      tool: "tensorio \(Tensorio.configuration.version)", losses: losses, options: options)
    var firstSources: [Int] = []
    for input in inputs {
      firstSources.append(result.sources.count)
      try locating(.init(file: input.path)) { () throws(TensorIOError) in
        for file in try sources(of: input) {
          result.sources.append(try Manifest.File(file, path: file.path))
          try file.requireUnchanged()
        }
      }
    }
    result.outputs = output.outputs
    for (index, origin) in origins.enumerated() {
      let (number, outline) = output.tensors[index]
      result.tensors.append(
        Manifest.Tensor(
          source: firstSources[origin.input], output: number, before: before[index], after: outline,
          cast: reports[ByteKey(origin.entry.name)]))
    }
    // Spelt in another way.
    guard !output.outputs.contains(where: { isSameFile($0.path, manifest.path) }) else {
      throw TensorIOError(
        .invalidArgument, "the manifest is the output itself; name another",
        at: .init(file: manifest.path))
    }
    try manifest.write(Array(result.text.utf8).span)
    try manifest.commit(synced: self.options.synced)
  }

  /// The file that is read, and those that it names.
  private func sources(of input: ConversionInput) throws(TensorIOError) -> [InputFile] {
    if !input.files.isEmpty { return input.files }
    var files: [InputFile] = []
    for path in try CheckpointFolder.files(of: input.path, limits: limits) {
      files.append(try InputFile(path: path))
    }
    return files
  }
}
