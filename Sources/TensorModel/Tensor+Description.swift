public import ByteIO
internal import Synchronization

/// Whose way of printing tensors.
public enum PrintStyle: Sendable, Hashable {
  /// torch's, as `print(t)` and `repr(t)` give it: `tensor([1., 2.])`.
  case torch
  /// NumPy's, as `print(a)` gives it: `[1. 2.]`.
  case numpy
  /// NumPy's, as `repr(a)` gives it: `array([1., 2.], dtype=float32)`.
  case numpyRepr
}

extension Tensor: CustomStringConvertible {
  /// The tensor as torch prints it; large ones are summarised, and only what is shown is read.
  ///
  /// A tensor whose bytes cannot be read prints its outline and the reason.
  public var description: String {
    do throws(TensorIOError) {
      return try formatted(.torch)
    } catch {
      return "tensor(<\(error)>, size=\(shape), dtype=\(dtype))"
    }
  }

  /// The tensor as torch or NumPy prints it, character for character.
  /// - Throws: what decoding a compressed member throws. Bytes in a mapped file are not compared
  ///   with a checksum; ``TensorStorage/verify()`` does that.
  public func formatted(
    _ style: PrintStyle, options: PrintOptions = PrintOptions()
  ) throws(TensorIOError) -> String {
    // Objects print as placeholders, and torch prints meta tensors without elements: neither needs
    // any bytes.
    if !dtype.containsObjects, hasElements || style != .torch {
      guard storage.residence == .cpu || !hasElements else {
        return try formattedFromDevice(style, options)
      }
      try storage.withBytes { _ in }
    }
    if case .perChannel(_, let scales, let zeroPoints, _) = quantization, style == .torch {
      for parameters in [scales, zeroPoints] where parameters.hasElements {
        try parameters.storage.withBytes { _ in }
      }
    }
    return Self.text(of: self, style, options)
  }

  /// Prints elements that are in a device's memory: all of it is downloaded where that is little,
  /// otherwise one element at a time.
  private func formattedFromDevice(
    _ style: PrintStyle, _ options: PrintOptions
  ) throws(TensorIOError) -> String {
    let part = try narrowed()
    if part.storage.byteCount <= Self.wholeDownload || count <= options.threshold {
      let local = part.moved(to: TensorStorage(try part.storage.source.loaded()))
      return try local.formatted(style, options: options)
    }
    let elements = DeviceElements(tensor: self)
    let text = Self.text(of: elements, style, options)
    if let failure = elements.failure.withLock({ $0 }) { throw failure }
    return text
  }

  /// In bytes: as fast to copy as the thousand elements of a summary one by one.
  private static let wholeDownload = 16 << 20

  private static func text(
    of elements: some PrintableElements, _ style: PrintStyle, _ options: PrintOptions
  ) -> String {
    switch style {
    case .torch: TorchPrinter(options: options).representation(elements)
    case .numpy: NumPyPrinter(options: options).string(elements)
    case .numpyRepr: NumPyPrinter(options: options).representation(elements)
    }
  }
}

/// The elements of a tensor on a device, one download each; keeps the first failure for whoever
/// prints.
private final class DeviceElements: PrintableElements {
  let failure = Mutex<TensorIOError?>(nil)
  private let tensor: Tensor

  init(tensor: Tensor) { self.tensor = tensor }

  var dtype: DType { tensor.dtype }
  var byteOrder: ByteOrder { tensor.byteOrder }
  var shape: [Int] { tensor.shape }
  var deviceName: String { tensor.deviceName }
  var requiresGrad: Bool { tensor.requiresGrad }
  var quantization: Quantization? { tensor.quantization }

  func scalar(at index: [Int]) -> Scalar {
    if failure.withLock({ $0 != nil }) { return .void([]) }
    do throws(TensorIOError) {
      return try tensor.element(at: index)
    } catch {
      failure.withLock { $0 = error }
      return .void([])
    }
  }
}
