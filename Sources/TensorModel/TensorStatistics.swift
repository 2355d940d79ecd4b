public import ByteIO

/// What the numbers of a tensor are like, gathered in one pass in bounded memory.
public struct TensorStatistics: Sendable, Hashable {
  /// The number of elements.
  public private(set) var count = 0
  /// How many are NaN.
  public private(set) var nanCount = 0
  /// How many are positive or negative infinity.
  public private(set) var infinityCount = 0
  /// How many are 0, of either sign.
  public private(set) var zeroCount = 0
  /// The least number, exact; nil when there is none but NaN.
  public private(set) var minimum: Scalar?
  /// The greatest number, exact; nil when there is none but NaN.
  public private(set) var maximum: Scalar?
  /// The mean of the finite elements, in double precision; NaN when there are none.
  public var mean: Double { moments.mean }
  /// The population standard deviation of the finite elements; NaN when there are none.
  public var standardDeviation: Double { moments.standardDeviation }

  private var moments = WideMoments()

  /// Gathers the statistics of a real tensor: bool, integers, floats of up to 64 bits.
  /// - Throws: `unsupported` for other dtypes; what reading throws.
  public init(of tensor: Tensor) throws(TensorIOError) {
    // Order does not matter here, so a Fortran array is read as it lies in the file.
    let tensor = tensor.isFortranContiguous ? tensor.transposed() : tensor
    switch tensor.dtype {
    case .bool: try addIntegers(of: tensor, UInt8.self) { $0 == 0 ? 0 : 1 }
    case .int8: try addIntegers(of: tensor, Int8.self)
    case .int16: try addIntegers(of: tensor, Int16.self)
    case .int32: try addIntegers(of: tensor, Int32.self)
    case .int64: try addIntegers(of: tensor, Int64.self)
    case .uint8: try addIntegers(of: tensor, UInt8.self)
    case .uint16: try addIntegers(of: tensor, UInt16.self)
    case .uint32: try addIntegers(of: tensor, UInt32.self)
    case .uint64: try addIntegers(of: tensor, UInt64.self)
    case .float16: try addFloats(of: tensor, UInt16.self) { Double(Float16(bitPattern: $0)) }
    case .float32: try addFloats(of: tensor, UInt32.self) { Double(Float(bitPattern: $0)) }
    case .float64: try addFloats(of: tensor, UInt64.self) { Double(bitPattern: $0) }
    case .bfloat16:
      try addFloats(of: tensor, UInt16.self) { Double(BFloat16(bitPattern: $0).float) }
    case .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU:
      let decoder = ElementDecoder(dtype: tensor.dtype)
      try addFloats(of: tensor, UInt8.self) { bits in
        guard case .float(let value) = decoder.scalar([bits].span) else { return .nan }
        return value
      }
    default: throw .unsupported("statistics of \(tensor.dtype)")
    }
  }

  private mutating func addIntegers<T: FixedWidthInteger>(
    of tensor: Tensor, _ type: T.Type, _ normalize: (T) -> T = { $0 }
  ) throws(TensorIOError) {
    var (least, greatest) = (T.max, T.min)
    try tensor.streamElements { (chunk) throws(TensorIOError) in
      var part = WideMoments()
      let items = chunk.count / MemoryLayout<T>.size
      for index in 0..<items {
        let value = normalize(chunk.element(index, as: type))
        if value == 0 { zeroCount += 1 }
        least = min(least, value)
        greatest = max(greatest, value)
        part.add(Double(value))
      }
      count += items
      moments.merge(part)
    }
    guard count > 0 else { return }
    if T.isSigned {
      (minimum, maximum) = (.int(Int64(least)), .int(Int64(greatest)))
    } else {
      (minimum, maximum) = (.uint(UInt64(least)), .uint(UInt64(greatest)))
    }
  }

  private mutating func addFloats<Bits: FixedWidthInteger>(
    of tensor: Tensor, _ type: Bits.Type, _ decode: (Bits) -> Double
  ) throws(TensorIOError) {
    var (least, greatest) = (Double.infinity, -Double.infinity)
    try tensor.streamElements { (chunk) throws(TensorIOError) in
      var part = WideMoments()
      let items = chunk.count / MemoryLayout<Bits>.size
      for index in 0..<items {
        let value = decode(chunk.element(index, as: type))
        if value.isNaN {
          nanCount += 1
          continue
        }
        if value == 0 { zeroCount += 1 }
        least = min(least, value)
        greatest = max(greatest, value)
        if value.isInfinite { infinityCount += 1 } else { part.add(value) }
      }
      count += items
      moments.merge(part)
    }
    if nanCount < count { (minimum, maximum) = (.float(least), .float(greatest)) }
  }
}

/// Moments of numbers of every magnitude: those whose squares would overflow are kept scaled.
private struct WideMoments: Sendable, Hashable {
  private static let scale = 0x1p-600
  private var plain = Moments()
  private var scaled = Moments()

  @inline(__always)
  mutating func add(_ value: Double) {
    if abs(value) < 0x1p400 { plain.add(value) } else { scaled.add(value * Self.scale) }
  }

  mutating func merge(_ other: WideMoments) {
    plain.merge(other.plain)
    scaled.merge(other.scaled)
  }

  /// Both kinds together, and what to multiply with.
  private var total: (moments: Moments, unit: Double) {
    if scaled.count == 0 { return (plain, 1) }
    var total = scaled
    total.merge(plain.scaled(by: Self.scale))
    return (total, 1 / Self.scale)
  }

  /// NaN when there are no numbers.
  var mean: Double {
    let (moments, unit) = total
    return moments.count == 0 ? .nan : moments.mean * unit
  }

  /// NaN when there are no numbers.
  var standardDeviation: Double {
    let (moments, unit) = total
    return moments.count == 0 ? .nan : (moments.squares / Double(moments.count)).squareRoot() * unit
  }
}

/// Mean and sum of squared deviations, summed around a shift within a chunk and merged over chunks,
/// so that a large mean does not swallow the deviations.
private struct Moments: Sendable, Hashable {
  var count = 0
  private var shift = 0.0
  private var sum = 0.0
  private var sumOfSquares = 0.0

  var mean: Double { count == 0 ? 0 : shift + sum / Double(count) }
  var squares: Double { count == 0 ? 0 : max(0, sumOfSquares - sum * sum / Double(count)) }

  func scaled(by factor: Double) -> Moments {
    var scaled = Moments()
    (scaled.count, scaled.shift, scaled.sumOfSquares) = (count, mean * factor, squares * factor * factor)
    return scaled
  }

  mutating func add(_ value: Double) {
    if count == 0 { shift = value }
    let deviation = value - shift
    count += 1
    sum += deviation
    sumOfSquares += deviation * deviation
  }

  mutating func merge(_ other: Moments) {
    guard other.count > 0 else { return }
    let total = count + other.count
    let difference = other.mean - mean
    let weight = Double(count) * Double(other.count) / Double(total)
    let squares = squares + other.squares + difference * difference * weight
    let mean = mean + difference * Double(other.count) / Double(total)
    (count, shift, sum, sumOfSquares) = (total, mean, 0, squares)
  }
}

extension Span<UInt8> {
  /// The little-endian integer at an index counted in integers.
  @inline(__always)
  fileprivate func element<T: FixedWidthInteger>(_ index: Int, as type: T.Type) -> T {
    // SAFETY: the callers count whole integers in the chunk; every pattern is an integer.
    unsafe withUnsafeBytes { bytes in
      unsafe T(littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self))
    }
  }
}
