/// Bytes in memory of our own, aligned to 64 and zero at first.
///
/// Written only by whoever creates it, before it is shared; immutable from then on, but for what
/// `BytePool` lends, which is written again when nobody has it any more.
@safe
public final class HeapBytes: Sendable {
  /// The size in bytes.
  public var byteCount: Int { window.count }
  private let window: Range<Int>
  private let allocated: Int
  // SAFETY: allocated in `init`, freed in `deinit`; written through `init(filling:)` alone, before
  // any other reference exists.
  private nonisolated(unsafe) let start: UnsafeMutableRawPointer
  private let isMapped: Bool

  /// From here on, memory comes in pages of its own: huge ones fault 512 times less often.
  private static let mappingThreshold = 1 << 20

  private init(zeroed byteCount: Int, window: Range<Int>? = nil) throws(TensorIOError) {
    self.window = window ?? 0..<byteCount
    allocated = byteCount
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
    unsafe try self.init(byteCount: byteCount, keeping: 0..<byteCount, filling: fill)
  }

  /// Allocates zeroed memory, lets `fill` write all of it, and keeps the bytes of `window` as its
  /// contents: what surrounds a payload can be decoded with it, without a copy.
  package convenience init(
    byteCount: Int, keeping window: Range<Int>,
    filling fill: (UnsafeMutableRawBufferPointer) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    try self.init(zeroed: byteCount, window: window)
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
      unsafe SystemCall.unmapAnonymous(start, byteCount: allocated)
    } else {
      unsafe start.deallocate()
    }
  }

  /// The bytes in place, valid while this object lives.
  var region: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: start + window.lowerBound, count: window.count)
  }
}

extension UnsafeRawBufferPointer {
  /// Whether both have the same bytes; faster than comparing element by element.
  package func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    unsafe SystemCall.isEqual(self, other)
  }
}
