internal import ByteIO
public import TensorIO

/// What a conversion read and wrote: files with their hashes, and each tensor before and after.
///
/// It holds no time and no path but those that were given, so the same conversion gives the same
/// manifest.
public struct Manifest: Sendable, Hashable {
  /// The version of the text that is written; others are refused.
  public static let version = 1

  /// A file with the SHA-256 of its bytes.
  public struct File: Sendable, Hashable {
    /// The path as it was given; of files in a folder, that in the folder.
    public var path: String
    /// The size in bytes.
    public var byteCount: Int
    /// In hexadecimal.
    public var sha256: String

    /// Creates a file.
    public init(path: String, byteCount: Int, sha256: String) {
      self.path = path
      self.byteCount = byteCount
      self.sha256 = sha256
    }

    /// Reads a file from its start to its end.
    package init(_ file: InputFile, path: String) throws(TensorIOError) {
      self.init(path: path, byteCount: file.byteCount, sha256: try file.sha256())
    }
  }

  /// A tensor in a file.
  public struct Outline: Sendable, Hashable {
    /// Its name there.
    public var name: String
    /// Its dtype there.
    public var dtype: String
    /// Its shape there.
    public var shape: [Int]
    /// The SHA-256 of its elements, row-major and little-endian; nil of objects and meta tensors.
    public var sha256: String?

    /// Creates an outline.
    public init(name: String, dtype: String, shape: [Int], sha256: String?) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
      self.sha256 = sha256
    }

    /// The outline of an entry, whose elements are read.
    package init(
      _ entry: TensorArchive.Entry, limits: DecodingLimits
    ) throws(TensorIOError) {
      let tensor = entry.tensor
      var hash: String?
      if tensor.hasElements, !tensor.dtype.containsObjects {
        hash = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
          try tensor.sha256(limits: limits)
        }
      }
      self.init(name: entry.name, dtype: "\(tensor.dtype)", shape: tensor.shape, sha256: hash)
    }

    /// The outlines of entries, several at a time.
    package static func all(
      _ entries: [TensorArchive.Entry], limits: DecodingLimits
    ) throws(TensorIOError) -> [Outline] {
      let results = ResultSlots<Outline?>(count: entries.count, initial: nil)
      try Parallel.forEach(entries.count) { (index) throws(TensorIOError) in
        results[index] = try Outline(entries[index], limits: limits)
      }
      return results.all.compactMap { $0 }
    }
  }

  /// A tensor that was written.
  public struct Tensor: Sendable, Hashable {
    /// The number of the file that it was read from.
    public var source: Int
    /// The number of the file that it was written to.
    public var output: Int
    /// What it was.
    public var before: Outline
    /// What was read back of it.
    public var after: Outline
    /// How its numbers changed, together with those of the tensors that share its storage; nil where
    /// the dtype stayed.
    public var cast: ConversionReport?

    /// Creates a tensor.
    public init(
      source: Int, output: Int, before: Outline, after: Outline, cast: ConversionReport? = nil
    ) {
      self.source = source
      self.output = output
      self.before = before
      self.after = after
      self.cast = cast
    }
  }

  /// The program and its version.
  public var tool: String
  /// The files that were read.
  public var sources: [File]
  /// The files that were written.
  public var outputs: [File]
  /// The tensors, in the order of the output.
  public var tensors: [Tensor]
  /// What was not kept.
  public var losses: [Loss]
  /// What was asked for, as flags and their values; nil where nobody needs to know.
  public var options: [String]?

  /// Creates a manifest.
  public init(
    tool: String, sources: [File] = [], outputs: [File] = [], tensors: [Tensor] = [],
    losses: [Loss] = [], options: [String]? = nil
  ) {
    self.tool = tool
    self.sources = sources
    self.outputs = outputs
    self.tensors = tensors
    self.losses = losses
    self.options = options
  }
}
