/// An image of 8-bit samples: rows from the top, pixels from the left, the channels of a pixel
/// together.
public struct Raster: Sendable, Hashable {
  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int
  /// 1 is grey, 3 red, green and blue, 4 these and opacity.
  public let channels: Int
  /// `width * height * channels` samples.
  public internal(set) var samples: [UInt8]

  /// An image of given samples.
  /// - Precondition: there are as many as the size says, and 1, 3 or 4 channels.
  public init(width: Int, height: Int, channels: Int, samples: [UInt8]) {
    precondition([1, 3, 4].contains(channels), "an image of \(channels) channels")
    precondition(samples.count == width * height * channels, "samples for another size")
    (self.width, self.height, self.channels, self.samples) = (width, height, channels, samples)
  }

  /// What a pixel looks like on black.
  func color(x: Int, y: Int) -> Color {
    let start = (y * width + x) * channels
    if channels == 1 { return Color(grey: samples[start]) }
    let color = Color(samples[start], samples[start + 1], samples[start + 2])
    return channels == 3 ? color : color.dimmed(by: samples[start + 3])
  }

  /// The image with each pixel so many wide and high.
  func enlarged(by scale: Int) -> Raster {
    if scale <= 1 { return self }
    var samples: [UInt8] = []
    samples.reserveCapacity(self.samples.count * scale * scale)
    for y in 0..<height * scale {
      for x in 0..<width * scale {
        let start = (y / scale * width + x / scale) * channels
        samples += self.samples[start..<start + channels]
      }
    }
    return Raster(
      width: width * scale, height: height * scale, channels: channels, samples: samples)
  }

  /// The image with no more pixels than fit, each the mean of those that it stands for, on black;
  /// itself where it fits.
  func fitted(width most: Int, height mostRows: Int) -> Raster {
    let factor = max(
      Double(width) / Double(max(1, most)), Double(height) / Double(max(1, mostRows)), 1)
    let newWidth = max(1, min(max(1, most), Int((Double(width) / factor).rounded())))
    let newHeight = max(1, min(max(1, mostRows), Int((Double(height) / factor).rounded())))
    if newWidth == width, newHeight == height { return self }
    var samples: [UInt8] = []
    samples.reserveCapacity(newWidth * newHeight * 3)
    for row in 0..<newHeight {
      let ys = Self.cell(row, of: newHeight, over: height)
      for column in 0..<newWidth {
        let xs = Self.cell(column, of: newWidth, over: width)
        var (red, green, blue) = (0, 0, 0)
        for y in ys {
          for x in xs {
            let color = color(x: x, y: y)
            red += Int(color.red)
            green += Int(color.green)
            blue += Int(color.blue)
          }
        }
        let count = ys.count * xs.count
        for sum in [red, green, blue] { samples.append(UInt8((sum + count / 2) / count)) }
      }
    }
    return Raster(width: newWidth, height: newHeight, channels: 3, samples: samples)
  }

  /// The pixels that one of `count` stands for.
  private static func cell(_ index: Int, of count: Int, over length: Int) -> Range<Int> {
    let start = index * length / count
    return start..<max(start + 1, (index + 1) * length / count)
  }
}

/// A colour without opacity.
struct Color: Sendable, Hashable {
  let red: UInt8
  let green: UInt8
  let blue: UInt8

  init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  init(grey: UInt8) { self.init(grey, grey, grey) }

  /// The colour with so much of 255 opacity, on black.
  func dimmed(by opacity: UInt8) -> Color {
    func dim(_ part: UInt8) -> UInt8 { UInt8((Int(part) * Int(opacity) + 127) / 255) }
    return Color(dim(red), dim(green), dim(blue))
  }

  /// How bright the colour looks, of 255: the weights of ITU-R BT.601.
  var brightness: Int { (299 * Int(red) + 587 * Int(green) + 114 * Int(blue) + 500) / 1000 }
}
