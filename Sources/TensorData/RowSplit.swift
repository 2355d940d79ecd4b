public import ByteIO

/// How rows are shared out among parts: fractions that sum to 1, or counts.
///
/// Nothing is rounded twice: fractions are exact, as they are written in decimal, and what is left
/// after rounding down goes to the parts that lost most by it, of equals to the first (the largest
/// remainder). So sizes add up to the number of rows, and are within one row of the fractions.
public struct RowSplit: Sendable, Hashable {
  /// What a part gets.
  public enum Share: Sendable, Hashable {
    /// So many rows of every `whole`.
    case fraction(Int, of: Int)
    /// So many rows.
    case count(Int)
    /// What the others leave.
    case rest
  }

  /// The shares, one a part.
  public let shares: [Share]
  /// Whether rows may be left over.
  public let dropsRest: Bool

  /// A decimal fraction has at most so many digits behind the point.
  private static let mostDigits = 15

  /// A split into parts.
  /// - Throws: `invalidArgument` for shares that are 0 or less or more than the whole, counts beside
  ///   fractions, several rests, no shares, and, unless rows may be dropped, fractions that do not
  ///   sum to 1.
  public init(_ shares: [Share], dropsRest: Bool = false) throws(TensorIOError) {
    guard !shares.isEmpty else { throw .invalidArgument("there are no parts to split into") }
    self.shares = shares
    self.dropsRest = dropsRest
    let hasFractions = shares.contains { if case .fraction = $0 { true } else { false } }
    let hasCounts = shares.contains { if case .count = $0 { true } else { false } }
    guard !hasFractions || !hasCounts else {
      throw .invalidArgument("fractions (0.8) and counts of rows (800) do not go together")
    }
    guard shares.count(where: { $0 == .rest }) <= 1 else {
      throw .invalidArgument("only one part can take the rest")
    }
    for share in shares {
      switch share {
      case .fraction(let part, let whole):
        guard part > 0, part <= whole else {
          throw .invalidArgument("a fraction is more than 0 and not more than 1")
        }
      case .count(let count):
        guard count > 0 else { throw .invalidArgument("a part has at least one row") }
      case .rest: break
      }
    }
    if hasFractions { try requireWhole() }
  }

  /// A split as it is written: `0.8,0.2`, `1000,200`, `1000,rest`.
  ///
  /// A number without a point is a count.
  /// - Throws: also `invalidArgument` for what is no number.
  public init(parsing text: String, dropsRest: Bool = false) throws(TensorIOError) {
    var shares: [Share] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      shares.append(try Self.share(part.filter { $0 != " " }))
    }
    try self.init(shares, dropsRest: dropsRest)
  }

  private static func share(_ text: String) throws(TensorIOError) -> Share {
    if text == "rest" { return .rest }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e }
    if isPlain, parts.count == 1, let count = Int(text) { return .count(count) }
    guard isPlain, parts.count == 2, text.utf8.count > 1, parts[1].count <= mostDigits,
      let whole = Int("0" + parts[0]), let digits = Int("0" + parts[1]), whole <= 1
    else {
      throw .invalidArgument(
        "'\(text.escapedForDisplay)' is no share; write 0.8 for a fraction (of 1), 800 for rows, or "
          + "rest")
    }
    let scale = parts[1].reduce(1) { scale, _ in scale * 10 }
    return .fraction(whole * scale + digits, of: scale)
  }

  /// The fractions as parts of one whole.
  private var quotas: (parts: [Int], whole: Int)? {
    get throws(TensorIOError) {
      var whole = 1
      for case .fraction(_, let scale) in shares {
        let next = scale / Self.divisor(whole, scale)
        whole = try whole.multiplied(by: next, "the common denominator of the fractions")
      }
      var parts: [Int] = []
      for share in shares {
        switch share {
        case .fraction(let part, let scale):
          // Not more than the whole, which fits.
          parts.append(part * (whole / scale))
        case .count: return nil
        case .rest: parts.append(0)
        }
      }
      return (parts, whole)
    }
  }

  private static func divisor(_ left: Int, _ right: Int) -> Int {
    var (left, right) = (left, right)
    while right != 0 { (left, right) = (right, left % right) }
    return left
  }

  private func requireWhole() throws(TensorIOError) {
    guard let (parts, whole) = try quotas else { return }
    var left = whole
    for part in parts {
      guard part <= left else {
        throw .invalidArgument("the fractions sum to more than 1")
      }
      left -= part
    }
    let hasRest = shares.contains(.rest)
    if hasRest, left == 0 { throw .invalidArgument("the fractions leave nothing for the rest") }
    guard left == 0 || hasRest || dropsRest else {
      throw .invalidArgument(
        "the fractions sum to less than 1; let them sum to 1, add rest, or leave rows out with "
          + "--drop-rest")
    }
  }

  /// The sizes of the parts of so many rows.
  /// - Throws: `invalidArgument` when counts are not what there is, or a part would have no rows.
  public func sizes(of count: Int) throws(TensorIOError) -> [Int] {
    guard count > 0 else { throw .invalidArgument("there are no rows to split") }
    let found: [Int]
    if let quotas = try quotas {
      found = Self.rounded(quotas.parts, of: quotas.whole, count, shares)
    } else {
      found = try counted(of: count)
    }
    if let empty = found.firstIndex(of: 0) {
      throw .invalidArgument(
        "part \(empty) would have none of the \(count) rows; give it more, or make fewer parts")
    }
    return found
  }

  private func counted(of count: Int) throws(TensorIOError) -> [Int] {
    var left = count
    var sizes: [Int] = []
    for share in shares {
      guard case .count(let rows) = share else {
        sizes.append(0)
        continue
      }
      guard rows <= left else {
        throw .invalidArgument("the parts ask for more rows than the \(count) that there are")
      }
      left -= rows
      sizes.append(rows)
    }
    if let rest = shares.firstIndex(of: .rest) {
      sizes[rest] = left
    } else if left > 0, !dropsRest {
      throw .invalidArgument(
        "\(left) of the \(count) rows are in no part; add rest, or leave them out with --drop-rest")
    }
    return sizes
  }

  /// The largest remainder; what no fraction covers is a part of its own while it is shared out.
  private static func rounded(
    _ parts: [Int], of whole: Int, _ count: Int, _ shares: [Share]
  ) -> [Int] {
    var quotas = parts
    let uncovered = whole - parts.reduce(0, +)
    if let rest = shares.firstIndex(of: .rest) {
      quotas[rest] = uncovered
    } else {
      quotas.append(uncovered)
    }
    var sizes: [Int] = []
    var remainders: [(size: Int, index: Int)] = []
    for (index, quota) in quotas.enumerated() {
      // A quota is not more than `whole`, so the quotient fits.
      let product = count.multipliedFullWidth(by: quota)
      let (quotient, remainder) = whole.dividingFullWidth(product)
      sizes.append(quotient)
      remainders.append((remainder, index))
    }
    let left = count - sizes.reduce(0, +)
    let order = remainders.sorted { ($1.size, $0.index) < ($0.size, $1.index) }
    for (_, index) in order.prefix(left) { sizes[index] += 1 }
    return Array(sizes.prefix(parts.count))
  }
}
