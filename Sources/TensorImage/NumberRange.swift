internal import ByteIO
internal import TensorModel

/// What the numbers of an array are between, and how many are none.
struct NumberRange {
  private(set) var range: ClosedRange<Double>
  private(set) var nanCount = 0
  private(set) var infinityCount = 0

  /// - Parameters:
  ///   - numbers: as float64.
  ///   - dtype: what they were.
  ///   - given: the range that was asked for.
  init(
    of numbers: Tensor, layout: ImageLayout, dtype: DType, given: ClosedRange<Double>?,
    _ limits: DecodingLimits
  ) throws(TensorIOError) {
    let known = given ?? SampleScale.natural(dtype)
    range = known ?? 0...0
    // Of integers there is nothing else to find out.
    if known != nil, dtype.isInteger || dtype == .bool { return }
    var (least, greatest) = (Double.infinity, -Double.infinity)
    // The opacity has a range of its own.
    var walk = PixelWalk(layout)
    try numbers.forEachDouble(limits) { number in
      defer { walk.advance() }
      if number.isFinite {
        if walk.channel == 3 { return }
        least = min(least, number)
        greatest = max(greatest, number)
      } else if number.isNaN {
        nanCount += 1
      } else {
        infinityCount += 1
      }
    }
    if known == nil, least <= greatest { range = least...greatest }
  }
}

/// The place of each element, in row-major order, in its image.
struct PixelWalk {
  private let axes: [ImageLayout.Axis]
  private let shape: [Int]
  private var index: [Int]
  private(set) var image = 0
  private(set) var row = 0
  private(set) var column = 0
  private(set) var channel = 0

  init(_ layout: ImageLayout) {
    axes = layout.axes
    shape = layout.shape
    index = [Int](repeating: 0, count: axes.count)
  }

  mutating func advance() {
    for axis in axes.indices.reversed() {
      index[axis] += 1
      let isDone = index[axis] == shape[axis]
      if isDone { index[axis] = 0 }
      switch axes[axis] {
      case .image: image = index[axis]
      case .row: row = index[axis]
      case .column: column = index[axis]
      case .channel: channel = index[axis]
      }
      if !isDone { return }
    }
  }
}

extension Tensor {
  /// Hands out the elements of a float64 tensor in row-major order.
  func forEachDouble(
    _ limits: DecodingLimits, _ body: (Double) -> Void
  ) throws(TensorIOError) {
    try streamElements(limits: limits) { (chunk) throws(TensorIOError) in
      unsafe chunk.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: 8) {
          // SAFETY: chunks hold whole elements; every pattern is a number.
          let bits = unsafe bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
          body(Double(bitPattern: UInt64(littleEndian: bits)))
        }
      }
    }
  }
}
