internal import JSONText

/// Which file of a checkpoint each tensor is in: what stands in `model.safetensors.index.json`.
///
/// ```json
/// {"metadata": {"total_size": 96}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
/// ```
struct ShardIndex: Sendable {
  /// The names in the order of the file, each with the number of its shard.
  let names: [(name: String, shard: Int)]
  /// The names of the shards, in the order of first use.
  let shards: [String]
  /// The bytes of all tensors; nil where the index does not say.
  let totalSize: Int?

  /// Whether a file begins as JSON objects do, which no other format does.
  static func isObject(_ head: [UInt8]) -> Bool {
    let text = head.drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    guard text.first == UInt8(ascii: "{") else { return false }
    // A length of 64 bits may begin so; its upper bytes are 0.
    return !head.prefix(16).contains { $0 < 0x20 && ![0x09, 0x0a, 0x0d].contains($0) }
  }

  /// Reads an index.
  /// - Throws: `unsupported` for other JSON; `malformed` for text that is none, names that are there
  ///   twice, and values of other kinds.
  init(in file: InputFile, limits: DecodingLimits) throws(TensorIOError) {
    let json = try Self.json(of: file, keeping: nil, limits)
    guard case .object(let pairs) = json else { throw Self.otherJSON }
    guard let map = json["weight_map"] else { throw Self.otherJSON }
    guard pairs.filter({ $0.key == "weight_map" }).count == 1 else {
      throw .malformed("the index has two objects 'weight_map'")
    }
    guard case .object(let entries) = map else {
      throw .malformed("the weight_map is no object of names and files")
    }
    guard !entries.isEmpty else { throw .malformed("the weight_map names no tensors") }
    totalSize = try Self.totalSize(json)
    var names: [(name: String, shard: Int)] = []
    var shards: [String] = []
    var known: Set<ByteKey> = []
    var numbers: [ByteKey: Int] = [:]
    for (name, value) in entries {
      guard case .string(let shard) = value else {
        throw TensorIOError(
          .malformed, "the weight_map gives no file for it", at: .init(tensor: name))
      }
      guard known.insert(ByteKey(name)).inserted else {
        throw TensorIOError(.malformed, "the weight_map names it twice", at: .init(tensor: name))
      }
      let number = numbers[ByteKey(shard)] ?? shards.count
      if number == shards.count {
        numbers[ByteKey(shard)] = number
        shards.append(shard)
      }
      names.append((name, number))
    }
    (self.names, self.shards) = (names, shards)
  }

  private static func json(
    of file: InputFile, keeping key: String?, _ limits: DecodingLimits
  ) throws(TensorIOError) -> JSON {
    // Before it is read; the parser counts in the same units.
    guard file.byteCount / 64 <= limits.headerBytes else {
      throw .limit(
        "the length of the JSON text, in units of 64,", file.byteCount / 64 + 1,
        over: limits.headerBytes, raise: "headerBytes")
    }
    return try JSON(parsing: try file.bytes(0..<file.byteCount), keeping: key, limits: limits)
  }

  private static var otherJSON: TensorIOError {
    .unsupported("JSON text without an object 'weight_map' is no index of shards, and no tensors")
  }

  private static func totalSize(_ json: JSON) throws(TensorIOError) -> Int? {
    switch json["metadata"]?["total_size"] {
    case nil, .null: return nil
    case .int(let size): return size
    case .double(let size):
      if let whole = Int(exactly: size) { return whole }
    default: break
    }
    throw .malformed("the total_size of the index is no number of bytes")
  }

  /// The path of a shard, which lies beside the index.
  func path(of shard: Int, beside file: String) throws(TensorIOError) -> String {
    try SiblingName.path(shards[shard], beside: file)
  }

  /// Whether a file is an index, or JSON text that is broken and called as if it were one.
  static func isIndex(_ path: String, limits: DecodingLimits = DecodingLimits()) -> Bool {
    do throws(TensorIOError) {
      let json = try json(of: try InputFile(path: path), keeping: "weight_map", limits)
      return json["weight_map"] != nil
    } catch {
      return error.code != .invalidArgument
    }
  }
}
