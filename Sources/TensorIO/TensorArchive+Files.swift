extension TensorArchive {
  /// Opens a file: `try TensorArchive(contentsOf: "weights.npz")`.
  ///
  /// The format is told from the content. Names, types and shapes are read; the bytes of the
  /// tensors stay where they are until somebody asks for them.
  /// - Throws: ``TensorIOError`` naming the file and the place in it.
  public init(
    contentsOf path: String, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      try TensorArchive(in: try InputFile(path: path), options: options)
    }
  }

  /// Reads a file that is open.
  package init(
    in file: InputFile, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    self = try locating(.init(file: file.path)) { () throws(TensorIOError) in
      let opened = try OpenedFile(file, options: options)
      let format = try FormatRegistry.format(of: opened)
      var archive = try opened.checking { () throws(TensorIOError) in try format.read(opened) }
      if let finding = FormatRegistry.misnaming(file.path, format.descriptor) {
        archive.findings.append(finding)
      }
      return archive
    }
  }

  /// Writes a file, in the format that its ending names.
  ///
  /// The file appears whole or not at all.
  ///
  /// What the format cannot say is listed by ``losses(writingTo:)`` beforehand.
  /// - Throws: ``TensorIOError``; nothing is left behind.
  public func write(
    to path: String, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) {
    let format = try FormatRegistry.format(forWriting: path)
    try locating(.init(file: path)) { () throws(TensorIOError) in
      let file = try AtomicFile(path: path)
      try format.write(self, to: file, options: options)
      try file.commit(synced: options.synced)
    }
  }

  /// What the format that `path` names cannot say of this archive.
  public func losses(
    writingTo path: String, options: WritingOptions = WritingOptions()
  ) throws(TensorIOError) -> [Loss] {
    let format = try FormatRegistry.format(forWriting: path)
    let losses = format.losses(of: self, options: options)
    return format.descriptor.keepsNesting ? losses : losses + flatLosses()
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
