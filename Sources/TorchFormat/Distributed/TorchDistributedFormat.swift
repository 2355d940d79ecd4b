public import ByteIO
internal import Pickle
public import TensorModel

/// What `torch.distributed.checkpoint.save` writes: a folder with a pickle that says where the chunks
/// of tensors lie in the files beside it.
///
/// | file | content |
/// |---|---|
/// | `.metadata` | a pickle of `torch.distributed.checkpoint.metadata.Metadata` |
/// | `__0_0.distcp`, … | what `torch.save` writes of each chunk, one behind the other |
///
/// Opening `.metadata` opens all.
public enum TorchDistributedFormat: PartedFormat {
  // Other programs, too, keep files that are called so: the content alone tells.
  public static let descriptor = FormatDescriptor(
    id: "dcp", name: "PyTorch distributed checkpoint", extensions: [], holdsMany: true,
    keepsNesting: true, canWrite: false)

  /// What the pickle is called.
  package static let fileName = ".metadata"

  /// Names of plain data that every checkpoint has beside torch's own: where it was saved to.
  package static let ownNames: Set<GlobalName> = [
    GlobalName("pathlib", "PosixPath"), GlobalName("pathlib", "WindowsPath"),
    GlobalName("pathlib._local", "PosixPath"), GlobalName("pathlib._local", "WindowsPath"),
  ]

  /// A pickle that begins with the name of the class.
  public static func recognizes(_ opened: OpenedFile) -> Bool {
    let head = opened.head.prefix(96)
    guard head.first == Opcode.proto.rawValue, head.count > 40 else { return false }
    let module = Array(TorchNames.metadata.module.utf8)
    return head.indices.dropLast(module.count).contains { head[$0...].starts(with: module) }
  }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    var reader = TorchPickle(opened.options)
    let metadata = try DistributedMetadata(in: opened, &reader)
    var pieces = try DistributedPieces(metadata, opened)
    try pieces.read(&reader)
    var nesting = DistributedNesting(limits: opened.options.limits)
    for entry in metadata.entries {
      let id = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try pieces.value(of: entry, &reader)
      }
      try nesting.add(id, at: metadata.paths[ByteKey(entry.name)] ?? [.text(entry.name)])
    }
    let root = try nesting.root(&reader.graph)
    return try reader.archive(root, format: descriptor.id)
  }

  package static func parts(of opened: OpenedFile) throws(TensorIOError) -> [FilePart] {
    var reader = TorchPickle(opened.options)
    return try DistributedPieces(try DistributedMetadata(in: opened, &reader), opened).files
  }
}
