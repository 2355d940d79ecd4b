internal import ByteIO
internal import TensorModel

/// The bytes of a tensor of which parts are in the file again, under the names of others that share
/// its storage.
///
/// Whoever reads them learns whether all of them still are the same, as with a checksum.
final class TiedBytes: ByteSource {
  /// A tensor that shares the storage, and what the file holds under its name.
  struct Copy: Sendable {
    let name: String
    let base: String
    /// A view of the bytes that are shared.
    let view: Tensor
    let bytes: FileSlice
  }

  private let bytes: FileSlice
  private let copies: [Copy]

  init(_ bytes: FileSlice, copies: [Copy]) {
    self.bytes = bytes
    self.copies = copies
  }

  var byteCount: Int { bytes.byteCount }
  var isResident: Bool { true }
  var isChecksummed: Bool { true }
  func requireUnchanged() throws(TensorIOError) { try bytes.requireUnchanged() }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? {
    unsafe try bytes.withResidentBytes(body)
  }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    unsafe try bytes.load(into: buffer)
    try compare()
  }

  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    try bytes.stream(body)
    try compare()
  }

  /// - Throws: `malformed` where a copy has other bytes.
  private func compare() throws(TensorIOError) {
    for copy in copies {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
      defer { unsafe buffer.deallocate() }
      var position = copy.bytes.range.lowerBound
      try copy.view.streamElements { (chunk) throws(TensorIOError) in
        var done = 0
        while done < chunk.count {
          let count = min(buffer.count, chunk.count - done)
          let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
          unsafe try copy.bytes.file.read(at: position, into: part)
          let read = unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(part))
          guard read.firstDifference(from: chunk.extracting(done..<done + count)) == nil else {
            throw TensorIOError(
              .malformed,
              "the file says that this and '\(copy.base.escapedForDisplay)' share their elements, and "
                + "holds others for each; read it with --ignore-ties (restoresTies) to take both as "
                + "they are",
              at: .init(tensor: copy.name, offset: position))
          }
          done += count
          position += count
        }
      }
    }
  }
}
