internal import ByteIO

/// Reads parts of a contiguous tensor's elements, little-endian, in any order and from several
/// threads.
struct ElementParts: PartLoading {
  private let loader: any PartLoading
  private let source: any ByteSource
  private let rewrite: ElementRewrite
  /// Where the elements begin.
  private let start: Int
  /// Whether reading the elements reads all of the source.
  private let coversSource: Bool

  /// A reader for one pass; nil where bytes come in order only, for strided views, and for elements
  /// of less than a byte.
  /// - Throws: `malformed` for a wrong checksum of a source of which the tensor is a part.
  init?(_ tensor: Tensor) throws(TensorIOError) {
    let size = tensor.dtype.bitWidth / 8
    guard tensor.isContiguous, tensor.dtype.bitWidth % 8 == 0, size > 0,
      let loader = tensor.storage.source.parts
    else { return nil }
    self.loader = loader
    source = tensor.storage.source
    rewrite = ElementRewrite(tensor)
    start = tensor.firstIndex * size
    coversSource = start == 0 && tensor.byteCount == source.byteCount
    // Once is enough for all the parts of a storage.
    if !coversSource { try tensor.storage.verify() }
  }

  /// Loads whole elements; `range` counts bytes from the first element on.
  func load(
    _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    unsafe try loader.load(start + range.lowerBound..<start + range.upperBound, into: buffer)
    unsafe rewrite.apply(to: buffer)
  }

  func withBytesInPlace<R>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    guard rewrite.isIdentity else { return nil }
    return unsafe try loader.withBytesInPlace(
      start + range.lowerBound..<start + range.upperBound, body)
  }

  /// Calls `body` with elements, in place or loaded into `scratch`, which is large enough.
  func withElements<R>(
    _ range: Range<Int>, _ scratch: UnsafeMutableRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    if let result = unsafe try withBytesInPlace(range, body) { return result }
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<range.count])
    unsafe try load(range, into: part)
    return unsafe try body(UnsafeRawBufferPointer(part))
  }

  func finish() throws(TensorIOError) {
    if coversSource { try loader.finish() } else { try source.requireUnchanged() }
  }
}
