/// Looks at a file before it gets its name: what was to be written, the format, and the file.
package typealias WrittenCheck = (TensorArchive, any TensorFormat.Type, InputFile)
  throws(TensorIOError) -> Void

extension TensorArchive {
  /// Opens a file: `try TensorArchive(contentsOf: "weights.npz")`.
  ///
  /// The format is told from the content. Names, types and shapes are read; the bytes of the
  /// tensors stay where they are until somebody asks for them. Of a folder, its index of shards is
  /// opened, or its distributed checkpoint.
  /// - Throws: ``TensorIOError`` naming the file and the place in it.
  public init(
    contentsOf path: String, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      let file = try InputFile(path: try CheckpointFolder.file(for: path))
      return try TensorArchive(in: file, options: options)
    }
  }

  /// Reads an open file, and compares its name with what it is.
  package init(
    in file: InputFile, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    self = try locating(.init(file: file.path)) { () throws(TensorIOError) in
      var (archive, format) = try Self.read(file, options)
      if let finding = FormatRegistry.misnaming(file.path, format) {
        archive.findings.append(finding)
      }
      return archive
    }
  }

  /// Reads an open file, whatever it is called.
  package init(reading file: InputFile, options: ReadingOptions) throws(TensorIOError) {
    self = try locating(.init(file: file.path)) { () throws(TensorIOError) in
      try Self.read(file, options).archive
    }
  }

  private static func read(
    _ file: InputFile, _ options: ReadingOptions
  ) throws(TensorIOError) -> (archive: TensorArchive, format: FormatDescriptor) {
    let opened = try OpenedFile(file, options: options)
    let format = try FormatRegistry.format(of: opened)
    let archive = try opened.checking { () throws(TensorIOError) in try format.read(opened) }
    return (archive, format.descriptor)
  }

  /// Writes a file, in the format that its ending names.
  ///
  /// The file appears whole or not at all.
  ///
  /// What the format cannot say is listed by ``losses(writingTo:options:)`` beforehand.
  /// - Throws: ``TensorIOError``; nothing is left behind.
  public func write(
    to path: String, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) {
    try write(to: path, options: options, checking: nil)
  }

  /// Writes a file, and has it looked at before it gets its name.
  /// - Throws: also what `check` throws; nothing is left behind then either.
  package func write(
    to path: String, options: WritingOptions,
    checking check: WrittenCheck?
  ) throws(TensorIOError) {
    let format = try FormatRegistry.format(forWriting: path)
    try locating(.init(file: path)) { () throws(TensorIOError) in
      let file = try AtomicFile(path: path)
      try format.write(self, to: file, options: options)
      if let check { try check(self, format, try file.written()) }
      try file.commit(synced: options.synced)
    }
  }

  /// What the format that `path` names cannot say of this archive.
  public func losses(
    writingTo path: String, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) -> [Loss] {
    losses(writingAs: try FormatRegistry.format(forWriting: path), options: options)
  }

  /// What a format cannot say of this archive.
  public func losses(
    writingAs format: any TensorFormat.Type, options: WritingOptions = WritingOptions()
  ) -> [Loss] {
    let losses = format.losses(of: self, options: options)
    let metadata = format.descriptor.keepsMetadata ? [] : metadataLosses
    return losses + metadata
      + (format.descriptor.keepsNesting ? [] : flatLosses(format.descriptor))
  }
}

extension TensorArchive {
  /// The texts about the whole, less the one that says no more than who wrote the file.
  package var notes: [(key: String, value: String)] { metadata.filter { $0.key != "format" } }

  private var metadataLosses: [Loss] {
    if notes.isEmpty { return [] }
    let keys = notes.prefix(3).map(\.key).joined(separator: ", ")
    return [
      Loss(.metadata, of: "", "the metadata \(keys)" + (notes.count > 3 ? ", …" : ""))
    ]
  }
}

extension Tensor {
  /// Reads the only array of a file: `try Tensor(contentsOf: "x.npy")`.
  /// - Throws: `invalidArgument` when the file holds none or several; what opening throws.
  public init(
    contentsOf path: String, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    let archive = try TensorArchive(contentsOf: path, options: options)
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      try archive.onlyTensor()
    }
  }

  /// Writes a file that holds this array alone.
  public func write(
    to path: String, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) {
    try TensorArchive(self).write(to: path, options: options)
  }
}
