internal import ByteIO
internal import TensorModel

extension TypeString {
  /// `M8[ns]`, `m8[25s]`, `M8`, `datetime64[ns]`, `M8[D/4]`, which is `M8[6h]`.
  static func timeType(
    _ kind: Character, _ rest: Substring, whole: String
  ) throws(TensorIOError) -> DType {
    let spellings = ["M": ["8", ""], "m": ["8", ""], "d": ["atetime64"], "t": ["imedelta64"]]
    let prefixes = (spellings[String(kind)] ?? []).filter { rest.hasPrefix($0) }
    guard let prefix = prefixes.first else { throw invalid(whole) }
    let unit = try timeUnit(rest.dropFirst(prefix.count), whole: whole)
    return kind == "M" || kind == "d" ? .datetime(unit) : .timedelta(unit)
  }

  private static func timeUnit(
    _ text: Substring, whole: String
  ) throws(TensorIOError) -> TimeUnit {
    if text.isEmpty { return TimeUnit(.generic) }
    guard text.hasPrefix("["), text.hasSuffix("]") else { throw invalid(whole) }
    let parts = text.dropFirst().dropLast().split(
      separator: "/", omittingEmptySubsequences: false)
    let digits = parts[0].prefix { $0.isASCII && $0.isNumber }
    let name = String(parts[0].dropFirst(digits.count))
    guard let multiple = digits.isEmpty ? 1 : Int(digits), multiple <= Int(Int32.max) else {
      throw invalid(whole)
    }
    if name == "generic", digits.isEmpty, parts.count == 1 { return TimeUnit(.generic) }
    guard let base = TimeUnit.Base(rawValue: name == "\u{3bc}s" ? "us" : name), base != .generic
    else { throw invalid(whole) }
    let unit = TimeUnit(base, multiple: multiple)
    if parts.count == 1 { return unit }
    // A divisor of 0 kills NumPy's process.
    guard parts.count == 2, let divisor = Int(parts[1]), divisor > 0,
      let divided = unit.divided(by: divisor)
    else { throw invalid(whole) }
    return divided
  }
}

extension TimeUnit {
  /// The finer unit that is this one divided, where one is a whole number of it.
  fileprivate func divided(by divisor: Int) -> TimeUnit? {
    let finer: [(factor: Int, base: Base)] =
      switch base {
      case .year: [(12, .month), (52, .week), (365, .day)]
      case .month: [(4, .week), (30, .day), (720, .hour)]
      case .week: [(7, .day), (168, .hour), (10_080, .minute)]
      case .day: [(24, .hour), (1440, .minute), (86_400, .second)]
      case .hour: [(60, .minute), (3600, .second)]
      case .minute: [(60, .second), (60_000, .millisecond)]
      case .second: [(1000, .millisecond), (1_000_000, .microsecond)]
      case .millisecond: [(1000, .microsecond), (1_000_000, .nanosecond)]
      case .microsecond: [(1000, .nanosecond), (1_000_000, .picosecond)]
      case .nanosecond: [(1000, .picosecond), (1_000_000, .femtosecond)]
      case .picosecond: [(1000, .femtosecond), (1_000_000, .attosecond)]
      case .femtosecond: [(1000, .attosecond)]
      case .attosecond, .generic: []
      }
    guard let match = finer.first(where: { $0.factor % divisor == 0 }) else { return nil }
    let (product, overflow) = multiple.multipliedReportingOverflow(by: match.factor / divisor)
    guard !overflow, product <= Int(Int32.max) else { return nil }
    return TimeUnit(match.base, multiple: product)
  }
}
