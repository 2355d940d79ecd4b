internal import NumPyFormat
internal import SafetensorsFormat
internal import TorchFormat

/// The formats that this library reads and writes.
public enum FormatRegistry {
  /// All formats, in the order in which they are asked to recognize a file.
  ///
  /// PyTorch looks for a tar archive before it looks for a legacy stream.
  public static let all: [any TensorFormat.Type] = [
    NPYFormat.self,
    ShardIndexFormat.self,
    TorchScriptFormat.self,
    TorchExportFormat.self,
    TorchZIPFormat.self,
    NPZFormat.self,
    SafetensorsFormat.self,
    TorchTarFormat.self,
    TorchLegacyFormat.self,
    TorchDistributedFormat.self,
    PickleFormat.self,
  ]

  /// What each format is called, in the same order.
  public static var descriptors: [FormatDescriptor] { all.map { $0.descriptor } }

  /// The endings of file names, each with its dot.
  public static var endings: [String] { endings(of: descriptors) }

  /// The endings of file names of formats that can be written.
  public static var writableEndings: [String] { endings(of: descriptors.filter { $0.canWrite }) }

  private static func endings(of descriptors: [FormatDescriptor]) -> [String] {
    var seen: Set<String> = []
    return descriptors.flatMap { $0.extensions }.filter { seen.insert($0).inserted }.map {
      "." + $0
    }
  }

  /// The format with this identifier, or nil.
  public static func format(id: String) -> (any TensorFormat.Type)? {
    all.first { $0.descriptor.id == id }
  }

  /// The format whose files end like `path`.
  /// - Throws: `invalidArgument` listing the endings there are.
  public static func format(
    forWriting path: String
  ) throws(TensorIOError) -> any TensorFormat.Type {
    let formats = all.filter { $0.descriptor.matches(path) }
    if let format = formats.first(where: { $0.descriptor.canWrite }) ?? formats.first {
      return format
    }
    throw TensorIOError(
      .invalidArgument,
      "the name does not say the format; end it in "
        + writableEndings.joined(separator: " or "),
      at: .init(file: path))
  }

  /// The format that a file name says: of several with one ending, the one that is written.
  static func named(by path: String) -> FormatDescriptor? {
    let named = descriptors.filter { $0.matches(path) }
    return named.first { $0.canWrite } ?? named.first
  }

  /// The finding that the name of a file says another format than its content has.
  static func misnaming(_ path: String, _ format: FormatDescriptor) -> Finding? {
    guard !format.matches(path), let named = named(by: path) else { return nil }
    return Finding(
      .wrongExtension, "the name says \(named.id), the content is \(format.id)")
  }

  /// The format of a file by its content.
  /// - Throws: `malformed` for an empty file, `unsupported` naming what the file is instead.
  package static func format(
    of opened: OpenedFile
  ) throws(TensorIOError) -> any TensorFormat.Type {
    for format in all where try format.recognizes(opened) { return format }
    let (file, head) = (opened.file, opened.head)
    if head.isEmpty { throw .malformed("the file is empty") }
    if let named = Self.named(by: file.path) {
      throw .malformed(
        "this is no \(named.id) file: the content is \(ForeignContent.describe(head))")
    }
    throw .unsupported(
      "the content is \(ForeignContent.describe(head)); this version reads "
        + descriptors.map(\.id).joined(separator: ", "))
  }
}

extension FormatDescriptor {
  /// Whether a file name ends in one of the format's endings, in either case.
  package func matches(_ path: String) -> Bool {
    extensions.contains { path.lowercased().hasSuffix("." + $0) }
  }
}

/// Names content that is none of our formats, because "unknown format" helps nobody.
enum ForeignContent {
  private static let signatures: [(bytes: [UInt8], name: String)] = [
    ([0x1f, 0x8b], "gzip data; decompress it first"),
    ([0x28, 0xb5, 0x2f, 0xfd], "zstd data; decompress it first"),
    ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz data; decompress it first"),
    (Array("BZh".utf8), "bzip2 data; decompress it first"),
    ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7-Zip archive"),
    ([0x89, 0x48, 0x44, 0x46], "an HDF5 file"),
    (Array("version https://git-lfs".utf8), "a Git LFS pointer, not the file itself; git lfs pull"),
    (Array("<!DOCTYPE".utf8), "an HTML page; the download went wrong"),
    (Array("<html".utf8), "an HTML page; the download went wrong"),
    (Array("GGUF".utf8), "a GGUF model"),
  ]

  /// What the first bytes of a file look like.
  static func describe(_ head: [UInt8]) -> String {
    if let known = signatures.first(where: { head.starts(with: $0.bytes) }) { return known.name }
    if TorchTarFormat.isTar(head) { return "a tar archive without the files of PyTorch" }
    let start = head.prefix(8).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return "unknown (it starts with \(start.joined(separator: " ")))"
  }
}
