/// Writes tensors as NumPy 2.4 writes arrays.
///
/// Deliberate differences: records are never marked as aligned, since dtypes do not say so; Python
/// objects are `?`, since they are not decoded; datetimes without a unit, at which NumPy fails, are
/// integers; and an array whose summary has more than a million elements is `[...]`.
package struct NumPyPrinter: Sendable {
  /// How to write.
  package var options: PrintOptions

  /// Creates a printer.
  package init(options: PrintOptions = PrintOptions()) { self.options = options }

  /// The text of `str(array)`, such as `[1. 2. 3.]`.
  ///
  /// A tensor without axes gives its element alone, with all the digits it needs.
  package func string(_ tensor: some PrintableElements) -> String {
    if tensor.dtype == .float4E2M1FNx2, !(tensor is UnpackedFloat4) {
      return string(UnpackedFloat4(tensor))
    }
    if tensor.shape.isEmpty {
      return NumPyScalarText.alone(tensor.scalar(at: []), tensor.dtype, options)
    }
    let shown = ShownElements(shape: tensor.shape, options: options, leastTail: 1)
    return text(tensor, shown, separator: " ", prefix: 0, suffix: 0)
  }

  /// The text of `repr(array)`: `array([1., 2., 3.], dtype=float32)`.
  package func representation(_ tensor: some PrintableElements) -> String {
    if tensor.dtype == .float4E2M1FNx2, !(tensor is UnpackedFloat4) {
      return representation(UnpackedFloat4(tensor))
    }
    let shown = ShownElements(shape: tensor.shape, options: options, leastTail: 1)
    let prefix = "array("
    var result =
      prefix + text(tensor, shown, separator: ", ", prefix: prefix.utf8.count, suffix: 1)
    var extras: [String] = []
    if shown.elementCount == 0 && tensor.shape.count != 1 || shown.isSummary {
      extras.append("shape=" + PythonText.tuple(tensor.shape))
    }
    if shown.elementCount == 0 || !NumPyDTypeText.isImplied(tensor.dtype, tensor.byteOrder) {
      extras.append("dtype=" + NumPyDTypeText.short(tensor.dtype, tensor.byteOrder))
    }
    if extras.isEmpty { return result + ")" }
    result += ","
    let extra = extras.joined(separator: ", ") + ")"
    let fits = lastLineLength(result) + columns(extra) + 1 <= options.columns(default: 75)
    return result + (fits ? " " : "\n" + spaces(prefix.utf8.count)) + extra
  }

  /// The brackets and elements, without what stands around them.
  func text(
    _ tensor: some PrintableElements, _ shown: ShownElements, separator: String, prefix: Int,
    suffix: Int
  ) -> String {
    if shown.elementCount == 0 { return "[]" }
    let scalars = shown.scalars(of: tensor)
    let context = NumPyElementFormat.Context(options: options, isScalar: tensor.shape.isEmpty)
    let format = NumPyElementFormat(tensor.dtype, scalars, context)
    let layout = NumPyLayout(
      shown: shown, separator: separator, width: options.columns(default: 75) - suffix,
      indent: prefix)
    return layout.text(scalars.map(format.text))
  }
}

/// The columns of the last line of a text.
func lastLineLength(_ text: String) -> Int {
  let scalars = text.unicodeScalars
  guard let newline = scalars.lastIndex(of: "\n") else { return scalars.count }
  return scalars.distance(from: newline, to: scalars.endIndex) - 1
}

/// Pairs of 4-bit floats as the array of single ones that ml_dtypes would hold: the last axis is
/// twice as long, and a tensor without axes has one.
private struct UnpackedFloat4: PrintableElements {
  let dtype = DType.float4E2M1FNx2
  let shape: [Int]
  let deviceName: String
  let requiresGrad: Bool
  private let hasAxes: Bool
  private let pair: ([Int]) -> Scalar

  init<Source: PrintableElements>(_ source: Source) {
    hasAxes = !source.shape.isEmpty
    var lengths = hasAxes ? source.shape : [1]
    if let last = lengths.popLast() {
      let (twice, overflow) = last.multipliedReportingOverflow(by: 2)
      lengths.append(overflow ? Int.max : twice)
    }
    shape = lengths
    deviceName = source.deviceName
    requiresGrad = source.requiresGrad
    pair = { source.scalar(at: $0) }
  }

  func scalar(at index: [Int]) -> Scalar {
    guard let last = index.last else { return .float(.nan) }
    let place = hasAxes ? index.dropLast() + [last / 2] : []
    guard let code = pair(place).float4Code else { return .float(.nan) }
    let floats = Float4E2M1FNx2(bitPattern: code).floats
    return .float(Double(last % 2 == 0 ? floats.0 : floats.1))
  }
}
