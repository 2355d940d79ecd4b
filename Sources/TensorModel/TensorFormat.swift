public import ByteIO

/// What a format is called and what can be done with it.
///
/// It lives in the format's own folder; detection, `--help` and the tests read it from the
/// registry.
public struct FormatDescriptor: Sendable, Hashable {
  /// The identifier used on the command line and in JSON: `npy`.
  public let id: String
  /// The name for people.
  public let name: String
  /// Endings of file names, without the dot; the first is the usual one.
  public let extensions: [String]
  /// Whether one file holds many named tensors.
  public let holdsMany: Bool
  /// Whether ``WritingOptions/compressionLevel`` has a meaning.
  public let compresses: Bool

  /// Creates a descriptor.
  public init(
    id: String, name: String, extensions: [String], holdsMany: Bool, compresses: Bool = false
  ) {
    self.id = id
    self.name = name
    self.extensions = extensions
    self.holdsMany = holdsMany
    self.compresses = compresses
  }
}

/// How files are read.
public struct ReadingOptions: Sendable {
  /// What a file may ask for.
  public var limits = DecodingLimits()
  /// What NumPy's raw `V1`, `V2`, … elements mean, by their size in bytes: NumPy writes bfloat16 as
  /// `V2` and the 8-bit floats as `V1`, so the file cannot say.
  ///
  /// Nothing is guessed by default.
  public var rawTypes: [Int: DType] = [:]

  /// Creates the documented defaults.
  public init() {}
}

/// How files are written.
public struct WritingOptions: Sendable {
  /// The deflate level from 1 (fastest) to 12 (smallest), or nil to store members as they are, which
  /// lets every reader map them.
  public var compressionLevel: Int?
  /// Whether file and folder are on the disk when writing returns.
  ///
  /// Off: a crash of the machine, not of the program, may lose the new file and keep the old one.
  public var synced = false
  /// Called with the number of tensor bytes written since the last call.
  public var progress: (@Sendable (Int) -> Void)?
  /// Asked between chunks; when it answers true, writing throws `io` and leaves nothing behind.
  public var isCancelled: (@Sendable () -> Bool)?

  /// Creates the documented defaults.
  public init() {}
}

extension WritingOptions {
  /// Reports a chunk that was written.
  /// - Throws: `io` when the caller wants to stop.
  package func advance(_ byteCount: Int) throws(TensorIOError) {
    progress?(byteCount)
    if isCancelled?() ?? false {
      throw TensorIOError(.io, "writing was cancelled; nothing was left behind")
    }
  }
}

/// A file format: how it is recognized, read and written.
public protocol TensorFormat: Sendable {
  /// Its names.
  static var descriptor: FormatDescriptor { get }

  /// Whether the file is of this format, from its content alone. `head` is the start of the file, at
  /// most 64 bytes.
  static func recognizes(_ head: Span<UInt8>) -> Bool

  /// Indexes a file: names, types, shapes and places of the tensors, without touching their bytes.
  static func read(_ file: InputFile, options: ReadingOptions) throws(TensorIOError)
    -> TensorArchive

  /// What ``write(_:to:options:)`` of this archive would not keep. Tensors that no writing could
  /// keep in any form are errors of the writing itself.
  static func losses(of archive: TensorArchive) -> [Loss]

  /// Writes an archive; the caller commits the file.
  static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError)
}
