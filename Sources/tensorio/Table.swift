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
      ([titles] + rows).map { $0[column].columnCount }.max() ?? 0
    }
    return ([titles] + rows).enumerated().map { index, row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let gap = String(repeating: " ", count: widths[column] - cell.columnCount)
        line += (column > 0 ? "  " : "") + (numeric.contains(column) ? gap + cell : cell + gap)
      }
      while line.last == " " { line.removeLast() }
      return styled && index == 0 ? "\u{1b}[1m\(line)\u{1b}[0m" : line
    }
  }
}

extension String {
  /// The number of columns of a terminal that the text takes.
  fileprivate var columnCount: Int {
    reduce(0) { sum, character in
      sum + (character.unicodeScalars.map(\.columnCount).max() ?? 0)
    }
  }
}

extension Unicode.Scalar {
  /// 2 for what is wide in East Asian type and for emoji, 0 for accents, else 1.
  fileprivate var columnCount: Int {
    if value < 0x300 { return 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    // The blocks of Unicode's EastAsianWidth.txt whose characters are wide (W) or full-width (F).
    switch value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf,
      0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff01...0xff60,
      0xffe0...0xffe6, 0x17000...0x18d08, 0x1b000...0x1b2fb, 0x20000...0x3fffd:
      return 2
    default: return properties.isEmojiPresentation ? 2 : 1
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
