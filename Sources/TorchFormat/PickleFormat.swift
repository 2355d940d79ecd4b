public import ByteIO
internal import Pickle
public import TensorModel

/// A plain pickle, as `pickle.dump` writes it, with NumPy arrays or tensors somewhere in it.
public enum PickleFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "pickle", name: "Python pickle", extensions: ["pkl", "pickle", "pt", "pth", "bin"],
    holdsMany: true, keepsNesting: true, canWrite: false)

  /// A pickle of protocol 2 and up says so; older ones are known by a first opcode that makes a
  /// container, a number or a name, and the STOP at the end.
  public static func recognizes(_ opened: OpenedFile) throws(TensorIOError) -> Bool {
    guard let first = opened.head.first, opened.head.count > 1 else { return false }
    if first == Opcode.proto.rawValue { return (2...5).contains(opened.head[1]) }
    guard let opcode = Opcode(rawValue: first), Self.oldBeginnings.contains(opcode) else {
      return false
    }
    let size = opened.file.byteCount
    guard try opened.file.bytes(size - 1..<size) == [Opcode.stop.rawValue] else { return false }
    let source = try FileSlice(opened.file, 0..<size)
    return try Pickle.attempt(source, limits: opened.options.limits).error == nil
  }

  private static let oldBeginnings: Set<Opcode> = [
    .mark, .emptyDict, .emptyList, .emptyTuple, .global, .int, .long, .float, .string, .unicode,
    .binInt, .binInt1, .binInt2, .binFloat, .binUnicode, .binString, .shortBinString, .none,
  ]

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    var reader = TorchPickle(opened.options)
    let source = try FileSlice(opened.file, 0..<opened.file.byteCount)
    let (pickle, end) = try reader.parse(source)
    if end < source.byteCount {
      reader.findings.append(
        Finding(
          .trailingBytes, "\(source.byteCount - end) bytes follow the pickle", offset: end))
    }
    let root = try reader.decode(pickle, NoStorages())
    return try reader.archive(root, format: descriptor.id)
  }
}
