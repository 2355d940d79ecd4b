internal import ByteIO
internal import Pickle
internal import TensorModel

/// A run of bytes in a file beside `.metadata`.
struct DistributedPiece: Hashable {
  let file: String
  let range: Range<Int>
}

/// What the `.metadata` of a distributed checkpoint says.
///
/// | field | content |
/// |---|---|
/// | `state_dict_metadata` | name -> `TensorStorageMetadata` or `BytesStorageMetadata` |
/// | `planner_data` | name -> the keys and indexes of the nested value, or None |
/// | `storage_data` | `MetadataIndex(fqn, offset)` -> `_StorageInfo(relative_path, offset, length)` |
///
/// `TensorStorageMetadata` has `properties` (dtype, layout, requires_grad, …), `size`, and `chunks`
/// with `offsets` and `sizes` each.
struct DistributedMetadata {
  /// What a name stands for.
  enum Content {
    case tensor(
      dtype: DType, requiresGrad: Bool, shape: [Int], chunks: [(ArrayBlock, DistributedPiece)])
    /// A value that `torch.save` wrote.
    case value(DistributedPiece)
  }

  /// A key of a nested value.
  enum Key: Hashable {
    case text(ByteKey)
    case index(Int)

    static func text(_ text: String) -> Key { .text(ByteKey(text)) }
  }

  private(set) var entries: [(name: String, content: Content)] = []
  /// Where values lie in the nested whole, by their names.
  private(set) var paths: [ByteKey: [Key]] = [:]

  private struct Place: Hashable {
    let name: ByteKey
    let offsets: [Int]?
  }

  private var fields: PickledFields
  private var pieces: [Place: DistributedPiece] = [:]

  init(in opened: OpenedFile, _ reader: inout TorchPickle) throws(TensorIOError) {
    let source = try FileSlice(opened.file, 0..<opened.file.byteCount)
    let (pickle, end) = try reader.parse(source)
    if end < source.byteCount {
      reader.findings.append(
        Finding(.trailingBytes, "\(source.byteCount - end) bytes follow the pickle", offset: end))
    }
    fields = PickledFields(pickle, opened.options.limits)
    let root = try fields.object(pickle.root, "Metadata")
    try addPieces(try fields.require("storage_data", of: root, "Metadata"))
    try addEntries(try fields.require("state_dict_metadata", of: root, "Metadata"))
    if let planned = root["planner_data"] { try addPaths(planned) }
  }

  private mutating func addPieces(_ id: Pickle.ID) throws(TensorIOError) {
    for pair in try fields.dictionary(id, "storage_data") {
      let key = try fields.object(pair.key, "MetadataIndex")
      let name = try fields.text(key["fqn"], "the name of a chunk")
      let offsets = try fields.integers(key["offset"], "the offset of a chunk")
      let piece = try piece(pair.value)
      guard pieces.updateValue(piece, forKey: Place(name: ByteKey(name), offsets: offsets)) == nil
      else {
        throw TensorIOError(.malformed, "a chunk is stored twice", at: .init(tensor: name))
      }
    }
  }

  private mutating func piece(_ id: Pickle.ID) throws(TensorIOError) -> DistributedPiece {
    let info = try fields.object(id, "_StorageInfo")
    let file = try fields.text(info["relative_path"], "the file of a chunk")
    let offset = try fields.int(info["offset"], "the offset of a chunk in its file")
    let length = try fields.int(info["length"], "the length of a chunk in its file")
    if let transforms = info["transform_descriptors"], !fields.isNone(transforms) {
      guard try fields.list(transforms, "transform_descriptors").isEmpty else {
        throw .unsupported(
          "the chunks are compressed or otherwise changed (transform_descriptors); save without")
      }
    }
    guard offset >= 0, length >= 0, length <= Int.max - offset else {
      throw .malformed("a chunk at byte \(offset) with \(length) bytes is nowhere")
    }
    return DistributedPiece(file: file, range: offset..<offset + length)
  }

  private mutating func addEntries(_ id: Pickle.ID) throws(TensorIOError) {
    var known: Set<ByteKey> = []
    for pair in try fields.dictionary(id, "state_dict_metadata") {
      let name = try fields.text(pair.key, "the name of a value")
      guard known.insert(ByteKey(name)).inserted else {
        throw TensorIOError(.malformed, "the name is there twice", at: .init(tensor: name))
      }
      let content = try locating(.init(tensor: name)) { () throws(TensorIOError) in
        try self.content(of: name, pair.value)
      }
      entries.append((name, content))
    }
  }

  private mutating func content(
    of name: String, _ id: Pickle.ID
  ) throws(TensorIOError) -> Content {
    if fields.isObject(id, "BytesStorageMetadata") {
      guard let piece = pieces[Place(name: ByteKey(name), offsets: nil)] else {
        throw .malformed("storage_data has no place for it")
      }
      return .value(piece)
    }
    let metadata = try fields.object(id, "TensorStorageMetadata")
    let kind = "TensorStorageMetadata"
    let (dtype, requiresGrad) = try properties(try fields.require("properties", of: metadata, kind))
    guard let shape = try fields.integers(metadata["size"], "the shape") else {
      throw .malformed("the tensor has no shape")
    }
    var chunks: [(ArrayBlock, DistributedPiece)] = []
    for chunk in try fields.list(try fields.require("chunks", of: metadata, kind), "chunks") {
      let chunk = try fields.object(chunk, "ChunkStorageMetadata")
      guard let offsets = try fields.integers(chunk["offsets"], "the offsets of a chunk"),
        let sizes = try fields.integers(chunk["sizes"], "the sizes of a chunk")
      else { throw .malformed("a chunk has no offsets or no sizes") }
      guard let piece = pieces[Place(name: ByteKey(name), offsets: offsets)] else {
        // Nothing is missing of a chunk without elements.
        if sizes.contains(0) { continue }
        throw .malformed("storage_data has no place for the chunk at \(offsets)")
      }
      chunks.append((ArrayBlock(offsets: offsets, sizes: sizes), piece))
    }
    // Before anything is opened that the shape would have no room for.
    _ = try Shape.byteCount(of: dtype, shape: shape)
    try BlockTiling.require(chunks.map(\.0), tile: shape)
    return .tensor(dtype: dtype, requiresGrad: requiresGrad, shape: shape, chunks: chunks)
  }

  /// (dtype, layout, requires_grad, memory format, pin_memory).
  private mutating func properties(
    _ id: Pickle.ID
  ) throws(TensorIOError) -> (dtype: DType, requiresGrad: Bool) {
    let parts = try fields.state(id, "TensorProperties")
    guard let dtype = TorchNames.dtype(parts.first.flatMap { fields.pickle.global($0) }) else {
      throw .malformed("the dtype of the tensor is none of torch's")
    }
    var requiresGrad = false
    if parts.count > 2, case .bool(true) = fields.pickle[parts[2]] { requiresGrad = true }
    return (dtype, requiresGrad)
  }

  /// Names without a path keep their dots.
  private mutating func addPaths(_ id: Pickle.ID) throws(TensorIOError) {
    // Other planners keep other things here.
    guard case .dictionary = fields.pickle[id] else { return }
    for pair in try fields.dictionary(id, "planner_data") {
      guard let name = fields.pickle.string(pair.key), let parts = fields.pickle.tuple(pair.value),
        !parts.isEmpty
      else { return paths = [:] }
      try fields.count(parts.count + name.utf8.count / 64)
      var path: [Key] = []
      for part in parts {
        if let index = fields.pickle.int(part) {
          path.append(.index(index))
        } else if let text = fields.pickle.string(part) {
          try fields.count(text.utf8.count / 64)
          path.append(.text(text))
        } else {
          return paths = [:]
        }
      }
      paths[ByteKey(name)] = path
    }
  }
}
