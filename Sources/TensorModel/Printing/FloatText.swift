// Decimal text of floats in two manners: NumPy's (shortest digits, trimmed and padded) and C's
// (`%.*f`, `%.*e`, `%.*g`), which is also Python's.

/// Spaces.
func spaces(_ count: Int) -> String { String(repeating: " ", count: max(count, 0)) }

/// The columns that Python would count: code points, not grapheme clusters.
func columns(_ text: String) -> Int { text.unicodeScalars.count }

/// The text of `value` as C's `%.*f` writes it, but for NaN, which has no sign.
func fixedText(_ value: BinaryFloat, fractionDigits: Int) -> String {
  if let special = specialText(value) { return special }
  let digits = FloatDigits(
    value, .init(isShortest: false, latest: .fraction(fractionDigits), earliest: nil))
  var (whole, fraction) = digits.wholeAndFraction
  fraction += String(repeating: "0", count: max(fractionDigits - fraction.utf8.count, 0))
  if value.isNegative { whole = "-" + whole }
  return fractionDigits == 0 ? whole : whole + "." + fraction
}

/// The text of `value` as C's `%.*e` writes it, but for NaN, which has no sign.
func exponentText(_ value: BinaryFloat, fractionDigits: Int) -> String {
  if let special = specialText(value) { return special }
  let digits = FloatDigits(
    value, .init(isShortest: false, latest: .total(fractionDigits + 1), earliest: nil))
  var (first, rest) = digits.firstAndRest
  rest += String(repeating: "0", count: max(fractionDigits - rest.utf8.count, 0))
  if value.isNegative { first = "-" + first }
  return (fractionDigits == 0 ? first : first + "." + rest)
    + exponentSuffix(digits.exponent, minimumDigits: 2)
}

/// The text of `value` as C's `%g` writes it with six digits, but for NaN, which has no sign.
func generalText(_ value: BinaryFloat) -> String {
  if let special = specialText(value) { return special }
  let digits = FloatDigits(
    value, .init(isShortest: false, latest: .total(6), earliest: nil))
  let isFixed = (-4..<6).contains(digits.exponent)
  let (whole, part) = isFixed ? digits.wholeAndFraction : digits.firstAndRest
  let fraction = trimmingZeros(part)
  return (value.isNegative ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
    + (isFixed ? "" : exponentSuffix(digits.exponent, minimumDigits: 2))
}

/// `inf`, `-inf` or `nan`; nil for finite numbers.
private func specialText(_ value: BinaryFloat) -> String? {
  switch value.kind {
  case .finite: nil
  case .infinite: value.isNegative ? "-inf" : "inf"
  case .notANumber: "nan"
  }
}

/// `e+05`: the sign always, and no fewer digits than asked for.
func exponentSuffix(_ exponent: Int, minimumDigits: Int) -> String {
  let digits = String(exponent.magnitude)
  let zeros = String(repeating: "0", count: max(minimumDigits - digits.utf8.count, 0))
  return (exponent < 0 ? "e-" : "e+") + zeros + digits
}

/// Digits without the zeros at their end.
func trimmingZeros(_ digits: String) -> String {
  var utf8 = Substring(digits).utf8
  while utf8.last == UInt8(ascii: "0") { utf8.removeLast() }
  return String(Substring(utf8))
}

extension FloatDigits {
  /// The digits before and after the decimal point; at least one before it.
  var wholeAndFraction: (String, String) {
    if exponent < 0 {
      let zeros = String(repeating: "0", count: -exponent - 1)
      return ("0", zeros + Self.text(digits[...]))
    }
    let whole = Self.text(digits.prefix(exponent + 1))
    let zeros = String(repeating: "0", count: max(exponent + 1 - digits.count, 0))
    return (whole + zeros, Self.text(digits.dropFirst(exponent + 1)))
  }

  /// The first digit and the others.
  var firstAndRest: (String, String) {
    (Self.text(digits.prefix(1)), Self.text(digits.dropFirst()))
  }

  private static func text(_ digits: ArraySlice<UInt8>) -> String {
    String(decoding: digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
  }
}
