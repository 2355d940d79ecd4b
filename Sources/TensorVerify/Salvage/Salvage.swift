public import ByteIO
internal import NumPyFormat
public import TensorIO
internal import ZIPContainer

/// What is intact in a damaged file, as an archive that can be written, with an account of the rest.
///
/// Of zip archives it is found from the local headers, member by member, each with its checksum; of
/// npy files and the last member of an npz, ``Options/keepsPartial`` keeps the leading rows that are
/// complete.
public struct Salvage: Sendable {
  /// How a file is salvaged.
  public struct Options: Sendable {
    /// Limits, and what raw bytes mean.
    public var reading = ReadingOptions()
    /// Whether an array that is cut off counts with its leading rows, which no checksum covers.
    public var keepsPartial = false

    /// Creates the documented defaults.
    public init() {}
  }

  /// An array of which the beginning is kept.
  public struct Partial: Sendable {
    /// The name; empty for a lone array.
    public let name: String
    /// The axis that is shorter now.
    public let axis: Int
    /// The length that is left.
    public let kept: Int
    /// The length that the header says.
    public let length: Int
  }

  /// A tensor or member that is not kept.
  public struct Lost: Sendable {
    /// The name of the tensor; nil for a member that is no tensor's.
    public let name: String?
    /// The member with its data.
    public let member: String?
    /// Where the member's local header is in the file.
    public let offset: Int?
    /// Why it is lost.
    public let reason: String
  }

  /// What is left.
  public internal(set) var archive: TensorArchive
  /// The names of the tensors that are whole.
  public internal(set) var kept: [String] = []
  /// The tensors that are shorter than they were.
  public internal(set) var partial: [Partial] = []
  /// What is lost, as far as the file tells.
  public internal(set) var lost: [Lost] = []
  /// What else there is to say.
  public internal(set) var notes: [String] = []
  /// Whether the file tells of all that was in it.
  public internal(set) var isAllKnown = true

  /// Whether nothing was lost.
  public var isComplete: Bool { isAllKnown && lost.isEmpty && partial.isEmpty }

  /// Salvages a file.
  /// - Throws: `malformed` when nothing of it can be used; `unsupported` for formats other than npy,
  ///   npz and PyTorch's archives; `limit`, `io`.
  public init(contentsOf path: String, options: Options = Options()) throws(TensorIOError) {
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      let file = try InputFile(path: path)
      let opened = try OpenedFile(file, options: options.reading)
      if NPYFormat.recognizes(opened) { return try Salvage(npy: opened, options) }
      let zip = try ZIPSalvage(file, limits: options.reading.limits)
      guard !zip.members.isEmpty || !zip.lost.isEmpty else {
        throw .malformed(
          "no array and no member of a zip archive was found; npy, npz and PyTorch's zip archives "
            + "can be salvaged")
      }
      return try Salvage(zip, opened, options)
    }
  }

  init(_ archive: TensorArchive) { self.archive = archive }

  private init(
    _ zip: ZIPSalvage, _ opened: OpenedFile, _ options: Options
  ) throws(TensorIOError) {
    let names = zip.members.map(\.name) + zip.lost.map(\.name)
    for other in ["constants.pkl", "archive_format", ".data/extern_modules"] {
      guard !names.contains(where: { $0 == other || $0.hasSuffix("/" + other) }) else {
        throw .unsupported(
          "the archive has a member '\(other)': TorchScript, exported programs and packages are "
            + "not salvaged, only what torch.save and NumPy write")
      }
    }
    if let records = TorchMembers(zip) {
      self = try Salvage(torch: records, zip, options)
    } else {
      self = try Salvage(npz: zip, opened, options)
    }
  }
}
