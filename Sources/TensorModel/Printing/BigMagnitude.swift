/// A natural number of any size, with the few operations that exact digit generation needs.
///
/// Words of 64 bits, least significant first, none of the upper ones zero; zero has no words.
struct BigMagnitude {
  private(set) var words: [UInt64]

  /// Creates a number from one word.
  init(_ word: UInt64) { words = word == 0 ? [] : [word] }

  /// Creates `word` times 2 to the power `shift`; a negative shift counts as 0.
  init(_ word: UInt64, shiftedLeft shift: Int) {
    self.init(word)
    shiftLeft(by: shift)
  }

  /// Whether the number is 0.
  var isZero: Bool { words.isEmpty }

  /// Multiplies by a word.
  mutating func multiply(by factor: UInt64) {
    if factor == 0 { words.removeAll() }
    var carry: UInt64 = 0
    for index in words.indices {
      let product = words[index].multipliedFullWidth(by: factor)
      let (sum, overflow) = product.low.addingReportingOverflow(carry)
      words[index] = sum
      carry = product.high &+ (overflow ? 1 : 0)
    }
    if carry != 0 { words.append(carry) }
  }

  /// Multiplies by 10 to the power `exponent`; a negative exponent counts as 0.
  mutating func multiply(byPowerOfTen exponent: Int) {
    var left = exponent
    while left >= 19 {
      multiply(by: 10_000_000_000_000_000_000)
      left -= 19
    }
    while left > 0 {
      multiply(by: 10)
      left -= 1
    }
  }

  /// Multiplies by 2 to the power `shift`; a negative shift counts as 0.
  mutating func shiftLeft(by shift: Int) {
    guard shift > 0, !words.isEmpty else { return }
    let bits = shift % 64
    if bits != 0 { multiply(by: 1 << UInt64(bits)) }
    words.insert(contentsOf: repeatElement(0, count: shift / 64), at: 0)
  }

  /// The sum of two numbers.
  static func + (left: BigMagnitude, right: BigMagnitude) -> BigMagnitude {
    var (sum, other) = left.words.count >= right.words.count ? (left, right) : (right, left)
    other.words += repeatElement(0, count: sum.words.count - other.words.count)
    var carry = false
    for index in sum.words.indices {
      let (partial, first) = sum.words[index].addingReportingOverflow(other.words[index])
      let (total, second) = partial.addingReportingOverflow(carry ? 1 : 0)
      sum.words[index] = total
      carry = first || second
    }
    if carry { sum.words.append(1) }
    return sum
  }

  /// Takes away a number that is not greater; otherwise the result means nothing.
  mutating func subtract(_ other: BigMagnitude) {
    var borrow = false
    for index in words.indices {
      let word = index < other.words.count ? other.words[index] : 0
      if index >= other.words.count && !borrow { break }
      let (partial, first) = words[index].subtractingReportingOverflow(word)
      let (total, second) = partial.subtractingReportingOverflow(borrow ? 1 : 0)
      words[index] = total
      borrow = first || second
    }
    while words.last == 0 { words.removeLast() }
  }

  /// Leaves the remainder of a division by `divisor`; answers the quotient, which must be below 10.
  mutating func divideToDigit(by divisor: BigMagnitude) -> UInt8 {
    var digit: UInt8 = 0
    while digit < 9, compare(to: divisor) >= 0 {
      subtract(divisor)
      digit += 1
    }
    return digit
  }

  /// -1, 0 or 1 as the number is less than, equal to or greater than another.
  func compare(to other: BigMagnitude) -> Int {
    if words.count != other.words.count { return words.count < other.words.count ? -1 : 1 }
    for (mine, theirs) in zip(words.reversed(), other.words.reversed()) where mine != theirs {
      return mine < theirs ? -1 : 1
    }
    return 0
  }
}
