internal import CTensorKernels

/// Which bytes of an element have to be reversed to turn one byte order into the other.
struct ByteSwapPlan: Sendable {
  /// `count` units of `unit` bytes from `offset` of each element.
  struct Run: Sendable {
    var offset: Int
    var unit: Int
    var count: Int
  }

  let runs: [Run]
  let elementBytes: Int

  /// The plan that turns stored elements into little-endian ones; nothing to do where they are.
  init(toLittleEndian dtype: DType, from order: ByteOrder) {
    elementBytes = dtype.bitWidth / 8
    var runs: [Run] = []
    Self.collect(dtype, order, at: 0, repeated: 1, into: &runs)
    self.runs = runs
  }

  /// Whether elements stay as they are.
  var isIdentity: Bool { runs.isEmpty }

  private static func collect(
    _ dtype: DType, _ order: ByteOrder, at offset: Int, repeated: Int, into runs: inout [Run]
  ) {
    if case .structured(let type) = dtype {
      for index in 0..<repeated {
        for field in type.fields {
          collect(
            field.dtype, field.byteOrder, at: offset + index * type.byteCount + field.offset,
            repeated: field.shape.reduce(1, *), into: &runs)
        }
      }
      return
    }
    let unit = dtype.swapUnit
    guard order == .big, unit > 1 else { return }
    let count = dtype.bitWidth / 8 / unit * repeated
    if count > 0 { runs.append(Run(offset: offset, unit: unit, count: count)) }
  }

  /// Reverses the bytes of whole elements in place.
  func apply(to bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress, elementBytes > 0 else { return }
    let elements = bytes.count / elementBytes
    for run in runs {
      if run.unit * run.count == elementBytes {
        unsafe tio_swap_bytes(start, run.unit, elements * run.count, run.unit)
        continue
      }
      for index in 0..<run.count {
        // SAFETY: the runs lie inside an element, and `elements` whole elements inside `bytes`.
        let first = unsafe start + run.offset + index * run.unit
        unsafe tio_swap_bytes(first, run.unit, elements, elementBytes)
      }
    }
  }
}
