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

  private var moments = Moments()

  /// Gathers the statistics of bool, integers, floats of up to 64 bits, and complex numbers of those,
  /// which have counts alone.
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
    case .complex32:
      try addComplex(of: tensor, UInt16.self) { Double(Float16(bitPattern: $0)) }
    case .bcomplex32:
      try addComplex(of: tensor, UInt16.self) { Double(BFloat16(bitPattern: $0).float) }
    case .complex64: try addComplex(of: tensor, UInt32.self) { Double(Float(bitPattern: $0)) }
    case .complex128: try addComplex(of: tensor, UInt64.self) { Double(bitPattern: $0) }
    default: throw .unsupported("statistics of \(tensor.dtype)")
    }
  }

  private mutating func addIntegers<T: FixedWidthInteger>(
    of tensor: Tensor, _ type: T.Type, _ normalize: (T) -> T = { $0 }
  ) throws(TensorIOError) {
    var (least, greatest) = (T.max, T.min)
    var values: [Double] = []
    try tensor.streamElements { (chunk) throws(TensorIOError) in
      values.removeAll(keepingCapacity: true)
      let items = chunk.count / MemoryLayout<T>.size
      for index in 0..<items {
        let value = normalize(chunk.element(index, as: type))
        if value == 0 { zeroCount += 1 }
        least = min(least, value)
        greatest = max(greatest, value)
        values.append(Double(value))
      }
      count += items
      moments.add(values)
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
    var values: [Double] = []
    try tensor.streamElements { (chunk) throws(TensorIOError) in
      values.removeAll(keepingCapacity: true)
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
        if value.isInfinite { infinityCount += 1 } else { values.append(value) }
      }
      count += items
      moments.add(values)
    }
    if nanCount < count { (minimum, maximum) = (.float(least), .float(greatest)) }
  }

  /// Counts alone: complex numbers have no order.
  private mutating func addComplex<Bits: FixedWidthInteger>(
    of tensor: Tensor, _ type: Bits.Type, _ decode: (Bits) -> Double
  ) throws(TensorIOError) {
    try tensor.streamElements { (chunk) throws(TensorIOError) in
      let items = chunk.count / MemoryLayout<Bits>.size / 2
      for index in 0..<items {
        let real = decode(chunk.element(2 * index, as: type))
        let imaginary = decode(chunk.element(2 * index + 1, as: type))
        if real.isNaN || imaginary.isNaN {
          nanCount += 1
        } else if real.isInfinite || imaginary.isInfinite {
          infinityCount += 1
        } else if real == 0, imaginary == 0 {
          zeroCount += 1
        }
      }
      count += items
    }
  }
}

/// Mean and sum of squared deviations of all numbers so far.
///
/// Each chunk is summed twice, for its mean and for the deviations from it, and merged; so neither
/// a large mean nor a single large number swallows the rest.
private struct Moments: Sendable, Hashable {
  /// Brings any finite number where its square and sums of squares are finite.
  private static let scale = 0x1p-600
  private static let largestPlain = 0x1p400

  private var count = 0
  private var center = 0.0
  private var squares = 0.0
  /// What the numbers were multiplied with: 1, or ``scale`` once a number was too large to square.
  private var factor = 1.0

  /// NaN when there are no numbers.
  var mean: Double { count == 0 ? .nan : center / factor }
  /// NaN when there are no numbers.
  var standardDeviation: Double {
    count == 0 ? .nan : (squares / Double(count)).squareRoot() / factor
  }

  /// Adds the finite numbers of a chunk.
  mutating func add(_ values: [Double]) {
    guard !values.isEmpty else { return }
    if factor == 1, values.contains(where: { abs($0) > Self.largestPlain }) {
      factor = Self.scale
      center *= factor
      squares *= factor * factor
    }
    let mean = Self.sum(values, factor) / Double(values.count)
    let deviations = Self.squares(values, factor, around: mean)
    let total = count + values.count
    let difference = mean - center
    squares += deviations
    squares += difference * difference * Double(count) * (Double(values.count) / Double(total))
    center += difference * (Double(values.count) / Double(total))
    count = total
  }

  private typealias Lanes = SIMD8<Double>

  /// A sum in eight lanes, each with what rounding took from it (Knuth's two-sum) added back.
  private static func sum(_ values: [Double], _ factor: Double) -> Double {
    var (sum, lost) = (Lanes.zero, Lanes.zero)
    forEachLane(values) { lane in
      let term = lane * factor
      let next = sum + term
      let added = next - sum
      lost += (sum - (next - added)) + (term - added)
      sum = next
    }
    // The lanes may differ as much as the numbers do, so they are added with the same care.
    var (total, rest) = (0.0, lost.sum())
    for index in 0..<Lanes.scalarCount {
      let next = total + sum[index]
      let added = next - total
      rest += (total - (next - added)) + (sum[index] - added)
      total = next
    }
    return total + rest
  }

  private static func squares(
    _ values: [Double], _ factor: Double, around mean: Double
  ) -> Double {
    var squares = Lanes.zero
    forEachLane(values, filler: mean / factor) { lane in
      let deviation = lane * factor - mean
      squares += deviation * deviation
    }
    return squares.sum()
  }

  /// The values eight at a time; the last ones are filled up.
  private static func forEachLane(
    _ values: [Double], filler: Double = 0, _ body: (Lanes) -> Void
  ) {
    let whole = values.count / Lanes.scalarCount * Lanes.scalarCount
    unsafe values.withUnsafeBytes { bytes in
      for index in stride(from: 0, to: whole, by: Lanes.scalarCount) {
        // SAFETY: `index` and the seven that follow are below `whole`.
        body(unsafe bytes.loadUnaligned(fromByteOffset: 8 * index, as: Lanes.self))
      }
    }
    guard whole < values.count else { return }
    var last = Lanes(repeating: filler)
    for index in whole..<values.count { last[index - whole] = values[index] }
    body(last)
  }
}

extension Span<UInt8> {
  /// The little-endian integer at an index counted in integers.
  @inline(__always)
  fileprivate func element<T: FixedWidthInteger>(_ index: Int, as type: T.Type) -> T {
    // SAFETY: the callers count whole integers in the chunk; every pattern is an integer.
    unsafe withUnsafeBytes { bytes in
      unsafe T(
        littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self))
    }
  }
}
