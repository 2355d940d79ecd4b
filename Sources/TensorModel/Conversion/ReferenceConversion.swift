internal import ByteIO

/// Conversion of single numbers by the definitions: what the kernels are compared with, and what
/// decides about the numbers that these leave.
struct ReferenceConversion: Sendable {
  let source: NumberType
  let target: NumberType
  let policy: CastPolicy
  /// What the target holds, when it has few codes.
  private let codes: MiniFloatCodes?

  init(from source: NumberType, to target: NumberType, policy: CastPolicy) {
    self.source = source
    self.target = target
    self.policy = policy
    codes = MiniFloatCodes(target)
  }

  /// Appends a little-endian number as the target's, or answers false when the policy refuses it.
  func append(_ number: RealNumber, to bytes: inout [UInt8]) -> Bool {
    switch target {
    case .bool: return append(bool: number, to: &bytes)
    case .int8: return append(number, as: Int8.self, to: &bytes)
    case .int16: return append(number, as: Int16.self, to: &bytes)
    case .int32: return append(number, as: Int32.self, to: &bytes)
    case .int64: return append(number, as: Int64.self, to: &bytes)
    case .uint8: return append(number, as: UInt8.self, to: &bytes)
    case .uint16: return append(number, as: UInt16.self, to: &bytes)
    case .uint32: return append(number, as: UInt32.self, to: &bytes)
    case .uint64: return append(number, as: UInt64.self, to: &bytes)
    default: return append(float: number, to: &bytes)
    }
  }

  private func append(bool number: RealNumber, to bytes: inout [UInt8]) -> Bool {
    if policy == .exact, !number.isZero, !number.equals(1) { return false }
    bytes.append(number.isZero ? 0 : 1)
    return true
  }

  private func append<T: FixedWidthInteger>(
    _ number: RealNumber, as type: T.Type, to bytes: inout [UInt8]
  ) -> Bool {
    guard let value: T = number.truncated() else {
      switch policy {
      case .exact, .checked: return false
      case .saturating:
        bytes.append(littleEndian: number.isNaN ? 0 : number.isNegative ? T.min : T.max)
      case .wrapping: bytes.append(littleEndian: T(truncatingIfNeeded: number.wrapped))
      }
      return true
    }
    if policy == .exact, !number.isWhole { return false }
    bytes.append(littleEndian: value)
    return true
  }

  private func append(float number: RealNumber, to bytes: inout [UInt8]) -> Bool {
    switch target {
    case .float16: return append(number, as: Float16.self, to: &bytes)
    case .float32: return append(number, as: Float.self, to: &bytes)
    case .float64: return append(number, as: Double.self, to: &bytes)
    #if arch(x86_64)
      case .longDouble:
        let value = LongDouble(number.rounded(to: Float80.self))
        bytes.append(littleEndian: value.significandBitPattern)
        bytes.append(littleEndian: value.signExponentAndPadding)
        return true
    #endif
    case .bfloat16:
      // PyTorch narrows to binary32 first, here and for the smaller ones.
      var value = BFloat16(number.rounded(to: Float.self))
      if policy == .saturating, value.float.isInfinite, !number.isInfinite {
        value = BFloat16(bitPattern: value.bitPattern - 1)
      }
      if policy == .exact, !number.equals(value.float) { return false }
      bytes.append(littleEndian: value.bitPattern)
      return true
    default:
      guard let codes else { return false }
      return append(number, codes, to: &bytes)
    }
  }

  private func append<T: BinaryFloatingPoint & LittleEndianBits>(
    _ number: RealNumber, as type: T.Type, to bytes: inout [UInt8]
  ) -> Bool {
    var value = number.rounded(to: type)
    if policy == .saturating, value.isInfinite, !number.isInfinite {
      value = value < 0 ? -T.greatestFiniteMagnitude : T.greatestFiniteMagnitude
    }
    if policy == .exact, !number.equals(value) { return false }
    value.appendBits(to: &bytes)
    return true
  }

  private func append(
    _ number: RealNumber, _ codes: MiniFloatCodes, to bytes: inout [UInt8]
  ) -> Bool {
    let value = number.rounded(to: Float.self)
    var code = codes.nearest(value)
    if !codes.holds(value) || value.isInfinite && !number.isInfinite {
      switch policy {
      case .exact: return false
      case .checked: if !target.hasInfinity { return false }
      case .saturating: code = codes.limited(value, isInfinite: number.isInfinite) ?? code
      case .wrapping: break
      }
    }
    if policy == .exact, !number.equals(codes.value(code)) { return false }
    bytes.append(code)
    return true
  }
}

/// A float type whose bits can be written.
private protocol LittleEndianBits {
  func appendBits(to bytes: inout [UInt8])
}
extension Float16: LittleEndianBits {
  fileprivate func appendBits(to bytes: inout [UInt8]) { bytes.append(littleEndian: bitPattern) }
}
extension Float: LittleEndianBits {
  fileprivate func appendBits(to bytes: inout [UInt8]) { bytes.append(littleEndian: bitPattern) }
}
extension Double: LittleEndianBits {
  fileprivate func appendBits(to bytes: inout [UInt8]) { bytes.append(littleEndian: bitPattern) }
}

extension ReferenceConversion {
  /// Converts whole little-endian numbers, appending to `bytes`.
  /// - Returns: the index of the first number that the policy refuses, and what it is.
  func convert(
    _ numbers: Span<UInt8>, to bytes: inout [UInt8]
  ) -> (index: Int, number: RealNumber)? {
    let size = source.byteCount
    for index in 0..<numbers.count / size {
      let number = RealNumber(source, numbers.extracting(index * size..<(index + 1) * size))
      guard append(number, to: &bytes) else { return (index, number) }
    }
    return nil
  }
}
