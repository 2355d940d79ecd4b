/// How much a file may ask for before it is refused.
///
/// Every length, count and depth in a file is compared with these and with the bytes that are left
/// before anything is read or allocated. The defaults pass every file that we know from real
/// projects; raise one for a file that you trust.
public struct DecodingLimits: Sendable, Hashable {
  /// The longest header of one array, in bytes.
  ///
  /// NumPy stops at 10,000 because it evaluates the header as Python; ours is a linear parser, and
  /// real structured arrays have 92 kB of header.
  public var headerBytes = 1 << 20
  /// The most tensors and other members in one file.
  public var memberCount = 1 << 20
  /// The most objects in one pickle, and the most slots of its memo; each takes up to 100 bytes.
  public var objectCount = 1 << 25
  /// The deepest nesting of lists, dictionaries, tuples and structured types.
  public var nestingDepth = 100
  /// The most bytes that a file's tensors may take in memory of our own: what is decoded of
  /// compressed members, what is loaded, a single huge element.
  ///
  /// Bytes in a mapped file do not count, nor does streamed work (`convert`, `hash`, `stats`),
  /// which holds a few chunks only, unless a compressed array has to be read in another order than
  /// it lies in.
  public var decodedBytes = 4 << 30
  /// The most bytes that a tensor may have when its broadcast (stride 0) axes are written out.
  public var expandedBytes = 1 << 40

  /// Creates the documented defaults.
  public init() {}

  /// No limits but those of the address space.
  ///
  /// For files that you wrote yourself.
  public static var unlimited: DecodingLimits {
    var limits = DecodingLimits()
    limits.headerBytes = .max
    limits.memberCount = .max
    limits.objectCount = .max
    // Parsing nested headers recurses, so depth keeps a bound that every thread's stack holds.
    limits.nestingDepth = 500
    limits.decodedBytes = .max
    limits.expandedBytes = .max
    return limits
  }
}
