/// The decimal digits of a finite number: `d.ddd` times 10 to the power `exponent`.
///
/// The digits come out one at a time by exact long division, the way of Steele and White (1990); so
/// they are right for every format, however small or large the number is.
struct FloatDigits {
  /// When the digits end.
  struct Rule {
    /// Whether they may end once they tell the number from its neighbours; otherwise they go on
    /// until the number is written in full.
    var isShortest: Bool
    /// Where they end at the latest.
    var latest: Place?
    /// Where they end at the earliest, when they are the shortest.
    var earliest: Place?
  }

  /// A place among the digits.
  enum Place {
    /// So many digits after the decimal point.
    case fraction(Int)
    /// So many digits in all.
    case total(Int)

    /// The power of ten of the last digit, when the first has the power `first`.
    func lastPower(first: Int) -> Int {
      switch self {
      case .fraction(let count): -count
      case .total(let count): first + 1 - count
      }
    }
  }

  /// The digits 0 to 9; at least one.
  private(set) var digits: [UInt8]
  /// The power of ten of the first digit.
  private(set) var exponent: Int

  /// Generates the digits of the magnitude of `value`, which must be finite.
  init(_ value: BinaryFloat, _ rule: Rule) {
    guard value.significand != 0 else {
      (digits, exponent) = ([0], 0)
      return
    }
    var division = Division(value)
    let first = division.scale(to: value, rule)
    (digits, exponent) = ([], first)
    let last = rule.latest?.lastPower(first: first)
    let earliest = rule.earliest.map { min($0.lastPower(first: first), first + 1) } ?? Int.max
    var power = first
    while true {
      let digit = division.nextDigit()
      let (low, high) =
        rule.isShortest ? division.reachesNeighbors() : (division.value.isZero, false)
      digits.append(digit)
      let mayEnd = !rule.isShortest || power <= earliest
      if (low || high) && mayEnd || power == last {
        let isOpen = low == high || !rule.isShortest
        if isOpen ? !division.isNearerToLower(than: digit) : high { roundUp() }
        return
      }
      division.advance()
      power -= 1
    }
  }

  /// Adds 1 to the last digit; nines give way to the digit before them.
  private mutating func roundUp() {
    while digits.last == 9 { digits.removeLast() }
    if let last = digits.popLast() {
      digits.append(last + 1)
    } else {
      digits = [1]
      exponent += 1
    }
  }
}

extension FloatDigits {
  /// The long division: what is left of the value, over the scale.
  fileprivate struct Division {
    var value: BigMagnitude
    var scale: BigMagnitude
    /// Half the distances to the neighbours.
    var lowMargin: BigMagnitude
    var highMargin: BigMagnitude
    let isEven: Bool

    /// Starts at the value itself, over a scale that makes the margins whole numbers.
    init(_ number: BinaryFloat) {
      let extra = number.lowerNeighborIsNearer ? 2 : 1
      let shift = max(number.exponent, 0)
      value = BigMagnitude(number.significand, shiftedLeft: shift + extra)
      scale = BigMagnitude(1, shiftedLeft: max(-number.exponent, 0) + extra)
      lowMargin = BigMagnitude(1, shiftedLeft: shift)
      highMargin = BigMagnitude(1, shiftedLeft: shift + extra - 1)
      isEven = number.significand % 2 == 0
    }

    /// Scales so that the first digit comes next; answers its power of ten.
    ///
    /// When the digits end at a place above the first one that is not 0, they start at that place.
    mutating func scale(to number: BinaryFloat, _ rule: Rule) -> Int {
      let topBit = number.exponent + 63 - number.significand.leadingZeroBitCount
      // At most one too low: the 0.69 takes off more than the error of the estimate.
      var power = Int((Double(topBit) * 0.301029995663981195 - 0.69).rounded(.up))
      if case .fraction(let count)? = rule.latest { power = max(power, 1 - count) }
      if power > 0 {
        scale.multiply(byPowerOfTen: power)
      } else {
        value.multiply(byPowerOfTen: -power)
        lowMargin.multiply(byPowerOfTen: -power)
        highMargin.multiply(byPowerOfTen: -power)
      }
      if value.compare(to: scale) >= 0 { return power }
      advance()
      return power - 1
    }

    /// Takes off the next digit.
    mutating func nextDigit() -> UInt8 { value.divideToDigit(by: scale) }

    /// Moves to the next place.
    mutating func advance() {
      value.multiply(by: 10)
      lowMargin.multiply(by: 10)
      highMargin.multiply(by: 10)
    }

    /// Whether the digits so far, rounded down and rounded up, read back as the number.
    func reachesNeighbors() -> (low: Bool, high: Bool) {
      let low = value.compare(to: lowMargin)
      let high = (value + highMargin).compare(to: scale)
      return isEven ? (low <= 0, high >= 0) : (low < 0, high > 0)
    }

    /// Whether what is left is less than half a digit, or half of it after an even digit.
    func isNearerToLower(than digit: UInt8) -> Bool {
      var twice = value
      twice.multiply(by: 2)
      let order = twice.compare(to: scale)
      return order == 0 ? digit % 2 == 0 : order < 0
    }
  }
}
