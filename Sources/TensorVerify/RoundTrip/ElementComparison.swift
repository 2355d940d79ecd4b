internal import ByteIO
internal import Crypto
internal import TensorIO

/// Compares the elements of two tensors of one shape bit by bit, in their row-major order.
enum ElementComparison {
  /// The first elements that differ.
  struct Result: Sendable {
    let left: String
    let right: String
  }

  /// - Returns: nil when all bits are equal, whatever the byte orders and layouts.
  static func compare(
    _ left: Tensor, _ right: Tensor, limits: DecodingLimits
  ) throws(TensorIOError) -> Result? {
    guard left.byteCount == right.byteCount else {
      return Result(left: "\(left.byteCount) bytes", right: "\(right.byteCount) bytes")
    }
    guard left.byteCount > 0 else { return nil }
    if left.isExpanded, right.isExpanded, left.strides == right.strides,
      let one = try left.reach(), let other = try right.reach()
    {
      return try compare(one, other, limits: limits)
    }
    let offset =
      if right.liesInPlace {
        try firstDifference(left, inPlace: right, limits)
      } else {
        try firstDifference(left, right, limits)
      }
    guard let offset else { return nil }
    return Result(
      left: try text(left, offset, limits), right: try text(right, offset, limits))
  }

  /// Compares streamed elements with those that lie in memory or a mapped file as they are.
  private static func firstDifference(
    _ left: Tensor, inPlace right: Tensor, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Int? {
    try right.storage.verifyInPlace()
    let start = right.offset * (right.dtype.bitWidth / 8)
    var position = 0
    var found: Int?
    try right.storage.withBytes { (bytes) throws(TensorIOError) in
      let bytes = bytes.extracting(start..<start + right.byteCount)
      try left.streamElements(limits: limits) { (chunk) throws(TensorIOError) in
        let part = bytes.extracting(position..<position + chunk.count)
        if found == nil, let index = chunk.firstDifference(from: part) { found = position + index }
        position += chunk.count
      }
    }
    return found
  }

  private static let windowBytes = 1 << 20

  /// Compares elements that both have to be streamed, window by window, by their digests: 32 bytes
  /// for each MiB are kept.
  private static func firstDifference(
    _ left: Tensor, _ right: Tensor, _ limits: DecodingLimits
  ) throws(TensorIOError) -> Int? {
    let (before, after) = (try digests(left, limits), try digests(right, limits))
    guard let window = zip(before, after).enumerated().first(where: { $1.0 != $1.1 })?.offset
    else { return nil }
    let start = window * windowBytes
    let range = start..<min(start + windowBytes, left.byteCount)
    let one = try bytes(left, range, limits)
    let other = try bytes(right, range, limits)
    return one.span.firstDifference(from: other.span).map { start + $0 }
  }

  private static func digests(
    _ tensor: Tensor, _ limits: DecodingLimits
  ) throws(TensorIOError) -> [SHA256.Digest] {
    var digests: [SHA256.Digest] = []
    var hash = SHA256()
    var room = windowBytes
    try tensor.streamElements(limits: limits) { chunk in
      var rest = chunk
      while !rest.isEmpty {
        let count = min(room, rest.count)
        unsafe rest.extracting(first: count).withUnsafeBytes { bytes in
          unsafe hash.update(bufferPointer: bytes)
        }
        rest = rest.extracting(droppingFirst: count)
        room -= count
        if room == 0 {
          digests.append(hash.finalize())
          hash = SHA256()
          room = windowBytes
        }
      }
    }
    digests.append(hash.finalize())
    return digests
  }

  /// Some of the bytes of a tensor's elements.
  private static func bytes(
    _ tensor: Tensor, _ range: Range<Int>, _ limits: DecodingLimits
  ) throws(TensorIOError) -> [UInt8] {
    var bytes: [UInt8] = []
    var position = 0
    try tensor.streamElements(limits: limits) { chunk in
      let part = range.clamped(to: position..<position + chunk.count)
      for index in part { bytes.append(chunk[index - position]) }
      position += chunk.count
    }
    return bytes
  }

  /// The element that a byte belongs to, in hexadecimal, with its index.
  private static func text(
    _ tensor: Tensor, _ offset: Int, _ limits: DecodingLimits
  ) throws(TensorIOError) -> String {
    let size = max(1, tensor.dtype.bitWidth / 8)
    let index = offset / size
    // Of long elements the part around the byte.
    let start = size <= 16 ? index * size : offset
    let range = start..<min(start + min(size, 16), tensor.byteCount)
    let digits = try bytes(tensor, range, limits).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return "\(digits.joined()) as the bytes of element \(index)"
  }
}

extension Tensor {
  /// Whether the shape says more elements than there are.
  fileprivate var isExpanded: Bool { byteCount > storage.byteCount }

  /// The elements of the storage from the first to the last that the tensor reaches, in a row.
  fileprivate func reach() throws(TensorIOError) -> Tensor? {
    guard dtype.bitWidth % 8 == 0, quantization == nil, let hull = Outline(self).hull else {
      return nil
    }
    return try Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: [hull.count], offset: hull.lowerBound,
      storage: storage, isConjugated: isConjugated, isNegated: isNegated)
  }

  /// Whether the little-endian elements lie in a row in memory or a mapped file.
  fileprivate var liesInPlace: Bool {
    if case .structured = dtype { return false }
    return isContiguous && dtype.bitWidth % 8 == 0 && !isConjugated && !isNegated
      && (byteOrder == .little || dtype.swapUnit == 1) && storage.isResident
      && storage.residence == .cpu
  }
}
