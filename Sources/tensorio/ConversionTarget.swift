internal import ByteIO
internal import TensorIO

/// Where a conversion writes.
enum ConversionTarget {
  case file(String)
  case folder(String)

  /// A folder by its trailing slash or because it is one; a file otherwise.
  init(_ path: String) throws(TensorIOError) {
    if path.hasSuffix("/") || Folder.exists(path) {
      self = .folder(path)
    } else {
      _ = try FormatRegistry.format(forWriting: path)
      self = .file(path)
    }
  }

  private static let ending = "npy"

  /// A name with the ending of what will be written.
  var sample: String {
    switch self {
    case .file(let path): path
    // Each file of a folder carries its tensor's name, so an archive's losses are the ones.
    case .folder: "folder.npz"
    }
  }

  /// Refuses to replace a file without being told to, and options that would do nothing.
  func requireUse(force: Bool, compress: Int?) throws(TensorIOError) {
    if compress != nil, descriptor?.compresses != true {
      throw TensorIOError(.invalidArgument, "--compress does nothing for this output; leave it out")
    }
    if case .file(let path) = self, !force, Folder.contains(path) {
      throw TensorIOError(
        .invalidArgument, "the output exists; name another, or replace it with --force")
    }
  }

  /// The format of the file; nil for a folder.
  private var descriptor: FormatDescriptor? {
    guard case .file(let path) = self else { return nil }
    return (try? FormatRegistry.format(forWriting: path))?.descriptor
  }

  /// Whether what is written has no names inside.
  var isNameless: Bool { descriptor?.holdsMany == false }

  /// Whether tensors that share a storage go on sharing it.
  var keepsSharing: Bool { descriptor?.keepsSharing == true }

  /// Whether nested values, device tags and gradients can be written.
  var keepsNesting: Bool { descriptor?.keepsNesting == true }

  /// How many bytes of tensors will be written, for the bar: storages once, where they are kept.
  func byteCount(of archive: TensorArchive) -> Int {
    guard keepsNesting else { return archive.byteCount }
    var used: [ObjectIdentifier: (whole: Int, parts: Int)] = [:]
    for tensor in archive.entries.lazy.map(\.tensor) where tensor.hasElements {
      let storage = tensor.storage
      let parts = used[ObjectIdentifier(storage)]?.parts ?? 0
      used[ObjectIdentifier(storage)] = (
        storage.byteCount, parts.addingSaturated(tensor.byteCount)
      )
    }
    // Of a storage of which less is used, what is used may be all that is written.
    return used.values.reduce(0) { $0.addingSaturated(min($1.whole, $1.parts)) }
  }

  /// Whether an archive is of this very format, which has no names; several arrays in one file stay
  /// so.
  func takesAsIs(_ archive: TensorArchive) -> Bool {
    isNameless && archive.format == descriptor?.id
  }

  /// What the files that are written will be called; of those in a folder, their paths in it.
  func files(of archive: TensorArchive) throws(TensorIOError) -> [String] {
    switch self {
    case .file(let path): [path]
    case .folder:
      try archive.fileNames(ending: Self.ending).map { $0.joined(separator: "/") }
    }
  }

  /// - Parameter check: what looks at each file before the output gets its name.
  func write(
    _ archive: TensorArchive, _ options: WritingOptions, checking check: WrittenCheck?
  ) throws(TensorIOError) {
    switch self {
    case .folder(let path):
      try archive.extract(to: path, ending: Self.ending, options: options, checking: check)
    case .file(let path):
      let format = try FormatRegistry.format(forWriting: path)
      // An npy file of several arrays may be written as one again.
      let isList = archive.format == format.descriptor.id
      if !format.descriptor.holdsMany, archive.entries.count > 1, !isList {
        throw TensorIOError(
          .invalidArgument,
          "\(archive.entries.count) tensors do not go into one \(format.descriptor.id) file; end "
            + "the output in / to write a folder, or choose one tensor with --include")
      }
      try archive.write(to: path, options: options, checking: check)
    }
  }
}
