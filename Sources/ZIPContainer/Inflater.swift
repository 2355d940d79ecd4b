internal import ByteIO
internal import CLibdeflate
internal import CZlib

/// Decompresses deflated members: whole ones with libdeflate, those past the memory budget in a
/// stream with zlib.
enum Inflater {
  /// Members up to this size are inflated whole when streamed: libdeflate is twice as fast.
  private static let wholeMemberBytes = 8 << 20

  /// Inflates a member whose size is exactly that of `buffer`.
  /// - Throws: `malformed` when the stream is damaged, makes more or fewer bytes, or ends before
  ///   the member does.
  static func inflate(
    _ data: FileSlice, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard isPlausible(data, for: buffer.count) else {
      var position = 0
      return try streamWithZlib(data, size: buffer.count) { (chunk) throws(TensorIOError) in
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[position...])
        unsafe chunk.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        position += chunk.count
      }
    }
    let input = try data.loaded()
    _ = unsafe try input.withResidentBytes { (bytes) throws(TensorIOError) in
      unsafe try inflate(bytes, into: buffer)
    }
  }

  private static func inflate(
    _ input: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    guard let decompressor = unsafe libdeflate_alloc_decompressor() else {
      throw TensorIOError(.io, "no memory for a decompressor")
    }
    defer { unsafe libdeflate_free_decompressor(decompressor) }
    var (consumed, produced) = (0, 0)
    // An empty buffer has no address, and libdeflate wants one.
    let result = unsafe withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { spare in
      unsafe libdeflate_deflate_decompress_ex(
        decompressor, input.baseAddress ?? spare.baseAddress.map { UnsafeRawPointer($0) },
        input.count,
        buffer.baseAddress ?? spare.baseAddress, buffer.count, &consumed, &produced)
    }
    switch result {
    case LIBDEFLATE_SUCCESS: break
    case LIBDEFLATE_INSUFFICIENT_SPACE: throw tooLong(buffer.count)
    default: throw damaged
    }
    guard produced == buffer.count else { throw tooShort(produced, of: buffer.count) }
    guard consumed == input.count else { throw trailing(input.count - consumed) }
  }

  /// Inflates in order, in chunks of a fixed size.
  static func stream(
    _ data: FileSlice, size: Int, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    if size <= wholeMemberBytes, isPlausible(data, for: size) {
      let whole = unsafe try HeapBytes(byteCount: size) { (buffer) throws(TensorIOError) in
        unsafe try inflate(data, into: buffer)
      }
      return try whole.stream(body)
    }
    try streamWithZlib(data, size: size, body)
  }

  /// Whether the input is not much longer than what it makes, as every compressor leaves it.
  ///
  /// What is not, is not worth the memory that loading it whole takes.
  private static func isPlausible(_ data: FileSlice, for size: Int) -> Bool {
    data.byteCount - (1 << 20) <= size / 8 * 9
  }

  private static func streamWithZlib(
    _ data: FileSlice, size: Int, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let stream = try InflateStream()
    var left = size
    try data.stream { (input) throws(TensorIOError) in
      try stream.feed(input) { (output) throws(TensorIOError) in
        guard output.count <= left else { throw tooLong(size) }
        left -= output.count
        try body(output)
        return true
      }
    }
    guard stream.isAtEnd else { throw damaged }
    guard left == 0 else { throw tooShort(size - left, of: size) }
  }

  /// The first `count` bytes of a member.
  static func prefix(_ count: Int, of data: FileSlice) throws(TensorIOError) -> [UInt8] {
    let stream = try InflateStream()
    var bytes: [UInt8] = []
    var position = data.range.lowerBound
    // A header's worth of input first; long headers take more rounds.
    while bytes.count < count, position < data.range.upperBound, !stream.isAtEnd {
      let end = min(position + 4096, data.range.upperBound)
      let input = try data.file.bytes(position..<end)
      position = end
      try stream.feed(input.span) { (output) throws(TensorIOError) in
        bytes.append(contentsOf: output.array)
        return bytes.count < count
      }
    }
    guard bytes.count >= count else { throw tooShort(bytes.count, of: count) }
    return Array(bytes.prefix(count))
  }

  static var damaged: TensorIOError {
    .malformed("the deflated data is damaged or cut short")
  }
  static func tooLong(_ size: Int) -> TensorIOError {
    .malformed("the deflated data makes more than the \(size) bytes that are declared")
  }
  static func tooShort(_ found: Int, of size: Int) -> TensorIOError {
    .malformed("the deflated data makes \(found) of the \(size) bytes that are declared")
  }
  static func trailing(_ count: Int) -> TensorIOError {
    .malformed("\(count) bytes follow the end of the deflated data inside the member")
  }
}

/// zlib's inflate for a raw deflate stream.
@safe
final class InflateStream {
  // SAFETY: zlib keeps a pointer back to the stream, so it lives at one address until `deinit`.
  private let stream: UnsafeMutablePointer<z_stream>
  private let output: UnsafeMutableRawBufferPointer
  private(set) var isAtEnd = false

  init() throws(TensorIOError) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    unsafe output = .allocate(byteCount: 256 << 10, alignment: 64)
    let size = unsafe Int32(MemoryLayout<z_stream>.size)
    guard unsafe inflateInit2_(stream, -15, ZLIB_VERSION, size) == Z_OK else {
      throw TensorIOError(.io, "no memory for a decompressor")
    }
  }

  deinit {
    _ = unsafe inflateEnd(stream)
    unsafe stream.deallocate()
    unsafe output.deallocate()
  }

  /// Inflates all of `input`, handing on what comes out; `body` answers whether to go on.
  func feed(
    _ input: Span<UInt8>, _ body: (Span<UInt8>) throws(TensorIOError) -> Bool
  ) throws(TensorIOError) {
    guard !isAtEnd else {
      if input.isEmpty { return }
      throw Inflater.trailing(input.count)
    }
    var failure: TensorIOError?
    unsafe input.withUnsafeBytes { bytes in
      do throws(TensorIOError) {
        unsafe try feed(bytes, body)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func feed(
    _ input: UnsafeRawBufferPointer, _ body: (Span<UInt8>) throws(TensorIOError) -> Bool
  ) throws(TensorIOError) {
    let start = unsafe input.assumingMemoryBound(to: UInt8.self).baseAddress
    unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(mutating: start)
    unsafe stream.pointee.avail_in = UInt32(input.count)
    repeat {
      unsafe stream.pointee.next_out = unsafe output.assumingMemoryBound(to: UInt8.self).baseAddress
      unsafe stream.pointee.avail_out = UInt32(output.count)
      let result = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
      let made = unsafe output.count - Int(stream.pointee.avail_out)
      if made > 0 {
        let part = unsafe UnsafeRawBufferPointer(rebasing: output[..<made])
        guard try body(unsafe Span<UInt8>(_unsafeBytes: part)) else { return }
      }
      switch result {
      case Z_STREAM_END:
        isAtEnd = true
        let left = unsafe Int(stream.pointee.avail_in)
        if left > 0 { throw Inflater.trailing(left) }
        return
      case Z_OK: break
      case Z_BUF_ERROR: return
      default: throw Inflater.damaged
      }
    } while unsafe stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
  }
}
