public import ByteIO

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
    if !dtype.containsObjects, hasElements || style != .torch { try storage.withBytes { _ in } }
    if case .perChannel(_, let scales, let zeroPoints, _) = quantization, style == .torch {
      for parameters in [scales, zeroPoints] where parameters.hasElements {
        try parameters.storage.withBytes { _ in }
      }
    }
    return switch style {
    case .torch: TorchPrinter(options: options).representation(self)
    case .numpy: NumPyPrinter(options: options).string(self)
    case .numpyRepr: NumPyPrinter(options: options).representation(self)
    }
  }
}
