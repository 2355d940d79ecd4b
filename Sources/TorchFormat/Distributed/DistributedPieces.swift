internal import ByteIO
internal import Pickle
internal import TensorModel

/// The chunks and values of a distributed checkpoint in their files.
struct DistributedPieces {
  private let options: ReadingOptions
  /// In the order of the metadata.
  private let pieces: [DistributedPiece]
  private let places: [DistributedPiece: Int]
  /// Each piece as a file of its own.
  let files: [FilePart]
  private var archives: [TensorArchive] = []

  /// Opens the files.
  /// - Throws: `malformed` for names that lead elsewhere, and pieces that overlap or reach past their
  ///   file; `io` for a file that is missing.
  init(_ metadata: DistributedMetadata, _ opened: OpenedFile) throws(TensorIOError) {
    options = opened.options
    var pieces: [DistributedPiece] = []
    for entry in metadata.entries {
      switch entry.content {
      case .value(let piece): pieces.append(piece)
      case .tensor(_, _, _, let chunks): pieces += chunks.map(\.1)
      }
    }
    guard pieces.count <= options.limits.memberCount else {
      throw .limit(
        "the number of chunks", pieces.count, over: options.limits.memberCount,
        raise: "memberCount")
    }
    try Self.requireApart(pieces)
    var known: [ByteKey: InputFile] = [:]
    var places: [DistributedPiece: Int] = [:]
    var files: [FilePart] = []
    for (number, piece) in pieces.enumerated() {
      let file: InputFile
      if let open = known[ByteKey(piece.file)] {
        file = open
      } else {
        file = try Self.open(piece.file, beside: opened.file.path)
        known[ByteKey(piece.file)] = file
      }
      places[piece] = number
      files.append(
        FilePart(
          name: "\(piece.file)@\(piece.range.lowerBound)",
          file: InputFile(try FileSlice(file, piece.range))))
    }
    (self.pieces, self.places, self.files) = (pieces, places, files)
  }

  private static func open(
    _ name: String, beside file: String
  ) throws(TensorIOError) -> InputFile {
    let path = try SiblingName.path(name, beside: file)
    guard pathExists(path) else {
      throw TensorIOError(
        .io,
        "the file '\(name.escapedForDisplay)' that the metadata name is not beside them; fetch it too"
      )
    }
    return try InputFile(path: path)
  }

  /// Refuses bytes that are part of two pieces: each is read as a file, and all together must not be
  /// more than the files are.
  private static func requireApart(_ pieces: [DistributedPiece]) throws(TensorIOError) {
    let sorted = pieces.sorted { left, right in
      left.file == right.file
        ? (left.range.lowerBound, left.range.upperBound)
          < (right.range.lowerBound, right.range.upperBound)
        : left.file < right.file
    }
    for (left, right) in zip(sorted, sorted.dropFirst())
    where left.file == right.file && left.range.upperBound > right.range.lowerBound {
      throw .malformed(
        "two chunks lie at one place, byte \(right.range.lowerBound) of "
          + "'\(right.file.escapedForDisplay)'")
    }
  }

  /// Reads what torch wrote of each piece: names, dtypes and places, not the elements.
  mutating func read(_ reader: inout TorchPickle) throws(TensorIOError) {
    let (files, options) = (files, options)
    let results = ResultSlots<TensorArchive?>(count: files.count, initial: nil)
    try Parallel.forEach(files.count) { (index) throws(TensorIOError) in
      let part = files[index]
      results[index] = try locating(.init(file: part.file.path, member: part.name)) {
        () throws(TensorIOError) in try Self.read(part.file, options)
      }
    }
    archives = results.all.compactMap { $0 }
    var objects = reader.graph.count
    for (archive, part) in zip(archives, files) {
      objects += archive.values.count
      reader.findings += archive.findings.map {
        Finding(
          $0.code, $0.message, member: "\(part.name)/\($0.member ?? "")", tensor: $0.tensor,
          offset: $0.offset)
      }
      reader.globals += archive.globals.map {
        GlobalUse(
          $0.name, $0.verdict, member: "\(part.name)/\($0.member ?? "")", offset: $0.offset)
      }
    }
    guard objects <= options.limits.objectCount else {
      throw .limit(
        "the number of objects in all chunks", objects, over: options.limits.objectCount,
        raise: "objectCount")
    }
  }

  private static func read(
    _ file: InputFile, _ options: ReadingOptions
  ) throws(TensorIOError) -> TensorArchive {
    let opened = try OpenedFile(file, options: options)
    guard try TorchZIPFormat.recognizes(opened) else {
      throw .unsupported("the chunk is no archive as torch.save writes it")
    }
    return try opened.checking { () throws(TensorIOError) in try TorchZIPFormat.read(opened) }
  }

  private func archive(_ piece: DistributedPiece) throws(TensorIOError) -> TensorArchive {
    guard let place = places[piece], archives.indices.contains(place) else {
      throw .malformed("a chunk was not read")
    }
    return archives[place]
  }

  /// Adds what a name stands for to the graph.
  func value(
    of entry: (name: String, content: DistributedMetadata.Content), _ reader: inout TorchPickle
  ) throws(TensorIOError) -> ValueGraph.ID {
    switch entry.content {
    case .value(let piece):
      let archive = try archive(piece)
      return reader.graph.join(archive.values).id(archive.values.root)
    case .tensor(let dtype, let requiresGrad, let shape, let chunks):
      var blocks: [TensorBlock] = []
      for (block, piece) in chunks {
        blocks.append(
          TensorBlock(
            offsets: block.offsets, tensor: try tensor(piece, dtype: dtype, shape: block.sizes)))
      }
      if blocks.count == 1, blocks[0].tensor.shape == shape {
        let tensor = blocks[0].tensor
        return reader.graph.add(
          .tensor(tensor.tagged(device: tensor.device, requiresGrad: requiresGrad)))
      }
      let tensor = try Tensor(
        joining: blocks, dtype: dtype, shape: shape, requiresGrad: requiresGrad,
        limits: options.limits, budget: reader.budget)
      return reader.graph.add(.tensor(tensor))
    }
  }

  /// The tensor that is all of a piece, as the metadata describe it.
  private func tensor(
    _ piece: DistributedPiece, dtype: DType, shape: [Int]
  ) throws(TensorIOError) -> Tensor {
    let values = try archive(piece).values
    guard case .tensor(let tensor) = values[values.root] else {
      throw .malformed("the chunk at byte \(piece.range.lowerBound) is no tensor")
    }
    guard tensor.dtype == dtype, tensor.shape == shape else {
      throw .malformed(
        "the chunk at byte \(piece.range.lowerBound) of '\(piece.file.escapedForDisplay)' is "
          + "\(tensor.dtype) of the shape \(tensor.shape), the metadata say \(dtype) of \(shape)")
    }
    return tensor
  }
}
