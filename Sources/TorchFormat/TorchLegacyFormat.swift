public import ByteIO
internal import Pickle
public import TensorModel

/// What `torch.save` wrote before 1.6: five pickles in a row, then the storages.
///
/// | part | content |
/// |---|---|
/// | pickle | the integer 0x1950a86a20f9469cfc6c |
/// | pickle | the protocol version, 1001 |
/// | pickle | `{'protocol_version': 1001, 'little_endian': True, 'type_sizes': {…}}` |
/// | pickle | the object; storages are persistent ids |
/// | pickle | the list of storage keys |
/// | for each key | the number of elements in 8 bytes, then the elements |
public enum TorchLegacyFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "torch-legacy", name: "PyTorch legacy stream", extensions: ["pt", "pth", "ckpt", "bin"],
    holdsMany: true,
    keepsNesting: true, canWrite: false)

  /// How many pickles a stream begins with.
  package static let pickleCount = 5

  /// The integer of the first pickle, as LONG1 has it.
  private static let magic: [UInt8] = [
    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  /// Whether a file starts as a stream does.
  package static func isLegacy(_ head: [UInt8]) -> Bool {
    guard head.count >= 15, head[0] == Opcode.proto.rawValue else { return false }
    let frame: [UInt8] = [Opcode.frame.rawValue, 13, 0, 0, 0, 0, 0, 0, 0]
    let body = head.dropFirst(2)
    return body.starts(with: magic) || body.starts(with: frame + magic.prefix(5))
  }

  public static func recognizes(_ opened: OpenedFile) -> Bool { isLegacy(opened.head) }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    var reader = TorchPickle(opened.options)
    let source = try FileSlice(opened.file, 0..<opened.file.byteCount)
    let (root, end) = try read(source, &reader)
    if end < source.byteCount {
      reader.findings.append(
        Finding(
          .trailingBytes, "\(source.byteCount - end) bytes follow the last storage", offset: end))
    }
    return try reader.archive(root, format: descriptor.id)
  }

  /// Reads a stream and answers its value, and where it ends.
  static func read(
    _ source: any ByteSource, _ reader: inout TorchPickle
  ) throws(TensorIOError) -> (ValueGraph.ID, end: Int) {
    let (object, storages) = try parse(source, &reader)
    let root = try reader.decode(object, storages)
    return (root, storages.end)
  }

  /// The object of a stream and its storages.
  static func parse(
    _ source: any ByteSource, _ reader: inout TorchPickle
  ) throws(TensorIOError) -> (Pickle, StreamStorages) {
    let (number, magicEnd) = try reader.parse(source)
    guard case .bigInteger(let digits) = number[number.root], digits == "119547037146038801333356"
    else { throw .malformed("the first pickle is no magic number of PyTorch") }
    let (version, versionEnd) = try reader.parse(source, from: magicEnd)
    guard version.int(version.root) == 1001 else {
      throw .unsupported("the stream has another protocol version than 1001", offset: magicEnd)
    }
    let (system, systemEnd) = try reader.parse(source, from: versionEnd)
    guard case .dictionary = system[system.root] else {
      throw .malformed("the third pickle is no dictionary about the system")
    }
    let (object, objectEnd) = try reader.parse(source, from: systemEnd)
    let (keys, keysEnd) = try reader.parse(source, from: objectEnd)
    let storages = StreamStorages(source)
    try storages.index(try self.keys(keys, at: objectEnd), of: object, from: keysEnd)
    return (object, storages)
  }

  private static func keys(_ pickle: Pickle, at offset: Int) throws(TensorIOError) -> [String] {
    guard case .list(let items) = pickle[pickle.root] else {
      throw .malformed("the fifth pickle is no list of storage keys", offset: offset)
    }
    return try items.map { (item) throws(TensorIOError) in
      guard let key = pickle.key(item) else {
        throw .malformed("a storage key is no string", offset: offset)
      }
      return key
    }
  }
}

/// Storages that follow a stream's pickles.
final class StreamStorages: StorageProvider {
  private let source: any ByteSource
  private var ranges: [ByteKey: Range<Int>] = [:]
  /// torch writes elements little-endian on every machine, and looks at no statement about it.
  let byteOrder = ByteOrder.little
  /// Where the last storage ends.
  private(set) var end = 0

  init(_ source: any ByteSource) { self.source = source }

  /// Finds the place of each storage.
  /// - Parameters:
  ///   - keys: in the order of the stream.
  ///   - pickle: the object, whose persistent ids say how large elements are.
  func index(
    _ keys: [String], of pickle: Pickle, from start: Int
  ) throws(TensorIOError) {
    let sizes = Self.itemSizes(pickle)
    end = start
    for key in keys {
      let name = ByteKey(key)
      guard let size = sizes[name] else {
        throw .malformed(
          "the list of keys has '\(key.escapedForDisplay)', which no tensor uses", offset: end)
      }
      let count = try integer(at: end)
      let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
      guard count >= 0, !overflow, bytes <= source.byteCount - end - 8 else {
        throw .malformed(
          "storage '\(key.escapedForDisplay)' says \(count) elements of \(size) bytes, "
            + "\(source.byteCount - end - 8) bytes are left; the file is cut short or damaged",
          offset: end)
      }
      let range = end + 8..<end + 8 + bytes
      guard ranges.updateValue(range, forKey: name) == nil else {
        throw .malformed("the list of keys has '\(key.escapedForDisplay)' twice", offset: end)
      }
      end = range.upperBound
    }
  }

  private func integer(at offset: Int) throws(TensorIOError) -> Int {
    guard source.byteCount - offset >= 8 else {
      throw .malformed("the size of a storage is missing; the file is cut short", offset: offset)
    }
    return try source.integers(at: offset, count: 1)[0]
  }

  /// The bytes of one element of each storage that a pickle refers to.
  private static func itemSizes(_ pickle: Pickle) -> [ByteKey: Int] {
    var sizes: [ByteKey: Int] = [:]
    for id in pickle.ids {
      guard case .persistent(let key) = pickle[id], let parts = pickle.tuple(key), parts.count >= 5,
        let type = pickle.global(parts[1]),
        let name = pickle.key(parts[2])
      else { continue }
      sizes[ByteKey(name)] = StoragePool.bytesPerItem(TorchNames.dtype(ofStorage: type))
    }
    return sizes
  }

  func bytes(_ key: String, byteCount: Int) throws(TensorIOError) -> any ByteSource {
    guard let range = ranges[ByteKey(key)] else {
      throw .malformed("storage '\(key.escapedForDisplay)' is not in the list of keys")
    }
    guard range.count == byteCount else {
      throw .malformed(
        "storage '\(key.escapedForDisplay)' has \(range.count) bytes, the pickle says \(byteCount)",
        offset: range.lowerBound)
    }
    return SourceSlice.of(source, range)
  }
}
