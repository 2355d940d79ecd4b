package import ByteIO
internal import TensorModel

extension NPYFormat {
  /// Where the pickle begins in an npy file or member that holds Python objects; nil for other ones.
  package static func pickleOffset(
    in source: any ByteSource, limits: DecodingLimits
  ) throws(TensorIOError) -> Int? {
    let size = source.byteCount
    let head = try SourceSlice.of(source, 0..<min(size, 256)).bytes()
    guard head.starts(with: NPYHeader.magic) else { return nil }
    let array = try NPYArray(at: 0, available: size, limits: limits) {
      (count) throws(TensorIOError) in
      count <= head.count ? head : try SourceSlice.of(source, 0..<count).bytes()
    }
    return array.header.element.dtype.containsObjects ? array.header.byteCount : nil
  }
}
