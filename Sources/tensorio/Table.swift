/// Columns of text; numbers are set to the right.
struct Table {
  private let titles: [String]
  private let numeric: Set<Int>
  private var rows: [[String]] = []

  /// - Parameter numeric: the columns set to the right.
  init(_ titles: [String], numeric: Set<Int> = []) {
    self.titles = titles
    self.numeric = numeric
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The table, titles first, without trailing blanks.
  func lines(styled: Bool) -> [String] {
    let widths = titles.indices.map { column in
      ([titles] + rows).map { $0[column].count }.max() ?? 0
    }
    return ([titles] + rows).enumerated().map { index, row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let gap = String(repeating: " ", count: widths[column] - cell.count)
        line += (column > 0 ? "  " : "") + (numeric.contains(column) ? gap + cell : cell + gap)
      }
      while line.last == " " { line.removeLast() }
      return styled && index == 0 ? "\u{1b}[1m\(line)\u{1b}[0m" : line
    }
  }
}

extension Int {
  /// A number of bytes for people: `1.5 MB`, in powers of 1,000.
  var byteText: String {
    if self < 1000 { return "\(self) B" }
    var (value, unit) = (Double(self), 0)
    while value >= 999.95, unit < 5 {
      value /= 1000
      unit += 1
    }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(["B", "kB", "MB", "GB", "TB", "PB"][unit])"
  }
}
