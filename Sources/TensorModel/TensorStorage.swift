public import ByteIO
internal import Synchronization

/// The bytes behind one or more tensors: in a mapped file, on the heap, decoded on first use, or in
/// the memory of a device.
///
/// Two tensors that hold the same object alias each other. Contents never change, but for device
/// memory that a caller's own kernel writes to.
public final class TensorStorage: Sendable {
  /// Where the bytes come from.
  ///
  /// Streaming and loading go to it directly.
  public let source: any ByteSource
  private let budget: DecodingBudget?
  private let decoded = Mutex<HeapBytes?>(nil)
  private let isVerified = Atomic<Bool>(false)

  /// Creates a storage over a source.
  /// - Parameters:
  ///   - source: the bytes.
  ///   - budget: the account that decoded bytes are charged to; nil for none.
  public init(_ source: any ByteSource, budget: DecodingBudget? = nil) {
    self.source = source
    self.budget = budget
  }

  deinit {
    if let bytes = decoded.withLock({ $0 }) { budget?.release(bytes.byteCount) }
  }

  /// The size in bytes.
  public var byteCount: Int { source.byteCount }

  /// Whether the bytes can be addressed without decoding anything.
  public var isResident: Bool { source.isResident || decoded.withLock { $0 != nil } }

  /// Hands out the bytes in place, decoding a compressed member once and keeping the result.
  ///
  /// Device memory is downloaded each time and not kept: a kernel may have written to it since.
  /// - Throws: `limit` when decoding would pass the budget; what decoding throws.
  public func withBytes<R>(
    _ body: (Span<UInt8>) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    unsafe try withUnsafeBytes { (region) throws(TensorIOError) in
      try body(unsafe Span<UInt8>(_unsafeBytes: region))
    }
  }

  /// Reads all bytes once and compares them with their checksum, where the file has one.
  ///
  /// Done at most once for a storage: later calls find that it is done.
  /// - Throws: `malformed` when they differ.
  public func verify() throws(TensorIOError) {
    guard source.isChecksummed, !isVerified.load(ordering: .acquiring),
      decoded.withLock({ $0 == nil })
    else { return }
    try source.stream { _ in }
    isVerified.store(true, ordering: .releasing)
  }

  /// ``verify()`` where bytes in place are about to be used, which nothing else would check.
  ///
  /// Compressed bytes are checked when they are decoded.
  package func verifyInPlace() throws(TensorIOError) {
    if source.isResident { try verify() }
  }

  func withUnsafeBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    guard hasBytes else { throw NoBytes.error }
    let size = byteCount
    let checked = { (region: UnsafeRawBufferPointer) throws(TensorIOError) -> R in
      guard region.count >= size else {
        throw TensorIOError(.io, "a source of \(size) bytes handed out \(region.count)")
      }
      return unsafe try body(region)
    }
    if let result = unsafe try source.withResidentBytes(checked) { return result }
    let bytes = source is any DeviceByteSource ? try source.loaded() : try decodedBytes()
    guard let result = unsafe try bytes.withResidentBytes(checked) else {
      throw TensorIOError(.io, "decoded bytes are not in memory")
    }
    return result
  }

  private func decodedBytes() throws(TensorIOError) -> HeapBytes {
    // Held while decoding: a second reader waits for the result instead of decoding again.
    let outcome = decoded.withLock { cache -> Result<HeapBytes, TensorIOError> in
      if let cache { return .success(cache) }
      do throws(TensorIOError) {
        try budget?.reserve(source.byteCount)
        do throws(TensorIOError) {
          let bytes = try source.loaded()
          cache = bytes
          return .success(bytes)
        } catch {
          budget?.release(source.byteCount)
          throw error
        }
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get()
  }
}

/// A running account of decoded bytes, shared by the members of an archive.
public final class DecodingBudget: Sendable {
  private let limit: Int
  private let used = Atomic<Int>(0)

  /// Creates an account that allows `limits.decodedBytes` at one time.
  public init(_ limits: DecodingLimits) { limit = limits.decodedBytes }

  package func reserve(_ count: Int) throws(TensorIOError) {
    let new = used.add(count, ordering: .relaxed).newValue
    guard new <= limit else {
      release(count)
      throw .limit(
        "the memory for decoded members", max(count, new), over: limit, raise: "decodedBytes")
    }
  }

  func release(_ count: Int) { used.subtract(count, ordering: .relaxed) }
}
