import ByteIO
import TensorIO
import TestSupport

/// Pickles put together by hand, opcode by opcode.
enum Op {
  static let none: [UInt8] = [0x4e]
  static let yes: [UInt8] = [0x88]
  static let no: [UInt8] = [0x89]
  /// An empty OrderedDict, which stands for no hooks.
  static let hooks = call("collections", "OrderedDict")

  static func text(_ text: String) -> [UInt8] {
    [0x58] + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
  }

  static func bytes(_ bytes: [UInt8]) -> [UInt8] {
    [0x42] + littleEndian(UInt32(bytes.count)) + bytes
  }

  static func int(_ value: Int) -> [UInt8] {
    [0x8a, 8] + littleEndian(UInt64(bitPattern: Int64(value)))
  }

  static func global(_ module: String, _ name: String) -> [UInt8] {
    [0x63] + Array("\(module)\n\(name)\n".utf8)
  }

  static func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.joined() + [0x74] }
  static func ints(_ values: [Int]) -> [UInt8] { tuple(values.map(int)) }
  static func list(_ items: [[UInt8]]) -> [UInt8] { [0x5d, 0x28] + items.joined() + [0x65] }

  static func dictionary(_ pairs: [(String, [UInt8])]) -> [UInt8] {
    [0x7d, 0x28] + pairs.flatMap { text($0.0) + $0.1 } + [0x75]
  }

  static func call(_ module: String, _ name: String, _ arguments: [UInt8]...) -> [UInt8] {
    global(module, name) + tuple(arguments) + [0x52]
  }

  static func persistent(_ id: [UInt8]) -> [UInt8] { id + [0x51] }
  static func program(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body + [0x2e] }

  /// A storage; `more` is the item about a view.
  static func storage(
    _ kind: String, _ key: String, _ count: Int, at location: String = "cpu", _ more: [UInt8]...
  ) -> [UInt8] {
    let module = kind == "UntypedStorage" ? "torch.storage" : "torch"
    let parts = [text("storage"), global(module, kind), text(key), text(location), int(count)]
    return persistent(tuple(parts + more))
  }

  /// A tensor of one axis, or with strides of any.
  static func tensor(
    _ storage: [UInt8], offset: Int = 0, _ shape: [Int], _ strides: [Int] = [1],
    dtype: String? = nil, metadata: [UInt8]? = nil
  ) -> [UInt8] {
    var parts = [storage, int(offset), ints(shape), ints(strides), no, hooks]
    if let dtype { parts.append(global("torch", dtype)) }
    if let metadata { parts.append(metadata) }
    let version = dtype == nil ? "v2" : "v3"
    return global("torch._utils", "_rebuild_tensor_\(version)") + tuple(parts) + [0x52]
  }

  static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  static func floats(_ values: [Float]) -> [UInt8] {
    values.flatMap { littleEndian($0.bitPattern) }
  }
}

/// Files of PyTorch put together by hand.
enum TorchBytes {
  /// An archive of stored members, in order and as often as they are given.
  static func zip(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in members {
      let size = Op.littleEndian(UInt32(bytes.count))
      // Version 2.0, no flags, stored, the first day of 1980.
      var facts: [UInt8] = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]
      facts += Op.littleEndian(crc32(bytes)) + size + size
      facts += Op.littleEndian(UInt16(name.utf8.count)) + [0, 0]
      directory += [0x50, 0x4b, 1, 2, 20, 0] + facts + [UInt8](repeating: 0, count: 10)
      directory += Op.littleEndian(UInt32(file.count)) + Array(name.utf8)
      file += [0x50, 0x4b, 3, 4] + facts + Array(name.utf8) + bytes
    }
    let count = Op.littleEndian(UInt16(members.count))
    let end = Op.littleEndian(UInt32(directory.count)) + Op.littleEndian(UInt32(file.count))
    return file + directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + count + count + end + [0, 0]
  }

  /// The members of an archive of `torch.save`.
  static func members(
    _ root: [UInt8], _ storages: [(String, [UInt8])], byteOrder: String = "little",
    prefix: String = "archive"
  ) -> [(name: String, bytes: [UInt8])] {
    [("\(prefix)/data.pkl", Op.program(root)), ("\(prefix)/byteorder", Array(byteOrder.utf8))]
      + storages.map { ("\(prefix)/data/\($0.0)", $0.1) }
      + [("\(prefix)/version", Array("3\n".utf8))]
  }

  static func archive(
    _ root: [UInt8], _ storages: [(String, [UInt8])], byteOrder: String = "little"
  ) -> [UInt8] { zip(members(root, storages, byteOrder: byteOrder)) }

  /// A stream of before 1.6; each storage with its number of elements.
  static func stream(
    _ root: [UInt8], _ storages: [(key: String, count: Int, bytes: [UInt8])],
    isLittle: Bool = true
  ) -> [UInt8] {
    let magic: [UInt8] = [
      0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
    ]
    let system = Op.dictionary([("little_endian", isLittle ? Op.yes : Op.no)])
    let parts = [magic, Op.int(1001), system, root, Op.list(storages.map { Op.text($0.key) })]
    return parts.flatMap(Op.program)
      + storages.flatMap { Op.littleEndian(UInt64($0.count)) + $0.bytes }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var state: UInt32 = .max
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 1 ? 0xedb8_8320 : 0) }
    }
    return ~state
  }
}

/// What opening a file threw; nil when it opened.
func openingError(_ path: String) -> TensorIOError? {
  do throws(TensorIOError) {
    _ = try TensorArchive(contentsOf: path)
    return nil
  } catch {
    return error
  }
}
