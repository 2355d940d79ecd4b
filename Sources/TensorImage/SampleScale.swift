internal import TensorModel

/// How the numbers of a dtype become samples of 8 bits.
struct SampleScale {
  private let low: Double
  private let high: Double
  /// The number that is fully opaque.
  private let opaque: Double

  init(_ range: ClosedRange<Double>, _ dtype: DType) {
    (low, high) = (range.lowerBound, range.upperBound)
    opaque =
      switch dtype {
      case .int8: 0x1p7 - 1
      case .int16: 0x1p15 - 1
      case .int32: 0x1p31 - 1
      case .int64: 0x1p63
      case .uint8: 0x1p8 - 1
      case .uint16: 0x1p16 - 1
      case .uint32: 0x1p32 - 1
      case .uint64: 0x1p64
      default: 1
      }
  }

  /// What bool and uint8 can be: their range without being asked.
  static func natural(_ dtype: DType) -> ClosedRange<Double>? {
    switch dtype {
    case .bool: 0...1
    case .uint8: 0...255
    default: nil
    }
  }

  /// The sample of a finite number; where all are the same, 0.
  func sample(_ number: Double) -> UInt8 {
    // Halves, since the difference of two doubles may be infinite.
    let width = high / 2 - low / 2
    guard width > 0 else { return 0 }
    return Self.rounded((number / 2 - low / 2) / width)
  }

  /// The sample of an opacity: 0 to 1, or of integers 0 to the greatest of the dtype.
  func opacity(_ number: Double) -> UInt8 { Self.rounded(number / opaque) }

  private static func rounded(_ part: Double) -> UInt8 {
    UInt8((min(max(part, 0), 1) * 255).rounded())
  }
}
