/// All numbers of a float of 8 bits or less, by their codes.
///
/// Finds the nearest by looking at its neighbours, and so shares nothing with the kernels.
struct MiniFloatCodes {
  private let type: NumberType
  /// The finite numbers that are not negative, by their codes.
  private let magnitudes: [Float]

  /// The codes of a type; nil for types of more bits.
  init?(_ type: NumberType) {
    let count: UInt8
    switch type {
    case .float8E4M3FN: count = 0x7f
    case .float8E5M2: count = 0x7c
    case .float8E4M3FNUZ, .float8E5M2FNUZ: count = 0x80
    case .float8E8M0FNU: count = 0xff
    case .float4E2M1: count = 8
    default: return nil
    }
    self.type = type
    magnitudes = (0..<count).map { Self.value(type, $0) }
  }

  /// The number with a code; exact.
  static func value(_ type: NumberType, _ code: UInt8) -> Float {
    switch type {
    case .float8E4M3FN: Float8E4M3FN(bitPattern: code).float
    case .float8E5M2: Float8E5M2(bitPattern: code).float
    case .float8E4M3FNUZ: Float8E4M3FNUZ(bitPattern: code).float
    case .float8E5M2FNUZ: Float8E5M2FNUZ(bitPattern: code).float
    case .float8E8M0FNU: Float8E8M0FNU(bitPattern: code).float
    default: Float4E2M1FNx2(bitPattern: code).floats.0
    }
  }

  /// The number with a code.
  func value(_ code: UInt8) -> Float { Self.value(type, code) }

  /// The last finite number, and the first one past it if codes went on.
  private var ends: (last: Double, next: Double) {
    let last = Double(magnitudes[magnitudes.count - 1])
    if type == .float8E8M0FNU { return (last, 2 * last) }
    return (last, last + (last - Double(magnitudes[magnitudes.count - 2])))
  }

  /// Whether a number rounds to a finite number, an infinity or a NaN of its own kind.
  func holds(_ value: Float) -> Bool {
    if value.isNaN { return type != .float4E2M1 }
    if value.isInfinite { return type.hasInfinity }
    if type == .float8E8M0FNU, value < 0 { return false }
    return code(Double(value).magnitude) < magnitudes.count
  }

  /// The nearest number's code, whatever its sign; those past the last go on.
  private func code(_ magnitude: Double) -> Int {
    let (last, next) = ends
    if magnitude > last {
      let middle = (last + next) / 2
      let isUp = magnitude > middle || magnitude == middle && goesUp(magnitudes.count - 1)
      return magnitudes.count - (isUp ? 0 : 1)
    }
    var upper = magnitudes.partitioningIndex { Double($0) >= magnitude }
    if upper == 0 { return 0 }
    // PyTorch never rounds to the least power of two from above.
    if type == .float8E8M0FNU, upper == 1 { return 1 }
    let (below, above) = (Double(magnitudes[upper - 1]), Double(magnitudes[upper]))
    let middle = (below + above) / 2
    if magnitude < middle || magnitude == middle && !goesUp(upper - 1) { upper -= 1 }
    return upper
  }

  /// Whether the middle between a code and the next one rounds to the next.
  private func goesUp(_ code: Int) -> Bool { type == .float8E8M0FNU || code % 2 == 1 }

  /// The code of what PyTorch makes of a number: infinity, NaN
  /// or the last number of what is too large.
  func nearest(_ value: Float) -> UInt8 {
    if type == .float8E8M0FNU {
      return value.isNaN ? 0xff : UInt8(code(Double(value).magnitude))
    }
    let isMinus = value.sign == .minus
    if type == .float4E2M1 {
      // It has neither, and PyTorch no conversion to it.
      if value.isNaN { return 0 }
      return UInt8(min(code(Double(value).magnitude), 7)) | (isMinus ? 8 : 0)
    }
    let hasSignlessZero = type == .float8E4M3FNUZ || type == .float8E5M2FNUZ
    var code = value.isNaN ? 0x7f : UInt8(code(Double(value).magnitude))
    // PyTorch takes the last number since 2026.
    if type == .float8E4M3FN, !value.isNaN { code = min(code, 0x7e) }
    if hasSignlessZero {
      if value.isNaN || code == 0x80 { return 0x80 }
      return code | (isMinus && code > 0 ? 0x80 : 0)
    }
    return code | (isMinus ? 0x80 : 0)
  }

  /// The code of the last number on the side of one that is out of range; nil for NaN, and for
  /// infinities that the type has.
  func limited(_ value: Float, isInfinite: Bool) -> UInt8? {
    if value.isNaN { return type == .float4E2M1 ? 0 : nil }
    if isInfinite, type.hasInfinity { return nil }
    let last = UInt8(magnitudes.count - 1)
    if type == .float8E8M0FNU { return value < 0 ? 0 : last }
    return value < 0 ? last | (type == .float4E2M1 ? 8 : 0x80) : last
  }
}

extension Array {
  /// The first index whose element satisfies a predicate that holds for all after it.
  fileprivate func partitioningIndex(_ belongs: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
