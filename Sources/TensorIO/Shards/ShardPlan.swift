/// Which tensors of an archive go into which shard.
///
/// As huggingface_hub's `split_torch_state_dict_into_shards` does: in the order of the archive, each
/// tensor into the shard that is being filled; one that does not fit begins the next. A tensor larger
/// than a shard gets one of its own, before the one being filled. Tensors that share a storage stay
/// together, and count once.
package struct ShardPlan: Sendable {
  /// The tensors, each under its name in one dictionary.
  package let archive: TensorArchive
  /// What is not kept of the archive by cutting it up.
  package let losses: [Loss]
  /// The numbers of the tensors of each shard among the entries, in order.
  package let shards: [[Int]]
  /// The bytes of all tensors, those that share a storage counted once.
  package let totalSize: Int
  package let format: any TensorFormat.Type
  private let shardNames: ShardNames

  /// - Parameter shardSize: the most bytes that the tensors of a shard may have.
  /// - Throws: `invalidArgument` for a size below 1, for a format of which a file holds one tensor, and
  ///   for an archive without tensors.
  package init(
    _ original: TensorArchive, at path: String, shardSize: Int, options: WritingOptions
  ) throws(TensorIOError) {
    format = try Self.format(for: path)
    guard shardSize > 0 else { throw .invalidArgument("shards of \(shardSize) bytes hold nothing") }
    let (archive, losses) = try original.flatTensors()
    guard !archive.entries.isEmpty else {
      throw .invalidArgument("the archive holds no tensors to write into shards")
    }
    shardNames = ShardNames(path, format.descriptor)
    (self.archive, self.losses) = (archive, losses)
    let sizes = ShardSizes(
      archive, format.descriptor, options)
    (shards, totalSize) = try sizes.cut(shardSize)
  }

  /// The format of shards of this name.
  static func format(for path: String) throws(TensorIOError) -> any TensorFormat.Type {
    let format = try FormatRegistry.format(forWriting: path)
    guard format.descriptor.canWrite, format.descriptor.holdsMany else {
      throw .invalidArgument(
        "\(format.descriptor.name) files cannot be shards; end the name in .bin or .safetensors")
    }
    return format
  }

  /// The paths of the shards; of one alone, that of the whole.
  package var paths: [String] {
    guard shards.count > 1 else { return [shardNames.path] }
    return shards.indices.map { shardNames.shard($0, of: shards.count) }
  }

  /// The path of the index; nil where there is one shard.
  package var indexPath: String? { shards.count > 1 ? shardNames.index : nil }

  /// Files beside the output that are of another split of it, which readers could take for this one.
  package var strays: [String] {
    let written = Set((paths + [indexPath].compactMap { $0 }).map { ByteKey($0) })
    return shardNames.existing().filter { !written.contains(ByteKey($0)) }
  }

  /// The entries in the order in which they are written.
  package var entries: [TensorArchive.Entry] {
    shards.flatMap { numbers in numbers.map { archive.entries[$0] } }
  }

  /// The tensors of a shard.
  package func archive(of shard: Int) throws(TensorIOError) -> TensorArchive {
    if shards.count == 1 { return archive }
    var graph = archive.values
    var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
    for number in shards[shard] {
      let entry = archive.entries[number]
      pairs.append((graph.add(.string(entry.name)), entry.id))
    }
    graph.setRoot(graph.add(.dictionary(pairs)))
    return try archive.replacing(graph)
  }

  /// The text of the index, as transformers writes it: keys sorted, and ASCII alone.
  package var indexText: String {
    var places: [(name: String, file: String)] = []
    for (numbers, path) in zip(shards, paths) {
      let file = splitPath(path).name
      for number in numbers { places.append((archive.entries[number].name, file)) }
    }
    places.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let lines = places.map { "    \($0.name.pythonJSON): \($0.file.pythonJSON)" }
    return """
      {
        "metadata": {
          "total_size": \(totalSize)
        },
        "weight_map": {
      \(lines.joined(separator: ",\n"))
        }
      }

      """
  }
}

extension String {
  /// The text as Python's json writes it: what is no ASCII in escapes.
  fileprivate var pythonJSON: String {
    var text = "\""
    for unit in utf16 {
      switch unit {
      case 0x22: text += "\\\""
      case 0x5c: text += "\\\\"
      case 0x08: text += "\\b"
      case 0x09: text += "\\t"
      case 0x0a: text += "\\n"
      case 0x0c: text += "\\f"
      case 0x0d: text += "\\r"
      case 0x20..<0x7f: text.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      default:
        let digits = String(unit, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return text + "\""
  }
}
