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
  /// Whether a file holds nested values, device tags and aliases, or only an array or a row of them.
  public let keepsNesting: Bool
  /// Whether tensors that share a storage go on sharing it.
  public let keepsSharing: Bool
  /// Whether elements stay in the byte order that they have; otherwise all become little-endian.
  public let keepsByteOrder: Bool
  /// Whether files have texts about the whole.
  public let keepsMetadata: Bool
  /// Whether files of the format can be written.
  public let canWrite: Bool

  /// Creates a descriptor.
  public init(
    id: String, name: String, extensions: [String], holdsMany: Bool, compresses: Bool = false,
    keepsNesting: Bool = false, keepsSharing: Bool? = nil, keepsByteOrder: Bool = false,
    keepsMetadata: Bool = false, canWrite: Bool = true
  ) {
    self.id = id
    self.name = name
    self.extensions = extensions
    self.holdsMany = holdsMany
    self.compresses = compresses
    self.keepsNesting = keepsNesting
    self.keepsSharing = keepsSharing ?? keepsNesting
    self.keepsByteOrder = keepsByteOrder
    self.keepsMetadata = keepsMetadata
    self.canWrite = canWrite
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

  /// How the strings of Python 2 in pickles are read, which may be text or bytes.
  public var legacyEncoding = LegacyEncoding.automatic

  /// Whether tensors of safetensors files share their storage where our record says that they did.
  ///
  /// Off: each is what the file holds under its name, and what was left out of the file is missing.
  public var restoresTies = true

  /// Creates the documented defaults.
  public init() {}
}

/// What a Python 2 string in a pickle is taken for.
public enum LegacyEncoding: String, Sendable, CaseIterable {
  /// Text where it is UTF-8, as ASCII is, else bytes.
  case automatic = "auto"
  /// Text, one character a byte.
  case latin1
  /// Always bytes.
  case bytes

  /// The text of a string, or nil where it is bytes.
  package func text(_ string: [UInt8]) -> String? {
    switch self {
    case .automatic: return String(validating: string, as: UTF8.self)
    case .latin1:
      var text = String.UnicodeScalarView()
      for byte in string { text.append(Unicode.Scalar(byte)) }
      return String(text)
    case .bytes: return nil
    }
  }
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
  /// What becomes of a storage that is larger than the tensors on it, in formats that keep storages.
  public var views = ViewPolicy.automatic
  /// What becomes in safetensors files of tensors that share a storage.
  public var ties = TiePolicy.record
  /// Where the elements begin in safetensors files: at a multiple of so many bytes.
  ///
  /// 8, or a larger power of two for readers that use them in place with vector instructions.
  public var payloadAlignment = 8
  /// Called with the number of tensor bytes written since the last call.
  public var progress: (@Sendable (Int) -> Void)?
  /// Asked between chunks; when it answers true, writing throws `io` and leaves nothing behind.
  public var isCancelled: (@Sendable () -> Bool)?

  /// Creates the documented defaults.
  public init() {}
}

/// How a storage is written of which the tensors use a part only.
public enum ViewPolicy: String, Sendable, CaseIterable {
  /// As ``compact`` where that is less than half of the storage, otherwise whole.
  case automatic = "auto"
  /// Always whole, as torch.save does.
  case keep
  /// From the first to the last element that is used, and the elements alone of a single outline
  /// with gaps; tensors that share the storage keep sharing it.
  case compact
}

/// How tensors that share a storage are written in safetensors files, which know no storages.
///
/// Where one is a part of another, or both are the same, sharing can be kept; of tensors that
/// overlap otherwise each is a copy.
public enum TiePolicy: String, Sendable, CaseIterable {
  /// Each is written out for other readers, and the metadata says that they share.
  case record
  /// Each is written out, and nothing says that they shared.
  case clone
  /// What others hold is left out; the metadata says so, and PyTorch's models tie it again.
  case drop
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

  /// Whether the file is of this format, from its content alone.
  /// - Throws: what reading a container throws that several formats share.
  static func recognizes(_ opened: OpenedFile) throws(TensorIOError) -> Bool

  /// Indexes a file: names, types, shapes and places of the tensors, without touching their bytes.
  static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive

  /// What ``write(_:to:options:)`` of this archive would not keep. Tensors that no writing could
  /// keep in any form are errors of the writing itself.
  static func losses(of archive: TensorArchive, options: WritingOptions) -> [Loss]

  /// Whether a file may be what ``write(_:to:options:)`` would write, as far as that is known without
  /// reading all of it: with these options, and not only with the same contents.
  static func mayBe(
    _ archive: TensorArchive, in file: InputFile, options: WritingOptions
  ) throws(TensorIOError) -> Bool

  /// Writes an archive; the caller commits the file.
  static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError)
}

extension TensorFormat {
  /// Nothing speaks against it.
  public static func mayBe(
    _ archive: TensorArchive, in file: InputFile, options: WritingOptions
  ) throws(TensorIOError) -> Bool { true }

  /// Nothing, for formats that are only read.
  public static func losses(of archive: TensorArchive, options: WritingOptions) -> [Loss] { [] }

  /// Refuses, for formats that are only read.
  public static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    throw .unsupported("\(descriptor.name) files are read and not written")
  }
}
