public import ByteIO

/// One axis of a slice expression.
public enum TensorIndex: Sendable, Hashable {
  /// One index, which removes the axis; negative ones count from the end.
  case at(Int)
  /// A range with a step, by Python's rules: bounds are clipped, negative ones count from the end, a
  /// missing one is the axis's own end. The step is not 0.
  case slice(from: Int?, to: Int?, step: Int)

  /// A range whose last index is part of it; -1 is the end of the axis, and so is the largest Int.
  fileprivate static func slice(from: Int?, through last: Int) -> TensorIndex {
    .slice(from: from, to: last == -1 || last == .max ? nil : last + 1, step: 1)
  }

  /// The whole axis.
  public static let all = TensorIndex.slice(from: nil, to: nil, step: 1)
}

/// What can stand in a tensor's subscript: an `Int`, a range, or a ``TensorIndex``.
public protocol TensorIndexConvertible {
  /// The index expression.
  var tensorIndex: TensorIndex { get }
}

extension TensorIndex: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { self }
}
extension Int: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .at(self) }
}
extension Range<Int>: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .slice(from: lowerBound, to: upperBound, step: 1) }
}
extension ClosedRange<Int>: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .slice(from: lowerBound, through: upperBound) }
}
extension PartialRangeFrom<Int>: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .slice(from: lowerBound, to: nil, step: 1) }
}
extension PartialRangeThrough<Int>: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .slice(from: nil, through: upperBound) }
}
extension PartialRangeUpTo<Int>: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .slice(from: nil, to: upperBound, step: 1) }
}

extension Tensor {
  /// A view: `try t[0..<10, 3]`.
  ///
  /// Axes not named are taken whole. Nothing is copied.
  /// - Throws: `invalidArgument` for an index outside its axis, too many indexes, or a step of 0.
  public subscript(_ indexes: any TensorIndexConvertible...) -> Tensor {
    get throws(TensorIOError) { try sliced(indexes.map(\.tensorIndex)) }
  }

  /// A view by a list of index expressions, one an axis from the first.
  ///
  /// Nothing is copied. Scales of a quantized axis are sliced with it; one index of that axis has one
  /// scale.
  /// - Throws: also `unsupported` for one index of an axis whose zero points are floats.
  public func sliced(_ indexes: [TensorIndex]) throws(TensorIOError) -> Tensor {
    guard indexes.count <= rank else {
      throw .invalidArgument("\(indexes.count) indexes for a tensor with \(rank) axes")
    }
    var shape: [Int] = []
    var strides: [Int] = []
    var offset = offset
    for (axis, index) in indexes.enumerated() {
      let (length, stride) = (self.shape[axis], self.strides[axis])
      switch index {
      case .at(let position):
        let resolved = position < 0 ? position + length : position
        guard resolved >= 0, resolved < length else {
          throw .invalidArgument(
            "index \(position) is outside axis \(axis), which has \(length) elements")
        }
        // Beside an axis of 0 the strides mean nothing and may be anything.
        offset &+= resolved &* stride
      case .slice(let from, let to, let step):
        guard step != 0, step != .min else {
          throw .invalidArgument("the step of axis \(axis) is \(step)")
        }
        let range = Self.resolve(from: from, to: to, step: step, length: length)
        if range.count > 0 { offset &+= range.start &* stride }
        shape.append(range.count)
        strides.append(range.count > 1 ? stride &* step : stride)
      }
    }
    shape += self.shape[indexes.count...]
    strides += self.strides[indexes.count...]
    return try with(
      shape: shape, strides: strides, offset: shape.contains(0) ? 0 : offset,
      quantization: try quantization?.sliced(indexes))
  }

  /// Python's `slice.indices`: the first index and how many follow.
  private static func resolve(
    from: Int?, to: Int?, step: Int, length: Int
  ) -> (start: Int, count: Int) {
    let (lowest, highest) = step > 0 ? (0, length) : (-1, length - 1)
    func clip(_ bound: Int) -> Int {
      min(max(bound < 0 ? bound + length : bound, lowest), highest)
    }
    let start = from.map(clip) ?? (step > 0 ? lowest : highest)
    let end = to.map(clip) ?? (step > 0 ? highest : lowest)
    let distance = step > 0 ? end - start : start - end
    return (start, distance > 0 ? (distance - 1) / abs(step) + 1 : 0)
  }

  /// The tensor with its axes in reverse order: NumPy's `.T`.
  ///
  /// Nothing is copied.
  public func transposed() -> Tensor {
    Tensor(
      unchecked: self, shape: shape.reversed(), strides: strides.reversed(), device: device,
      requiresGrad: requiresGrad, quantization: quantization?.transposed(rank: rank))
  }

  /// The same elements under another shape, sharing the storage.
  /// - Throws: `invalidArgument` when the counts differ, or when the elements do not lie in
  ///   row-major order without gaps (call ``contiguous()`` first); `unsupported` for a shape that
  ///   does not keep an axis with a scale for each index.
  public func reshaped(to shape: [Int]) throws(TensorIOError) -> Tensor {
    guard try Shape.elementCount(shape) == count else {
      throw .invalidArgument("\(count) elements do not fill the shape \(shape)")
    }
    guard isContiguous else {
      throw .invalidArgument("a strided view cannot be reshaped in place; call contiguous() first")
    }
    return try with(
      shape: shape, strides: Shape.rowMajorStrides(shape),
      quantization: try quantization?.reshaped(from: self.shape, to: shape))
  }

  /// The tensor without ``requiresGrad``, sharing the storage; the tensor itself when it has none.
  public func detached() -> Tensor { tagged(device: device, requiresGrad: false) }

  /// A tensor tagged with a device and gradient flag, as a file would tag it; nothing moves.
  public func tagged(device: Device, requiresGrad: Bool) -> Tensor {
    Tensor(
      unchecked: self, shape: shape, strides: strides, device: device, requiresGrad: requiresGrad)
  }
}
