/// An image as text for a terminal.
public struct TerminalImage: Sendable {
  /// What a terminal can show.
  public enum Palette: Sendable {
    /// 24-bit colours.
    case trueColor
    /// The 256 colours that nearly all terminals have.
    case indexed
    /// No colours: characters that are more or less bright on black.
    case plain
  }

  private let raster: Raster
  private let palette: Palette

  /// An image that fits in so many columns and rows of characters, enlarged at most so many times.
  ///
  /// A character is one pixel wide and two high.
  public init(_ raster: Raster, columns: Int, rows: Int, scale: Int = 1, palette: Palette) {
    let (width, height) = (max(1, columns), 2 * max(1, rows))
    let scale = min(scale, width / max(1, raster.width), height / max(1, raster.height))
    self.raster = raster.enlarged(by: scale).fitted(width: width, height: height)
    self.palette = palette
  }

  /// The lines from the top.
  public var lines: [String] {
    stride(from: 0, to: raster.height, by: 2).map { palette == .plain ? plain($0) : colored($0) }
  }

  /// From nothing to everything lit.
  private static let shades = Array(" .:-=+*#%@")

  private func plain(_ y: Int) -> String {
    var line = ""
    for x in 0..<raster.width {
      var sum = raster.color(x: x, y: y).brightness
      sum += y + 1 < raster.height ? raster.color(x: x, y: y + 1).brightness : sum
      line.append(Self.shades[sum * (Self.shades.count - 1) / 510])
    }
    return line
  }

  private func colored(_ y: Int) -> String {
    var line = ""
    var last: (upper: Color?, lower: Color?) = (nil, nil)
    for x in 0..<raster.width {
      let upper = raster.color(x: x, y: y)
      if upper != last.upper { line += "\u{1b}[38;\(code(upper))m" }
      last.upper = upper
      if y + 1 < raster.height {
        let lower = raster.color(x: x, y: y + 1)
        if lower != last.lower { line += "\u{1b}[48;\(code(lower))m" }
        last.lower = lower
      }
      // The upper half is the foreground, the lower the background.
      line += "▀"
    }
    return line + "\u{1b}[0m"
  }

  private func code(_ color: Color) -> String {
    palette == .trueColor
      ? "2;\(color.red);\(color.green);\(color.blue)" : "5;\(Self.index(color))"
  }

  /// The nearest of the 6 x 6 x 6 colours from 16 on and the 24 greys from 232 on.
  static func index(_ color: Color) -> Int {
    let levels = [0, 95, 135, 175, 215, 255]
    func nearest(_ part: UInt8) -> Int {
      levels.indices.min { abs(levels[$0] - Int(part)) < abs(levels[$1] - Int(part)) } ?? 0
    }
    let cube = [color.red, color.green, color.blue].map(nearest)
    let mean = (Int(color.red) + Int(color.green) + Int(color.blue)) / 3
    let grey = min(max((mean - 3) / 10, 0), 23)
    func distance(_ parts: [Int]) -> Int {
      zip(parts, [color.red, color.green, color.blue])
        .reduce(0) { $0 + ($1.0 - Int($1.1)) * ($1.0 - Int($1.1)) }
    }
    let isGrey =
      distance([Int](repeating: 8 + 10 * grey, count: 3)) < distance(cube.map { levels[$0] })
    return isGrey ? 232 + grey : 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
  }
}
