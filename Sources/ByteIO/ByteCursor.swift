/// A reader that walks once over bytes it borrows, checking every step against what is left.
///
/// It cannot be copied, so nobody forks a position by accident, and cannot outlive its bytes.
package struct ByteCursor: ~Copyable, ~Escapable {
  private let bytes: Span<UInt8>
  /// Bytes read so far.
  package private(set) var position = 0
  /// Where the first byte lies in the file or member; errors add it to the position.
  package let baseOffset: Int

  /// A cursor at the first of `bytes`, which lie at `baseOffset` of their file or member.
  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>, baseOffset: Int = 0) {
    self.bytes = bytes
    self.baseOffset = baseOffset
  }

  /// Bytes not yet read.
  package var remaining: Int { bytes.count - position }
  /// The offset of the next byte in its file or member.
  package var offset: Int { baseOffset + position }

  /// The next `count` bytes.
  /// - Throws: `malformed` naming `what` when fewer are left.
  @_lifetime(copy self)
  package mutating func read(_ count: Int, _ what: String) throws(TensorIOError) -> Span<UInt8> {
    guard count >= 0, count <= remaining else { throw tooShort(for: count, what) }
    let slice = bytes.extracting(position..<position + count)
    position += count
    return slice
  }

  /// The next byte.
  package mutating func readByte(_ what: String) throws(TensorIOError) -> UInt8 {
    guard position < bytes.count else { throw tooShort(for: 1, what) }
    defer { position += 1 }
    return bytes[position]
  }

  /// The next little-endian integer.
  @_specialize(where T == UInt8)
  @_specialize(where T == UInt16)
  @_specialize(where T == UInt32)
  @_specialize(where T == UInt64)
  package mutating func readInteger<T: FixedWidthInteger & UnsignedInteger>(
    _ what: String, as type: T.Type = T.self
  ) throws(TensorIOError) -> T {
    let size = MemoryLayout<T>.size
    guard size <= remaining else { throw tooShort(for: size, what) }
    let start = position
    position += size
    return unsafe bytes.withUnsafeBytes { bytes in
      // SAFETY: so many bytes are left.
      T(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: start, as: T.self))
    }
  }

  private func tooShort(for count: Int, _ what: String) -> TensorIOError {
    .malformed(
      "\(what) needs \(count) bytes, \(remaining) are left; the file is cut short or damaged",
      offset: offset)
  }

  /// Whether the next bytes are `magic`, which are then read.
  package mutating func skip(ifNext magic: [UInt8]) -> Bool {
    guard magic.count <= remaining else { return false }
    for index in magic.indices where bytes[position + index] != magic[index] { return false }
    position += magic.count
    return true
  }
}

extension Span<UInt8> {
  /// A copy of the bytes.
  package var array: [UInt8] {
    unsafe withUnsafeBytes { bytes in unsafe Array(bytes) }
  }
}

extension [UInt8] {
  /// Appends an integer in little-endian byte order.
  package mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    var rest = value
    for _ in 0..<MemoryLayout<T>.size {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}
