public import ByteIO

/// Where a tensor lives, or where the file says it lived: `cpu`, `cuda:0`, `meta`.
public struct Device: Sendable, Hashable, CustomStringConvertible {
  /// The kind as torch names it, such as `cpu`, `cuda`, `mps` or `meta`.
  public let kind: String
  /// Which one of its kind, or nil where the file does not say.
  public let index: Int?

  /// Creates a device.
  public init(kind: String, index: Int? = nil) {
    self.kind = kind
    self.index = index
  }

  /// Parses torch's notation, `cuda:0`.
  /// - Throws: `invalidArgument` when the index is no number.
  public init(_ text: String) throws(TensorIOError) {
    guard let colon = text.firstIndex(of: ":") else {
      self.init(kind: text)
      return
    }
    guard let index = Int(text[text.index(after: colon)...]), index >= 0 else {
      throw .invalidArgument("'\(text)' is no device; write it like cpu or cuda:0")
    }
    self.init(kind: String(text[..<colon]), index: index)
  }

  /// The host's memory.
  public static let cpu = Device(kind: "cpu")
  /// No memory at all: tensors with a dtype and a shape alone.
  public static let meta = Device(kind: "meta")
  /// A CUDA device by its ordinal.
  public static func cuda(_ index: Int) -> Device { Device(kind: "cuda", index: index) }

  /// `cuda:0`, as torch prints it.
  public var description: String { index.map { "\(kind):\($0)" } ?? kind }
}
