extension ConversionReport {
  /// Adds one number and what it became, for the types that the kernels do not know.
  mutating func add(_ before: RealNumber, _ after: RealNumber, _ target: NumberType) {
    count += 1
    #if arch(x86_64)
      let (a, b) = (before.rounded(to: Float80.self), after.rounded(to: Float80.self))
    #else
      let (a, b) = (before.rounded(to: Double.self), after.rounded(to: Double.self))
    #endif
    if a == b || a.isNaN && b.isNaN { return }
    changed += 1
    if a.isNaN != b.isNaN { nanChanges += 1 }
    let limit = target.firstOverflow(as: type(of: a))
    let isOver =
      target.isInteger
      ? b != a.rounded(.towardZero)
      : a.isFinite && (a >= limit.above || a <= limit.below || !b.isFinite)
    if isOver { overflowed += 1 }
    guard !isOver, a.isFinite, b.isFinite else { return }
    let error = (a - b).magnitude
    maxAbsoluteError = max(maxAbsoluteError, Double(error))
    if !a.isZero { maxRelativeError = max(maxRelativeError, Double(error / a.magnitude)) }
    let step = target.isFloat ? target.step(at: b) : 1
    maxULPError = max(maxULPError, Double(error / step))
  }
}

extension NumberType {
  /// The numbers of binary64 nearest to 0 that round to none of a float type's own; infinities where
  /// that type is binary64 or longer, and for bool.
  fileprivate func firstOverflow<T: BinaryFloatingPoint>(as type: T.Type) -> (below: T, above: T) {
    let above: Double? =
      switch self {
      case .float16: 65520
      case .bfloat16: 0x1.ffp127
      case .float32: 0x1.ffffffp127
      case .float8E4M3FN: (464.0).nextUp
      case .float8E5M2, .float8E5M2FNUZ: 61440
      case .float8E4M3FNUZ: 248
      case .float8E8M0FNU: 0x1.8p127
      case .float4E2M1: 7
      default: nil
      }
    let limit = above.map { T($0) } ?? .infinity
    // Powers of two have no sign.
    return (self == .float8E8M0FNU ? T(-0x1p-1074) : -limit, limit)
  }

  /// The distance of a float type's numbers at one of them.
  fileprivate func step<T: BinaryFloatingPoint>(at number: T) -> T {
    let (fraction, least): (T.Exponent, T.Exponent) =
      switch self {
      case .float16: (10, -24)
      case .bfloat16: (7, -133)
      case .float32: (23, -149)
      case .float64: (52, -1074)
      case .float8E4M3FN: (3, -9)
      case .float8E5M2: (2, -16)
      case .float8E4M3FNUZ: (3, -10)
      case .float8E5M2FNUZ: (2, -17)
      case .float8E8M0FNU: (0, -127)
      case .float4E2M1: (1, -1)
      default: (63, -16445)
      }
    let leastStep = T(sign: .plus, exponent: least, significand: 1)
    guard !number.isZero else { return leastStep }
    return max(leastStep, T(sign: .plus, exponent: number.exponent - fraction, significand: 1))
  }
}
