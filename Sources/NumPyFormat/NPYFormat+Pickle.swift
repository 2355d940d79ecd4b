package import ByteIO
internal import TensorModel

extension NPYFormat {
  /// Where the pickle begins in an npy file or member that holds Python objects; nil for other ones.
  package static func pickleOffset(
    byteCount: Int, limits: DecodingLimits,
    prefix: (_ count: Int) throws(TensorIOError) -> [UInt8]
  ) throws(TensorIOError) -> Int? {
    let head = try prefix(min(byteCount, 256))
    guard head.starts(with: NPYHeader.magic) else { return nil }
    let array = try NPYArray(at: 0, available: byteCount, limits: limits) {
      (count) throws(TensorIOError) in
      count <= head.count ? head : try prefix(count)
    }
    return array.header.element.dtype.containsObjects ? array.header.byteCount : nil
  }

  /// An array in a run of bytes, without its elements.
  package struct Extent {
    /// Where the pickle of Python objects begins, if that is what the array holds.
    package let pickle: Int?
    /// Behind the elements; behind the header, where a pickle follows.
    package let end: Int
  }

  /// The array that begins at `offset`, or nil where none does.
  package static func array(
    in source: any ByteSource, at offset: Int, limits: DecodingLimits
  ) throws(TensorIOError) -> Extent? {
    let available = source.byteCount - offset
    let magic = NPYHeader.magic
    guard available >= magic.count,
      try SourceSlice.of(source, offset..<offset + magic.count).bytes() == magic
    else { return nil }
    let array = try NPYArray(at: offset, available: available, limits: limits) {
      (count) throws(TensorIOError) in
      try SourceSlice.of(source, offset..<offset + min(count, available)).bytes()
    }
    let end = offset + array.byteCount
    return Extent(pickle: array.header.element.dtype.containsObjects ? end : nil, end: end)
  }
}
