public import ByteIO
internal import Pickle
public import TensorModel
internal import ZIPContainer

/// A TorchScript program, as `torch.jit.save` writes it: an archive of torch with code beside the
/// tensors.
///
/// Parameters, buffers and attributes of the module answer to their attribute paths; constants lie
/// under `constants`. The code is listed and never run.
public enum TorchScriptFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "torchscript", name: "TorchScript program", extensions: ["pt", "pth", "ptl"],
    holdsMany: true, keepsNesting: true, canWrite: false)

  public static func recognizes(_ opened: OpenedFile) throws(TensorIOError) -> Bool {
    guard let records = try TorchRecords.of(opened) else { return false }
    return records.has("constants.pkl") || records.has("bytecode.pkl")
  }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    guard let records = try TorchRecords.of(opened) else { throw .malformed("no ZIP archive") }
    try records.requireVersion()
    var reader = TorchPickle(opened.options)
    reader.findings = records.findings
    var roots: [(key: String, value: ValueGraph.ID)] = []
    for (record, folder) in [("data", "data"), ("constants", "constants")] {
      guard let member = try records.find(record + ".pkl") else { continue }
      let provider = try RecordStorages(records, folder: folder)
      let root = try locating(.init(member: member.name)) { () throws(TensorIOError) in
        reader.member = member.name
        let bytes = try records.load(member, opened.options.limits)
        return try reader.decode(try reader.parse(bytes).pickle, provider)
      }
      roots.append((record, root))
    }
    // A mobile module has further pickles, its program among them; only the names in them count.
    let own = ["data.pkl", "constants.pkl"].map { records.prefix + $0 }
    for member in records.members
    where member.name.hasSuffix("pkl") && !own.contains(member.name)
      && member.name.utf8.count(where: { $0 == 0x2f }) == 1
    {
      try locating(.init(member: member.name)) { () throws(TensorIOError) in
        reader.member = member.name
        _ = try reader.parse(try records.load(member, opened.options.limits))
      }
    }
    guard let module = roots.first(where: { $0.key == "data" }) else {
      throw .malformed("the archive has no record 'data.pkl'")
    }
    // Constants and code go beside the module's attributes.
    if case .object(var root) = reader.graph[module.value] {
      root.parts = (reader.graph.children(of: module.value) ?? []).map { ($0.key, $0.value) }
      if let constants = roots.first(where: { $0.key == "constants" }) {
        root.parts.append(("constants", constants.value))
      }
      root.parts.append(("code", code(in: records, &reader.graph)))
      reader.graph.replace(module.value, with: .object(root))
    }
    return try reader.archive(module.value, format: descriptor.id)
  }

  /// The program, as bytes under the names of its files.
  private static func code(
    in records: TorchRecords, _ graph: inout ValueGraph
  ) -> ValueGraph.ID {
    let prefix = records.prefix + "code/"
    var files: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
    for member in records.members
    where member.name.utf8.starts(with: prefix.utf8) && !member.isDirectory {
      let name = String(decoding: member.name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
      files.append((graph.add(.string(name)), graph.add(.bytes(member))))
    }
    return graph.add(.dictionary(files))
  }
}
