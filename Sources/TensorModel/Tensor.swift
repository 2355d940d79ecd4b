public import ByteIO

/// An array of elements of one type: an outline over a storage that others may share.
///
/// A tensor is a value. Views, slices and ``detached()`` share the storage and copy nothing.
public struct Tensor: Sendable {
  /// The type of the elements.
  public let dtype: DType
  /// The byte order of multi-byte elements in the storage.
  ///
  /// Records answer `.little`; each of their fields has its own.
  public let byteOrder: ByteOrder
  /// The lengths of the axes; empty for a 0-d tensor.
  public let shape: [Int]
  /// For each axis, the distance in elements from one index to the next; may be 0 or negative.
  public let strides: [Int]
  /// The index of the first element in the storage, in elements; of a tensor without elements,
  /// whatever the file says.
  public let offset: Int
  /// The bytes.
  public let storage: TensorStorage
  /// The device that the file or the program put the tensor on.
  ///
  /// A tag: the bytes of a tensor read from a file are in the host's memory whatever it says;
  /// ``TensorStorage/residence`` says where they are.
  public let device: Device
  /// Whether torch would record operations on the tensor.
  public let requiresGrad: Bool
  /// What the integers of a quantized tensor stand for; nil where the tensor is not quantized or
  /// nothing is known.
  public let quantization: Quantization?
  /// Whether the elements are the complex conjugates of the stored numbers: torch's `is_conj()`.
  ///
  /// Whatever hands out elements hands out the conjugates; ``TensorStorage`` has the stored bytes.
  public let isConjugated: Bool
  /// Whether the elements are the negatives of the stored numbers: torch's `is_neg()`.
  public let isNegated: Bool

  /// Creates a tensor over a storage.
  /// - Parameters:
  ///   - dtype: the type of the elements.
  ///   - byteOrder: that of multi-byte elements in the storage.
  ///   - shape: the lengths of the axes; empty for a 0-d tensor.
  ///   - strides: in elements; nil for the row-major layout.
  ///   - offset: the index of the first element in the storage, in elements.
  ///   - storage: the bytes.
  ///   - device: the tag; nothing is moved.
  ///   - requiresGrad: whether torch would record operations on the tensor.
  ///   - quantization: for the quantized dtypes alone; the parameters of an axis are as long as it.
  ///   - isConjugated: for complex dtypes alone.
  ///   - isNegated: whether the elements are the negatives of the stored numbers.
  /// - Throws: `malformed` when the outline reaches outside the storage, when an axis is negative,
  ///   when a size does not fit in 63 bits, or when the dtype does not go with the quantization or
  ///   conjugation; `unsupported` for negation where a dtype has none.
  public init(
    dtype: DType, byteOrder: ByteOrder = .little, shape: [Int], strides: [Int]? = nil,
    offset: Int = 0, storage: TensorStorage, device: Device = .cpu, requiresGrad: Bool = false,
    quantization: Quantization? = nil, isConjugated: Bool = false, isNegated: Bool = false
  ) throws(TensorIOError) {
    self.dtype = dtype
    self.byteOrder = byteOrder
    self.shape = shape
    _ = try Shape.byteCount(of: dtype, shape: shape)
    guard offset >= 0 else { throw .malformed("the storage offset is negative") }
    self.offset = offset
    self.strides = strides ?? Shape.rowMajorStrides(shape)
    self.storage = storage
    self.device = device
    self.requiresGrad = requiresGrad
    self.quantization = quantization
    self.isConjugated = isConjugated
    self.isNegated = isNegated
    try requireInsideStorage()
    try quantization?.validate(dtype: dtype, shape: shape)
    guard !isConjugated || dtype.isComplex else {
      throw .malformed("elements of \(dtype) have no conjugates")
    }
    guard !isNegated || dtype.isNegatable else {
      throw .unsupported("negated elements of \(dtype)")
    }
  }

  /// `other` with another outline that is known to lie inside the old one.
  init(
    unchecked other: Tensor, shape: [Int], strides: [Int], device: Device, requiresGrad: Bool,
    storage: TensorStorage? = nil, quantization: Quantization? = nil
  ) {
    dtype = other.dtype
    byteOrder = other.byteOrder
    self.shape = shape
    self.strides = strides
    offset = other.offset
    self.storage = storage ?? other.storage
    self.device = device
    self.requiresGrad = requiresGrad
    self.quantization = quantization ?? other.quantization
    isConjugated = other.isConjugated
    isNegated = other.isNegated
  }

  /// The same outline over another storage of the same size.
  package func moved(to storage: TensorStorage) -> Tensor {
    Tensor(
      unchecked: self, shape: shape, strides: strides, device: device, requiresGrad: requiresGrad,
      storage: storage)
  }

  private func requireInsideStorage() throws(TensorIOError) {
    guard strides.count == shape.count else {
      throw .malformed("\(strides.count) strides for \(shape.count) axes")
    }
    guard shape.count <= 64 else {
      throw .malformed("\(shape.count) axes; 64 are the most that NumPy and torch know")
    }
    guard let reach = try Shape.reach(shape, strides, from: offset) else { return }
    let last = reach.upperBound
    guard reach.lowerBound >= 0 else { throw .malformed("the strides reach before the storage") }
    let end = try last.added(to: 1, "the last element's index")
      .multiplied(by: dtype.bitWidth, "the storage's size in bits")
    guard end / 8 + (end % 8 == 0 ? 0 : 1) <= storage.byteCount else {
      throw .malformed(
        "the tensor reaches to element \(last) of \(dtype), "
          + "its storage has \(storage.byteCount) bytes")
    }
  }

  /// The number of elements; 1 for a 0-d tensor.
  public var count: Int { shape.reduce(1, *) }

  /// The bytes of the elements without gaps.
  public var byteCount: Int {
    let bits = count * dtype.bitWidth
    return bits / 8 + (bits % 8 == 0 ? 0 : 1)
  }

  /// The number of axes.
  public var rank: Int { shape.count }

  /// Whether the elements lie in row-major order without gaps.
  public var isContiguous: Bool { Shape.isRowMajor(shape, strides) }

  /// Whether the elements lie in column-major (Fortran) order without gaps.
  public var isFortranContiguous: Bool { Shape.isColumnMajor(shape, strides) }

  /// Another outline over the same storage, checked again.
  func with(
    shape: [Int], strides: [Int], offset: Int? = nil, quantization: Quantization?
  ) throws(TensorIOError) -> Tensor {
    try Tensor(
      dtype: dtype, byteOrder: byteOrder, shape: shape, strides: strides,
      offset: offset ?? self.offset, storage: storage, device: device, requiresGrad: requiresGrad,
      quantization: quantization, isConjugated: isConjugated, isNegated: isNegated)
  }
}
