internal import ByteIO
internal import TensorModel

/// The image while it is drawn.
struct Canvas {
  /// What stands in the place of a number that is none; of several in a pixel the highest.
  private enum Mark: UInt8 {
    case negativeInfinity = 1
    case infinity, nan

    init?(_ number: Double) {
      if number.isFinite { return nil }
      self = number.isNaN ? .nan : number < 0 ? .negativeInfinity : .infinity
    }

    var color: Color {
      switch self {
      case .negativeInfinity: Color(0, 0, 255)
      case .infinity: Color(255, 0, 0)
      case .nan: Color(255, 0, 255)
      }
    }
  }

  /// Between images, and where the last row has none.
  private static let background: UInt8 = 64

  private let layout: ImageLayout
  private let sheet: ContactSheet
  private let table: [Color]
  private let channels: Int
  private var samples: [UInt8]
  /// One a pixel, 0 where nothing is marked; empty where nothing can be.
  private var marks: [UInt8]

  init(
    _ layout: ImageLayout, columns: Int?, colormap: Colormap, hasMarks: Bool
  ) throws(TensorIOError) {
    self.layout = layout
    sheet = try ContactSheet(
      count: layout.imageCount, width: layout.width, height: layout.height, columns: columns)
    table = colormap.table
    let isGrey = layout.channels == 1 && colormap == .grey && !hasMarks
    channels = isGrey ? 1 : max(3, layout.channels)
    let pixels = sheet.width * sheet.height
    let size = try pixels.multiplied(by: channels, "the size of the image")
    samples = [UInt8](repeating: Self.background, count: size)
    marks = hasMarks ? [UInt8](repeating: 0, count: pixels) : []
    // Nothing shows through between opaque images, and nothing is there.
    if channels == 4, layout.imageCount > 1 {
      for pixel in 0..<pixels { samples[4 * pixel + 3] = 0 }
    }
  }

  /// Draws float64 numbers.
  mutating func draw(
    _ numbers: Tensor, _ scale: SampleScale, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    var walk = PixelWalk(layout)
    var isOther = false
    try numbers.forEachDouble(limits) { number in
      let pixel = sheet.start(of: walk.image) + walk.row * sheet.width + walk.column
      if let mark = Mark(number) {
        // The first pass over the numbers saw none.
        guard !marks.isEmpty else {
          isOther = true
          return walk.advance()
        }
        marks[pixel] = max(marks[pixel], mark.rawValue)
      } else if layout.channels > 1 {
        samples[pixel * channels + walk.channel] =
          walk.channel == 3 ? scale.opacity(number) : scale.sample(number)
      } else {
        set(pixel, scale.sample(number))
      }
      walk.advance()
    }
    if isOther {
      throw TensorIOError(
        .io, "the file was changed while it was being read; read it again when it is complete")
    }
  }

  private mutating func set(_ pixel: Int, _ sample: UInt8) {
    guard channels == 3 else {
      samples[pixel] = sample
      return
    }
    paint(pixel, table[Int(sample)])
  }

  private mutating func paint(_ pixel: Int, _ color: Color) {
    let start = pixel * channels
    samples[start] = color.red
    samples[start + 1] = color.green
    samples[start + 2] = color.blue
    if channels == 4 { samples[start + 3] = 255 }
  }

  /// The image with what was marked.
  consuming func finished() -> Raster {
    for pixel in marks.indices {
      if let mark = Mark(rawValue: marks[pixel]) { paint(pixel, mark.color) }
    }
    return Raster(
      width: sheet.width, height: sheet.height, channels: channels, samples: samples)
  }
}
