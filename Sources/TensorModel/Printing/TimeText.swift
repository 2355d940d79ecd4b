/// Counts of time units as NumPy writes them.
enum TimeText {
  /// The ISO 8601 text of a datetime, down to the unit and without a zone.
  ///
  /// A generic unit has no calendar, so its counts appear as they are.
  /// Counts whose product with the multiple does not fit in 64 bits wrap around, as in NumPy.
  static func iso(_ count: Int64, _ unit: TimeUnit) -> String {
    let total = count &* Int64(unit.multiple)
    switch unit.base {
    case .generic: return String(count)
    case .year: return year(total &+ 1970)
    case .month:
      let (years, month) = floorDivide(total, 12)
      return year(years &+ 1970) + "-" + padded(month + 1, 2)
    case .week: return date(total &* 7)
    case .day: return date(total)
    case .femtosecond, .attosecond: return finestText(total, unit.base)
    default:
      let perDay = unit.base.countPerDay
      let (days, rest) = floorDivide(total, perDay)
      return date(days) + "T" + clock(rest, perDay: perDay, unit.base)
    }
  }

  /// A timedelta as a single element is written: `5 days`.
  static func duration(_ count: Int64, _ unit: TimeUnit) -> String {
    if unit.base == .generic { return "\(count) generic time units" }
    return "\(count &* Int64(unit.multiple)) \(unit.base.plural)"
  }

  /// The day that is `days` after 1970-01-01.
  private static func date(_ days: Int64) -> String {
    // Count from 2000-03-01, so that leap days end the cycles of 4, 100 and 400 years. The first
    // step wraps at the same count as NumPy's.
    let (cycles, first) = floorDivide(days &- 10957, 146_097)
    var day = first - 60
    var base = cycles &* 400 &+ 2000
    if day < 0 {
      day += 146_097
      base &-= 400
    }
    let century = min(day / 36524, 3)
    day -= century * 36524
    let fourYears = min(day / 1461, 24)
    day -= fourYears * 1461
    let single = min(day / 365, 3)
    day -= single * 365
    let month = (5 * day + 2) / 153
    let dayOfMonth = day - (153 * month + 2) / 5 + 1
    let years = century * 100 + fourYears * 4 + single + (month >= 10 ? 1 : 0)
    return year(base &+ years) + "-" + padded(month >= 10 ? month - 9 : month + 3, 2) + "-"
      + padded(dayOfMonth, 2)
  }

  /// The time of day, down to the unit.
  private static func clock(_ rest: Int64, perDay: Int64, _ base: TimeUnit.Base) -> String {
    if base == .hour { return padded(rest, 2) }
    let perHour = perDay / 24
    let hour = padded(rest / perHour, 2)
    if base == .minute { return hour + ":" + padded(rest % perHour, 2) }
    let perMinute = perHour / 60
    let minute = padded(rest % perHour / perMinute, 2)
    let perSecond = perMinute / 60
    let second = padded(rest % perMinute / perSecond, 2)
    let fraction = base == .second ? "" : "." + padded(rest % perSecond, base.fractionDigits)
    return hour + ":" + minute + ":" + second + fraction
  }

  /// Femto- and attoseconds, of which a day has more than, or nearly as many as, 64 bits count.
  private static func finestText(_ total: Int64, _ base: TimeUnit.Base) -> String {
    let perSecond: Int64 = base == .attosecond ? 1_000_000_000_000_000_000 : 1_000_000_000_000_000
    let (seconds, rest) = floorDivide(total, perSecond)
    return iso(seconds, TimeUnit(.second)) + "." + padded(rest, base.fractionDigits)
  }

  /// C's `%04d`: the sign is one of the four columns.
  private static func year(_ value: Int64) -> String {
    value < 0 ? "-" + padded(value.magnitude, 3) : padded(value, 4)
  }

  private static func padded(_ value: some BinaryInteger, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(width - text.utf8.count, 0)) + text
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

extension TimeUnit.Base {
  /// How many of the unit a day has, for hours to picoseconds; 1 for the others.
  fileprivate var countPerDay: Int64 {
    switch self {
    case .hour: 24
    case .minute: 1440
    case .second: 86400
    case .millisecond: 86_400_000
    case .microsecond: 86_400_000_000
    case .nanosecond: 86_400_000_000_000
    case .picosecond: 86_400_000_000_000_000
    default: 1
    }
  }

  /// The digits after the decimal point of a second.
  fileprivate var fractionDigits: Int {
    switch self {
    case .millisecond: 3
    case .microsecond: 6
    case .nanosecond: 9
    case .picosecond: 12
    case .femtosecond: 15
    case .attosecond: 18
    default: 0
    }
  }

  /// The unit's name for counts of it.
  fileprivate var plural: String {
    switch self {
    case .generic: "generic time units"
    case .year: "years"
    case .month: "months"
    case .week: "weeks"
    case .day: "days"
    case .hour: "hours"
    case .minute: "minutes"
    case .second: "seconds"
    case .millisecond: "milliseconds"
    case .microsecond: "microseconds"
    case .nanosecond: "nanoseconds"
    case .picosecond: "picoseconds"
    case .femtosecond: "femtoseconds"
    case .attosecond: "attoseconds"
    }
  }
}
