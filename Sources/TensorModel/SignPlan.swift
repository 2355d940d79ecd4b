/// Which signs of stored elements have to be turned for the elements that a tensor means: those of
/// torch's lazy conjugation and negation.
struct SignPlan: Sendable {
  private enum Change: Sendable {
    /// Flips the bits of `mask` in every `step`-th byte from `first` on.
    case flips(mask: UInt8, first: Int, step: Int)
    /// Flips the sign of every byte that is not 0 but for it: 0x80 is NaN there, and has no sign.
    case flipsNumbers
    /// Two's complement of integers of so many bytes.
    case negates(size: Int, order: ByteOrder)
  }

  private let change: Change?

  /// The plan for elements of a dtype in a byte order.
  init(_ dtype: DType, isConjugated: Bool, isNegated: Bool, order: ByteOrder) {
    guard isConjugated || isNegated else {
      change = nil
      return
    }
    let unit = dtype.swapUnit
    // The x87 format has six bytes of padding above the sign.
    let sign = dtype == .longDouble || dtype == .complexLongDouble ? 9 : unit - 1
    let first = order == .little ? sign : unit - 1 - sign
    switch dtype {
    case .float8E4M3FNUZ, .float8E5M2FNUZ: change = .flipsNumbers
    case .float4E2M1FNx2: change = .flips(mask: 0x88, first: 0, step: 1)
    case _ where dtype.isComplex && isConjugated:
      // Turned twice, the imaginary part stays.
      change = .flips(mask: 0x80, first: isNegated ? first : unit + first, step: 2 * unit)
    case _ where dtype.isInteger: change = .negates(size: dtype.bitWidth / 8, order: order)
    default: change = .flips(mask: 0x80, first: first, step: unit)
    }
  }

  /// Whether elements stay as they are.
  var isIdentity: Bool { change == nil }

  /// Turns the signs of whole elements in place.
  func apply(to bytes: UnsafeMutableRawBufferPointer) {
    switch change {
    case .flips(let mask, let first, let step):
      for index in stride(from: first, to: bytes.count, by: step) {
        unsafe bytes[index] ^= mask
      }
    case .flipsNumbers:
      for index in bytes.indices where unsafe bytes[index] & 0x7f != 0 {
        unsafe bytes[index] ^= 0x80
      }
    case .negates(let size, let order):
      switch size {
      case 1: unsafe negate(bytes, UInt8.self, order)
      case 2: unsafe negate(bytes, UInt16.self, order)
      case 4: unsafe negate(bytes, UInt32.self, order)
      default: unsafe negate(bytes, UInt64.self, order)
      }
    case nil: break
    }
  }

  private func negate<T: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeMutableRawBufferPointer, _ type: T.Type, _ order: ByteOrder
  ) {
    let size = MemoryLayout<T>.size
    for start in stride(from: 0, to: bytes.count / size * size, by: size) {
      // SAFETY: `start` is the first byte of a whole integer inside `bytes`.
      let stored = unsafe bytes.loadUnaligned(fromByteOffset: start, as: T.self)
      let value = order == .little ? T(littleEndian: stored) : T(bigEndian: stored)
      let negative = 0 &- value
      unsafe bytes.storeBytes(
        of: order == .little ? negative.littleEndian : negative.bigEndian,
        toByteOffset: start, as: T.self)
    }
  }
}

/// What has to be done to stored elements before they are handed out.
struct ElementRewrite: Sendable {
  private let swap: ByteSwapPlan?
  private let signs: SignPlan

  /// What makes the elements of a tensor of its stored ones.
  init(_ tensor: Tensor, as order: Tensor.StreamedBytes = .littleEndian) {
    let plan = ByteSwapPlan(toLittleEndian: tensor.dtype, from: tensor.byteOrder)
    swap = order == .stored || plan.isIdentity ? nil : plan
    signs = SignPlan(
      tensor.dtype, isConjugated: tensor.isConjugated, isNegated: tensor.isNegated,
      order: order == .stored ? tensor.byteOrder : .little)
  }

  /// Whether stored elements can be handed out as they are.
  var isIdentity: Bool { swap == nil && signs.isIdentity }

  /// Rewrites whole elements in place.
  func apply(to bytes: UnsafeMutableRawBufferPointer) {
    unsafe swap?.apply(to: bytes)
    unsafe signs.apply(to: bytes)
  }
}

extension DType {
  /// Whether a negative of every element is defined.
  var isNegatable: Bool {
    switch self {
    case .float8E8M0FNU: false
    default: isInteger || isFloatingPoint || isComplex
    }
  }
}
