internal import ByteIO
internal import Pickle

extension Pickle {
  /// The key of a storage or tensor: text, or an integer by its digits.
  func key(_ id: ID) -> String? { string(id) ?? int(id).map(String.init) }
}

extension ByteSource {
  /// Little-endian integers of 64 bits; the caller knows that so many bytes are there.
  func integers(at offset: Int, count: Int) throws(TensorIOError) -> [Int] {
    let bytes = try SourceSlice.of(self, offset..<offset + 8 * count).bytes()
    return (0..<count).map { index in
      var value: UInt64 = 0
      for byte in bytes[8 * index..<8 * index + 8].reversed() { value = value << 8 | UInt64(byte) }
      return Int(truncatingIfNeeded: value)
    }
  }
}
