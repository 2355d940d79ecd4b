/// Bytes in memory of our own, aligned to 64 and zero at first.
///
/// Written only by whoever creates it, before it is shared; immutable from then on.
@safe
public final class HeapBytes: Sendable {
  /// The size in bytes.
  public let byteCount: Int
  // SAFETY: allocated in `init`, freed in `deinit`; written through `init(filling:)` alone, before
  // any other reference exists.
  private nonisolated(unsafe) let start: UnsafeMutableRawPointer
  private let isMapped: Bool

  /// From here on, memory comes in pages of its own: huge ones fault 512 times less often.
  private static let mappingThreshold = 1 << 20

  private init(zeroed byteCount: Int) throws(TensorIOError) {
    self.byteCount = byteCount
    isMapped = byteCount >= Self.mappingThreshold
    if isMapped {
      unsafe start = try SystemCall.mapAnonymous(byteCount: byteCount)
    } else {
      unsafe start = .allocate(byteCount: max(1, byteCount), alignment: 64)
      unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }
  }

  /// Allocates zeroed memory and lets `fill` write it.
  /// - Throws: `io` when the system has no memory, and what `fill` throws.
  public convenience init(
    byteCount: Int,
    filling fill: (UnsafeMutableRawBufferPointer) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try self.init(zeroed: byteCount)
    unsafe try fill(UnsafeMutableRawBufferPointer(start: start, count: byteCount))
  }

  /// A copy of `bytes`.
  public convenience init(_ bytes: Span<UInt8>) throws(TensorIOError) {
    try self.init(zeroed: bytes.count)
    unsafe bytes.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount).copyMemory(from: source)
    }
  }

  deinit {
    if isMapped {
      unsafe SystemCall.unmapAnonymous(start, byteCount: byteCount)
    } else {
      unsafe start.deallocate()
    }
  }

  /// The bytes in place, valid while this object lives.
  var region: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: start, count: byteCount)
  }
}
