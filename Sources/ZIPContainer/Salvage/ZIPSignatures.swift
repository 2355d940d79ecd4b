internal import ByteIO

/// Where the records of an archive may lie: every place in a file that has one of their signatures.
///
/// Found in one pass, so that nothing later has to search.
struct ZIPSignatures {
  /// `PK\3\4`.
  private(set) var headers: [Int] = []
  /// `PK\7\8`.
  private(set) var descriptors: [Int] = []
  /// `PK\1\2`.
  private(set) var entries: [Int] = []

  private static let length = 4

  /// Searches a file.
  /// - Throws: `limit` when there are more places than members allowed.
  init(_ file: InputFile, limits: DecodingLimits) throws(TensorIOError) {
    // The last bytes of a chunk count as the first of the next, so that none is missed between.
    var rest: [UInt8] = []
    var position = 0
    try FileSlice(file, 0..<file.byteCount).stream { (chunk) throws(TensorIOError) in
      let part = min(chunk.count, Self.length - 1)
      let joint = rest + chunk.extracting(0..<part).array
      try search(joint.span, at: position - rest.count, limits)
      try search(chunk, at: position, limits)
      position += chunk.count
      rest = chunk.extracting(chunk.count - part..<chunk.count).array
    }
  }

  private mutating func search(
    _ bytes: Span<UInt8>, at start: Int, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    var index = 0
    while index <= bytes.count - Self.length {
      guard bytes[index] == 0x50, bytes[index + 1] == 0x4b else {
        index += 1
        continue
      }
      switch (bytes[index + 2], bytes[index + 3]) {
      case (3, 4): try Self.append(start + index, to: &headers, limits)
      case (7, 8): try Self.append(start + index, to: &descriptors, limits)
      case (1, 2): try Self.append(start + index, to: &entries, limits)
      default: break
      }
      index += 2
    }
  }

  private static func append(
    _ position: Int, to places: inout [Int], _ limits: DecodingLimits
  ) throws(TensorIOError) {
    guard places.count < limits.memberCount else {
      throw .limit(
        "the number of signatures", places.count + 1, over: limits.memberCount,
        raise: "memberCount", offset: position)
    }
    places.append(position)
  }
}
