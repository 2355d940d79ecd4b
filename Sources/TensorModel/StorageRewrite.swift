package import ByteIO

/// How the bytes of a whole storage become little-endian.
///
/// Equal rewrites of one storage give the same bytes, whatever the tensors over it are.
package struct StorageRewrite: Sendable, Hashable {
  /// What is swapped as if the storage were one array of it; nil where nothing is.
  private let element: DType?

  /// The rewrite for the storage of a tensor.
  package init(toLittleEndian tensor: Tensor) {
    if ByteSwapPlan(toLittleEndian: tensor.dtype, from: tensor.byteOrder).isIdentity {
      element = nil
    } else if case .structured = tensor.dtype {
      element = tensor.dtype
    } else {
      element =
        switch tensor.dtype.swapUnit {
        case 2: .int16
        case 4: .int32
        case 8: .int64
        default: .longDouble
        }
    }
  }

  /// Whether bytes stay as they are.
  package var isIdentity: Bool { element == nil }

  /// The bytes that have to be rewritten together, counted from the start of the storage.
  package var unit: Int { element.map { $0.bitWidth / 8 } ?? 1 }

  /// Rewrites whole units in place; a rest at the end stays.
  package func apply(to bytes: UnsafeMutableRawBufferPointer) {
    guard let element else { return }
    unsafe ByteSwapPlan(toLittleEndian: element, from: .big).apply(to: bytes)
  }
}

extension Tensor {
  /// The same elements over another storage, which has them in little-endian order at the same
  /// places.
  package func moved(
    toLittleEndian storage: TensorStorage, on device: Device
  ) throws(TensorIOError) -> Tensor {
    try Tensor(
      dtype: dtype.withLittleEndianFields, shape: shape, strides: strides, offset: offset,
      storage: storage, device: device, requiresGrad: requiresGrad, quantization: quantization,
      isConjugated: isConjugated, isNegated: isNegated)
  }
}
