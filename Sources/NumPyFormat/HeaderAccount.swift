internal import ByteIO

/// A running account of the headers of one file: each may be long, all together may not be, or a
/// small archive of large headers would keep a reader busy for hours.
struct HeaderAccount {
  /// Headers up to this length are free, so that a million small arrays are no matter.
  private static let freeBytes = 1024
  /// How many headers of the longest kind a file may have.
  private static let longHeaders = 16

  private var charged = 0

  /// Adds a header.
  mutating func charge(_ byteCount: Int, _ limits: DecodingLimits) throws(TensorIOError) {
    charged += max(0, byteCount - Self.freeBytes)
    guard charged / Self.longHeaders <= limits.headerBytes else {
      throw .limit(
        "the length of the long headers together, divided by \(Self.longHeaders),",
        charged / Self.longHeaders, over: limits.headerBytes, raise: "headerBytes")
    }
  }
}
