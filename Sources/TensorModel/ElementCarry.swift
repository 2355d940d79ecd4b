internal import ByteIO

/// Turns chunks of any length into chunks of whole elements, rewriting them on the way.
struct ElementCarry {
  private let unit: Int
  private var pending: [UInt8] = []

  init(unit: Int) { self.unit = max(1, unit) }

  /// Whether a chunk of `count` bytes can pass by untouched.
  func isAligned(_ count: Int) -> Bool { pending.isEmpty && count % unit == 0 }

  /// Adds a chunk and hands on the whole elements there are.
  mutating func add(
    _ chunk: Span<UInt8>, rewrite: ElementRewrite?,
    _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    unsafe chunk.withUnsafeBytes { unsafe pending.append(contentsOf: $0) }
    let whole = pending.count / unit * unit
    guard whole > 0 else { return }
    if let rewrite {
      unsafe pending.withUnsafeMutableBytes { bytes in
        unsafe rewrite.apply(to: UnsafeMutableRawBufferPointer(rebasing: bytes[..<whole]))
      }
    }
    try body(pending.span.extracting(0..<whole))
    pending.removeFirst(whole)
  }
}
