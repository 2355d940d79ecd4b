/// How torch writes the numbers of one tensor: all in one form and, where it can, in one width.
struct TorchNumberFormat {
  /// The forms.
  private enum Form {
    /// As the number prints alone: integers and truth values.
    case plain
    /// `3.`: all numbers are whole.
    case whole
    /// `3.1400`
    case fixed
    /// `3.1400e+00`
    case exponent
  }

  /// The columns of the widest number that is not 0, infinite or NaN.
  let width: Int
  private let form: Form
  private let precision: Int

  /// Measures words that are written as they are.
  init(words: some Sequence<String>) {
    width = words.reduce(1) { max($0, columns($1)) }
    form = .plain
    precision = 0
  }

  /// Chooses the form for the shown floats of a tensor.
  /// - Parameter zero: the number that 0 becomes in the dtype.
  init(_ values: [Double], zero: Double = 0, options: PrintOptions) {
    let precision = options.digits(default: 4)
    let numbers = values.filter { $0.isFinite && $0 != zero }
    let magnitudes = numbers.lazy.map(\.magnitude)
    guard let least = magnitudes.min(), let greatest = magnitudes.max() else {
      (width, form, self.precision) = (1, .whole, precision)
      return
    }
    let isWhole = numbers.allSatisfy { $0 == $0.rounded(.up) }
    let spread = greatest / least > 1000 || greatest > 1e8 || least < 1e-4
    let form: Form = options.scientific ?? spread ? .exponent : isWhole ? .whole : .fixed
    width = numbers.reduce(1) { max($0, Self.text($1, form, precision).utf8.count) }
    self.form = form
    self.precision = precision
  }

  /// The text of a float, padded.
  func text(_ value: Double) -> String { padded(Self.text(value, form, precision)) }

  /// A word that is written as it is, padded.
  func padded(_ word: String) -> String { spaces(width - columns(word)) + word }

  private static func text(_ value: Double, _ form: Form, _ precision: Int) -> String {
    let number = BinaryFloat(value)
    switch form {
    case .exponent: return exponentText(number, fractionDigits: precision)
    case .fixed, .plain: return fixedText(number, fractionDigits: precision)
    case .whole: return fixedText(number, fractionDigits: 0) + (value.isFinite ? "." : "")
    }
  }
}
