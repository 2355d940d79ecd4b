public import TensorIO

/// What two archives are compared on; the raw values are the words in messages and JSON.
public enum ComparisonAxis: String, Sendable, CaseIterable {
  /// Which tensors there are, and what they are called.
  case names
  /// The order of tensors, of keys and of items.
  case order
  /// The containers around values.
  case nesting
  case dtype
  /// Only of formats that keep it.
  case byteOrder = "byte-order"
  case shape
  /// Strides, along axes on which there is more than one index.
  case strides
  /// The size of storages, and where tensors begin in them; only of formats that keep storages.
  case storage
  /// The bytes of the elements.
  case elements
  /// Which tensors share a storage.
  case aliasing
  case device
  case requiresGrad = "requires-grad"
  case quantization
  /// Whether elements are conjugated or negated when they are read.
  case signs
  /// Values that are no tensors.
  case values
  /// Which values are one object.
  case identity
  /// The exact classes of values, with the arguments that made them.
  case classes
  /// Attributes of containers and tensors.
  case attributes
  /// Texts about the whole.
  case metadata
  /// Python classes and functions that only the second archive names.
  case globals

  /// The losses that a format may declare for differences on the axis.
  public var declarable: Set<Loss.Kind> {
    switch self {
    case .names: [.name, .nesting]
    case .nesting: [.nesting]
    case .dtype: [.dtype]
    case .strides: [.strides]
    case .storage: [.storage]
    case .aliasing, .identity: [.aliasing]
    case .device: [.device]
    case .requiresGrad: [.requiresGrad]
    case .quantization: [.quantization]
    case .signs, .metadata: [.metadata]
    case .order: [.order]
    case .values, .classes: [.value]
    case .attributes: [.value, .metadata]
    case .byteOrder, .shape, .elements, .globals: []
    }
  }
}

/// Something in which two archives differ.
public struct ObservedDifference: Sendable, Hashable {
  /// What kind of thing differs.
  public let axis: ComparisonAxis
  /// The name of the tensor or value in the first archive, or in the second where only that has it.
  public let name: String
  /// What the first archive has; nil where it has nothing.
  public let left: String?
  /// What the second has.
  public let right: String?
  /// Whether a format may declare it: what only the second archive has is no loss.
  public let isDeclarable: Bool

  init(
    _ axis: ComparisonAxis, _ name: String, _ left: String?, _ right: String?,
    isDeclarable: Bool = true
  ) {
    self.axis = axis
    self.name = name
    self.left = left
    self.right = right
    self.isDeclarable = isDeclarable && !axis.declarable.isEmpty
  }
}

extension ObservedDifference: CustomStringConvertible {
  /// `'fc.weight': dtype: float32, then float16`.
  public var description: String {
    let place = name.isEmpty ? "" : "'\(name.escapedForDisplay)': "
    let (left, right) = (left ?? "nothing", right ?? "nothing")
    return "\(place)\(axis.rawValue): \(left.escapedForDisplay), then \(right.escapedForDisplay)"
  }
}
