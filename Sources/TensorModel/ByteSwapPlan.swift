internal import CTensorKernels

/// Which bytes of an element have to be reversed to turn one byte order into the other.
struct ByteSwapPlan: Sendable {
  /// What repeats inside a part.
  private indirect enum Content: Sendable {
    /// Numbers, one after the other.
    case units(size: Int, count: Int)
    /// Records with a plan of their own.
    case record(ByteSwapPlan)
  }

  /// `repeats` contents, one after the other, from `offset` of each element.
  private struct Part: Sendable {
    var offset: Int
    var repeats: Int
    var content: Content
  }

  private let parts: [Part]
  private let elementBytes: Int

  /// The plan that turns stored elements into little-endian ones; nothing to do where they are.
  init(toLittleEndian dtype: DType, from order: ByteOrder) {
    elementBytes = dtype.bitWidth / 8
    guard case .structured(let type) = dtype else {
      let unit = dtype.swapUnit
      let count = elementBytes / unit
      let isSwapped = order == .big && unit > 1 && count > 0
      parts =
        isSwapped ? [Part(offset: 0, repeats: 1, content: .units(size: unit, count: count))] : []
      return
    }
    parts = type.fields.compactMap { field in
      let inner = ByteSwapPlan(toLittleEndian: field.dtype, from: field.byteOrder)
      guard !inner.isIdentity, field.count > 0 else { return nil }
      if case .structured = field.dtype {
        return Part(offset: field.offset, repeats: field.count, content: .record(inner))
      }
      let unit = field.dtype.swapUnit
      return Part(
        offset: field.offset, repeats: 1,
        content: .units(size: unit, count: field.byteCount / unit))
    }
  }

  /// Whether elements stay as they are.
  var isIdentity: Bool { parts.isEmpty }

  /// Reverses the bytes of whole elements in place.
  func apply(to bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress, elementBytes > 0, !isIdentity else { return }
    unsafe apply(from: start, elements: bytes.count / elementBytes, stride: elementBytes)
  }

  /// Reverses the bytes of `elements` elements, `stride` bytes apart.
  private func apply(from start: UnsafeMutableRawPointer, elements: Int, stride: Int) {
    for part in parts {
      // SAFETY: the parts lie inside an element, and the callers hold that many whole elements.
      let first = unsafe start + part.offset
      switch part.content {
      case .units(let size, let count) where size * count == stride:
        unsafe tio_swap_bytes(first, size, elements * count, size)
      case .units(let size, let count):
        // The shorter loop is the outer one.
        if count <= elements {
          for unit in 0..<count {
            unsafe tio_swap_bytes(first + unit * size, size, elements, stride)
          }
        } else {
          for element in 0..<elements {
            unsafe tio_swap_bytes(first + element * stride, size, count, size)
          }
        }
      case .record(let inner):
        for element in 0..<elements {
          unsafe inner.apply(
            from: first + element * stride, elements: part.repeats, stride: inner.elementBytes)
        }
      }
    }
  }
}
