/// How NumPy writes the elements of one array, chosen by looking at all that are shown.
struct NumPyElementFormat {
  /// The text of an element.
  let text: (Scalar) -> String

  /// The text of one element.
  func callAsFunction(_ scalar: Scalar) -> String { text(scalar) }

  /// What the choice depends on beside the elements.
  struct Context {
    var options: PrintOptions
    /// Whether the array has no axes; then truth values are not padded.
    var isScalar: Bool
    /// Whether floats are written as single numbers, as `str` of a lone record does.
    var hasSingleFloats = false
  }

  /// Chooses the form for the shown elements.
  init(_ dtype: DType, _ shown: [Scalar], _ context: Context) {
    switch dtype {
    case .bool: text = Self.bools(context)
    case .structured(let type): text = Self.records(type, shown, context)
    case .datetime(let unit):
      text = Self.times(shown) { "'" + TimeText.iso($0, unit) + "'" }
    case .timedelta: text = Self.times(shown) { String($0) }
    case _ where dtype.isInteger || dtype.isQuantized || dtype.isOpaqueBits:
      text = Self.integers(shown)
    default:
      if let format = FloatFormat(dtype) {
        text =
          dtype.isComplex
          ? Self.complexes(shown, format, context) : Self.floats(shown, format, context)
      } else {
        text = { NumPyScalarText.word($0, dtype) }
      }
    }
  }

  private static func bools(_ context: Context) -> (Scalar) -> String {
    let yes = context.isScalar ? "True" : " True"
    return { $0.truth ? yes : "False" }
  }

  private static func integers(_ shown: [Scalar]) -> (Scalar) -> String {
    let width = shown.reduce(0) { max($0, $1.integerText.utf8.count) }
    return { scalar in
      let word = scalar.integerText
      return spaces(width - word.utf8.count) + word
    }
  }

  private static func floats(
    _ shown: [Scalar], _ format: FloatFormat, _ context: Context
  ) -> (Scalar) -> String {
    if context.hasSingleFloats { return { NumPyFloatFormat.single($0.parts(format).0, format) } }
    let all = NumPyFloatFormat(shown.map { $0.parts(format).0 }, format, options: context.options)
    return { all.text($0.parts(format).0) }
  }

  private static func complexes(
    _ shown: [Scalar], _ format: FloatFormat, _ context: Context
  ) -> (Scalar) -> String {
    let parts = shown.map { $0.parts(format) }
    let real = NumPyFloatFormat(parts.map(\.0), format, options: context.options)
    let imaginary = NumPyFloatFormat(
      parts.map(\.1), format, options: context.options, showsPlus: true)
    return { scalar in
      let (first, second) = scalar.parts(format)
      let padded = imaginary.text(second)
      let word = trimmingTrailingSpaces(padded)
      return real.text(first) + word + "j" + spaces(padded.utf8.count - word.utf8.count)
    }
  }

  private static func times(
    _ shown: [Scalar], _ form: @escaping (Int64) -> String
  ) -> (Scalar) -> String {
    let counts = shown.map(\.timeCount)
    let known = counts.compactMap { $0 }
    // The longest text is not looked for: NumPy measures the extremes only.
    let extremes = [known.min(), known.max()].compactMap { $0 }
    var width = extremes.reduce(0) { max($0, form($1).utf8.count) }
    if known.count < counts.count { width = max(width, 5) }
    return { [width] scalar in
      let word = scalar.timeCount.map(form) ?? "'NaT'"
      return spaces(width - word.utf8.count) + word
    }
  }

  private static func records(
    _ type: StructuredType, _ shown: [Scalar], _ context: Context
  ) -> (Scalar) -> String {
    let formats = type.fields.indices.map { index in
      let field = type.fields[index]
      let values = shown.flatMap { record -> [Scalar] in
        let value = record.field(index)
        if case .array(let elements) = value, !field.shape.isEmpty { return elements }
        return [value]
      }
      var inner = context
      inner.isScalar = context.isScalar && field.shape.isEmpty
      let element = NumPyElementFormat(field.dtype, values, inner)
      if field.shape.isEmpty { return element }
      return NumPyElementFormat(subarrayOf: element, shape: field.shape, context.options)
    }
    return { record in
      let words = formats.indices.map { formats[$0](record.field($0)) }
      return words.count == 1 ? "(\(words[0]),)" : "(" + words.joined(separator: ", ") + ")"
    }
  }

  /// Chooses the form of a field that holds an array: always on one line, with dots when long.
  private init(subarrayOf element: NumPyElementFormat, shape: [Int], _ options: PrintOptions) {
    let elided = ShownElements(shape: shape, options: options, leastTail: 0)
    // Axes before one of length 0 make empty lists, as many as the file likes.
    let lists = try? Shape.elementCount(Array(shape.prefix { $0 > 0 }))
    if elided.elementCount == 0, lists ?? .max > 10000 {
      text = { _ in "[...]" }
      return
    }
    text = { scalar in
      guard case .array(let elements) = scalar, elided.elementCount <= elements.count else {
        return "?"
      }
      let strides = Shape.rowMajorStrides(shape)
      func list(_ axis: Int, _ start: Int) -> String {
        guard axis < shape.count else { return element(elements[start]) }
        let shown = elided.axes[axis]
        var words = shown.positions.map { list(axis + 1, start + $0 * strides[axis]) }
        if shown.isElided { words.insert("...", at: shown.head) }
        return "[" + words.joined(separator: ", ") + "]"
      }
      return list(0, 0)
    }
  }
}
