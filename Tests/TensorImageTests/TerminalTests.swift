import TensorImage
import Testing

/// Images as text.
@Suite struct TerminalTests {
  @Test func halfBlocksHaveTwoPixels() {
    let raster = Raster(
      width: 2, height: 3, channels: 3,
      samples: [255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 255, 0, 1, 2, 3, 4, 5, 6])
    let image = TerminalImage(raster, columns: 80, rows: 24, palette: .trueColor)
    #expect(
      image.lines == [
        "\u{1b}[38;2;255;0;0m\u{1b}[48;2;0;0;255m▀\u{1b}[48;2;0;255;0m▀\u{1b}[0m",
        "\u{1b}[38;2;1;2;3m▀\u{1b}[38;2;4;5;6m▀\u{1b}[0m",
      ])
  }

  @Test func theNearestOf256ColoursIsTaken() {
    func code(_ color: [UInt8]) -> String {
      let raster = Raster(width: 1, height: 1, channels: 3, samples: color)
      return TerminalImage(raster, columns: 9, rows: 9, palette: .indexed).lines[0]
    }
    #expect(code([0, 0, 0]) == "\u{1b}[38;5;16m▀\u{1b}[0m")
    #expect(code([255, 0, 0]) == "\u{1b}[38;5;196m▀\u{1b}[0m")
    #expect(code([255, 255, 255]) == "\u{1b}[38;5;231m▀\u{1b}[0m")
    #expect(code([128, 128, 128]) == "\u{1b}[38;5;244m▀\u{1b}[0m")
    #expect(code([95, 135, 175]) == "\u{1b}[38;5;67m▀\u{1b}[0m")
  }

  @Test func withoutColoursThereAreShades() {
    let raster = Raster(width: 3, height: 2, channels: 1, samples: [0, 128, 255, 0, 128, 255])
    let image = TerminalImage(raster, columns: 80, rows: 24, palette: .plain)
    #expect(image.lines == [" =@"])
  }

  @Test func largeImagesAreFitted() {
    let samples = (0..<100 * 50).map { UInt8($0 % 100 < 50 ? 0 : 200) }
    let raster = Raster(width: 100, height: 50, channels: 1, samples: samples)
    for (columns, rows) in [(20, 10), (10, 20), (7, 3), (1, 1), (3, 1)] {
      let lines = TerminalImage(raster, columns: columns, rows: rows, palette: .plain).lines
      #expect(lines.count <= rows)
      #expect(lines.allSatisfy { $0.count <= columns && $0.count == lines[0].count })
    }
    // The mean of those that a pixel stands for.
    let two = TerminalImage(raster, columns: 2, rows: 9, palette: .trueColor).lines
    #expect(two == ["\u{1b}[38;2;0;0;0m▀\u{1b}[38;2;200;200;200m▀\u{1b}[0m"])
    let one = TerminalImage(raster, columns: 1, rows: 9, palette: .trueColor).lines
    #expect(one == ["\u{1b}[38;2;100;100;100m▀\u{1b}[0m"])
  }

  @Test func smallOnesAreEnlargedWhereAskedFor() {
    let raster = Raster(width: 2, height: 2, channels: 1, samples: [0, 255, 255, 0])
    let image = TerminalImage(raster, columns: 80, rows: 24, scale: 2, palette: .plain)
    #expect(image.lines == ["  @@", "@@  "])
    let fitted = TerminalImage(raster, columns: 5, rows: 24, scale: 9, palette: .plain)
    #expect(fitted.lines == ["  @@", "@@  "])
  }

  @Test func whatIsTransparentShowsBlack() {
    let raster = Raster(width: 1, height: 1, channels: 4, samples: [200, 100, 0, 127])
    let image = TerminalImage(raster, columns: 80, rows: 24, palette: .trueColor)
    #expect(image.lines == ["\u{1b}[38;2;100;50;0m▀\u{1b}[0m"])
  }
}
