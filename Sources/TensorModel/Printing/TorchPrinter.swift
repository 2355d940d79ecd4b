internal import ByteIO

/// Writes tensors as PyTorch 2.15 writes them: `tensor([1., 2.], dtype=torch.float64)`.
///
/// Dtypes that torch lacks have their elements set as NumPy sets them. Deliberate differences: where
/// torch refuses to print (bits without meaning, single pairs of 4-bit floats, quantized integers
/// without a scale) the integers appear as they are; and a tensor whose summary has more than a
/// million elements is `[...]`.
package struct TorchPrinter: Sendable {
  /// How to write.
  package var options: PrintOptions

  /// Creates a printer.
  package init(options: PrintOptions = PrintOptions()) { self.options = options }

  /// The columns that a line may take.
  private var lineWidth: Int { options.columns(default: 80) }

  /// The text of `repr(tensor)`, which is also that of `str(tensor)`.
  package func representation(_ tensor: some PrintableElements) -> String {
    let prefix = "tensor("
    let isMeta = tensor.deviceName == "meta" || !tensor.hasElements
    let shown = ShownElements(shape: tensor.shape, options: options, leastTail: 0)
    let suffixes = suffixes(tensor, isMeta: isMeta, isEmpty: shown.elementCount == 0)
    var text = prefix + (isMeta ? "..." : contents(tensor, shown, indent: prefix.utf8.count))
    // Torch reckons two columns too many for the line that the suffixes go on.
    var length = lastLineLength(text) + 2
    for suffix in suffixes {
      if length + columns(suffix) + 2 > lineWidth {
        text += ",\n" + spaces(prefix.utf8.count) + suffix
        length = prefix.utf8.count + columns(suffix)
      } else {
        text += ", " + suffix
        length += columns(suffix) + 2
      }
    }
    return text + ")"
  }

  /// What stands after the elements.
  private func suffixes(
    _ tensor: some PrintableElements, isMeta: Bool, isEmpty: Bool
  ) -> [String] {
    var result: [String] = []
    if tensor.deviceName != "cpu" { result.append("device='\(tensor.deviceName)'") }
    let isSized =
      isMeta || tensor.dtype.isQuantized
      || (isEmpty ? tensor.shape.count != 1 : options.edge == 0)
    if isSized { result.append("size=" + PythonText.tuple(tensor.shape)) }
    let isImplied =
      switch tensor.dtype {
      case .float32: true
      case .bool, .int64, .complex64: !isEmpty && !isMeta
      default: false
      }
    if !isImplied {
      let name = tensor.dtype.torchName.map { "torch." + $0 }
      result.append("dtype=" + (name ?? tensor.dtype.description.escapedForDisplay))
    }
    if let quantization = tensor.quantization { result += suffixes(quantization) }
    if tensor.requiresGrad { result.append("requires_grad=True") }
    return result
  }

  /// What torch says of the parameters of a quantized tensor.
  private func suffixes(_ quantization: Quantization) -> [String] {
    let scheme = "quantization_scheme=torch." + quantization.scheme.rawValue
    switch quantization {
    case .perTensor(_, let scale, let zeroPoint):
      return [scheme, "scale=" + PythonText.float(scale), "zero_point=\(zeroPoint)"]
    case .perChannel(_, let scales, let zeroPoints, let axis):
      return [
        scheme, "scale=" + representation(scales), "zero_point=" + representation(zeroPoints),
        "axis=\(axis)",
      ]
    }
  }

  /// The brackets and elements; the real numbers of a quantized tensor.
  private func contents(
    _ tensor: some PrintableElements, _ shown: ShownElements, indent: Int
  ) -> String {
    guard let quantization = tensor.quantization else {
      return plainContents(tensor, shown, indent: indent)
    }
    return plainContents(
      DequantizedElements(base: tensor, parameters: quantization), shown, indent: indent)
  }

  private func plainContents(
    _ tensor: some PrintableElements, _ shown: ShownElements, indent: Int
  ) -> String {
    if shown.elementCount == 0 { return "[]" }
    if tensor.dtype.torchName == nil {
      return NumPyPrinter(options: foreignOptions).text(
        tensor, shown, separator: ", ", prefix: indent, suffix: 1)
    }
    if shown.isTooLarge { return "[...]" }
    let scalars = shown.scalars(of: tensor)
    guard let elements = TorchElements(tensor.dtype, scalars, options: options) else { return "?" }
    if tensor.shape.isEmpty { return elements.words.first ?? "" }
    var words = elements.words[...]
    return block(0, shown, indent: indent, width: elements.width, &words)
  }

  /// The options for elements in NumPy's style on lines of torch's width.
  private var foreignOptions: PrintOptions {
    var result = options
    result.lineWidth = lineWidth
    return result
  }

  private func block(
    _ axis: Int, _ shown: ShownElements, indent: Int, width: Int, _ words: inout ArraySlice<String>
  ) -> String {
    let part = shown.axes[axis]
    let remaining = shown.axes.count - axis
    let isRow = remaining == 1
    var items: [String] = []
    if isRow {
      items = Array(words.prefix(part.head + part.tail))
      words = words.dropFirst(items.count)
    } else {
      for _ in 0..<(part.head + part.tail) {
        items.append(block(axis + 1, shown, indent: indent + 1, width: width, &words))
      }
    }
    if part.isElided {
      items.insert(isRow && part.head > 0 ? " ..." : "...", at: min(part.head, items.count))
    }
    let margin = spaces(indent + 1)
    if !isRow {
      let newlines = String(repeating: "\n", count: remaining - 1)
      return "[" + items.joined(separator: "," + newlines + margin) + "]"
    }
    // A comma and a space after each element, however wide it really is.
    let perLine = max(1, (lineWidth - indent) / (width + 2))
    let lines = stride(from: 0, to: items.count, by: perLine).map { start in
      items[start..<min(start + perLine, items.count)].joined(separator: ", ")
    }
    return "[" + lines.joined(separator: ",\n" + margin) + "]"
  }
}
