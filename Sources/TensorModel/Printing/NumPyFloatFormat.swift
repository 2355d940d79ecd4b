/// How NumPy writes the floats of one array: with or without exponents, and padded to one width.
struct NumPyFloatFormat {
  private let format: FloatFormat
  private let showsPlus: Bool
  private var hasExponent = false
  private var padLeft = 0
  private var padRight = 0
  private var precision: Int
  private var exponentDigits = 2

  /// Chooses the form for the shown numbers of an array.
  /// - Parameter showsPlus: whether positive numbers have a sign, as imaginary parts do.
  init(
    _ values: [BinaryFloat], _ format: FloatFormat, options: PrintOptions, showsPlus: Bool = false
  ) {
    self.format = format
    self.showsPlus = showsPlus
    precision = options.digits(default: 8)
    let finite = values.filter(\.isFinite)
    hasExponent = options.scientific ?? Self.needsExponent(finite, format, options)
    if !finite.isEmpty {
      if hasExponent { measureExponentForm(finite) } else { measurePositionalForm(finite) }
    }
    if finite.count < values.count {
      // The point counts too; a positive infinity needs room for its sign only where signs show.
      let hasNegative = values.contains { $0.kind == .infinite && $0.isNegative }
      let longest = 3 + (showsPlus || hasNegative ? 1 : 0)
      padLeft = max(padLeft, longest - padRight - 1)
    }
  }

  /// The text of a number.
  func text(_ value: BinaryFloat) -> String {
    let sign = value.isNegative ? "-" : showsPlus ? "+" : ""
    switch value.kind {
    case .notANumber: return padded((showsPlus ? "+" : "") + "nan")
    case .infinite: return padded(sign + "inf")
    case .finite: return hasExponent ? exponentForm(value, sign) : positionalForm(value, sign)
    }
  }

  private func padded(_ word: String) -> String {
    spaces(padLeft + padRight + 1 - word.utf8.count) + word
  }

  /// Whether the magnitudes are so large, small or far apart that exponents read better.
  private static func needsExponent(
    _ finite: [BinaryFloat], _ format: FloatFormat, _ options: PrintOptions
  ) -> Bool {
    var numbers = finite.lazy.filter { !$0.isZero }.makeIterator()
    guard let first = numbers.next() else { return false }
    var (least, greatest) = (first, first)
    while let number = numbers.next() {
      if number.compareMagnitude(to: least) < 0 { least = number }
      if number.compareMagnitude(to: greatest) > 0 { greatest = number }
    }
    let cutoff = BinaryFloat(format.arrayCutoff)
    if greatest.compareMagnitude(to: cutoff) >= 0 { return true }
    if options.suppress { return false }
    return least.compareMagnitude(to: BinaryFloat(format.tenThousandth)) < 0
      || greatest.exceedsThousandfold(least, in: format)
  }

  private mutating func measureExponentForm(_ finite: [BinaryFloat]) {
    var (fraction, exponentLength) = (0, 0)
    for value in finite {
      let digits = FloatDigits(
        value, .init(isShortest: true, latest: .total(precision + 1), earliest: nil))
      fraction = max(fraction, trimmingZeros(digits.firstAndRest.1).utf8.count)
      let suffix = exponentSuffix(digits.exponent, minimumDigits: 2)
      exponentLength = max(exponentLength, suffix.utf8.count - 2)
      padLeft = max(padLeft, value.isNegative || showsPlus ? 2 : 1)
    }
    precision = fraction
    exponentDigits = exponentLength
    padRight = exponentLength + 2 + fraction
  }

  private mutating func measurePositionalForm(_ finite: [BinaryFloat]) {
    for value in finite {
      let digits = FloatDigits(
        value, .init(isShortest: true, latest: .fraction(precision), earliest: nil))
      let (whole, fraction) = digits.wholeAndFraction
      padLeft = max(padLeft, whole.utf8.count + (value.isNegative || showsPlus ? 1 : 0))
      padRight = max(padRight, trimmingZeros(fraction).utf8.count)
    }
  }

  private func exponentForm(_ value: BinaryFloat, _ sign: String) -> String {
    let last = FloatDigits.Place.total(precision + 1)
    let digits = FloatDigits(value, .init(isShortest: true, latest: last, earliest: last))
    let (first, rest) = digits.firstAndRest
    let zeros = String(repeating: "0", count: max(precision - rest.utf8.count, 0))
    return spaces(padLeft - sign.utf8.count - first.utf8.count) + sign + first + "." + rest + zeros
      + exponentSuffix(digits.exponent, minimumDigits: exponentDigits)
  }

  private func positionalForm(_ value: BinaryFloat, _ sign: String) -> String {
    let digits = FloatDigits(
      value, .init(isShortest: true, latest: .fraction(precision), earliest: .fraction(0)))
    let (whole, part) = digits.wholeAndFraction
    let fraction = trimmingZeros(part)
    return spaces(padLeft - sign.utf8.count - whole.utf8.count) + sign + whole + "." + fraction
      + spaces(padRight - fraction.utf8.count)
  }

  /// A number on its own, as NumPy's scalars print: every digit that is needed, none that is not.
  /// - Parameter isPart: whether it is a part of a complex number, which drops `.0`.
  static func single(
    _ value: BinaryFloat, _ format: FloatFormat, isPart: Bool = false, showsPlus: Bool = false
  ) -> String {
    let sign = value.isNegative ? "-" : showsPlus ? "+" : ""
    switch value.kind {
    case .notANumber: return (showsPlus ? "+" : "") + "nan"
    case .infinite: return sign + "inf"
    case .finite: break
    }
    let digits = FloatDigits(value, .init(isShortest: true, latest: nil, earliest: nil))
    let cutoff = BinaryFloat(format.scalarCutoff)
    let isPositional =
      value.isZero
      || value.compareMagnitude(to: cutoff) < 0
        && value.compareMagnitude(to: BinaryFloat(1e-4)) >= 0
    let (whole, part) = isPositional ? digits.wholeAndFraction : digits.firstAndRest
    var fraction = trimmingZeros(part)
    if fraction.isEmpty, isPositional, !isPart { fraction = "0" }
    return sign + whole + (fraction.isEmpty ? "" : "." + fraction)
      + (isPositional ? "" : exponentSuffix(digits.exponent, minimumDigits: 2))
  }
}
