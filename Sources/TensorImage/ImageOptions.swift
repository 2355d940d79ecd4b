/// How an array becomes an image.
public struct ImageOptions: Sendable, Hashable {
  /// How numbers without channels become colours.
  public var colormap = Colormap.grey
  /// Whether channels come before height and width, as PyTorch has them.
  public var channelsFirst = false
  /// The numbers that become black and white; nil for the least and the greatest finite ones, and
  /// for bool and uint8 for what they can be.
  public var range: ClosedRange<Double>?
  /// Images side by side; nil for about a square of them.
  public var columns: Int?
  /// The most images of an array of many that are shown.
  public var mostImages = 64
  /// The most pixels of the whole; each takes 1 to 5 bytes of memory.
  public var mostPixels = 1 << 24
  /// How many pixels wide and high each becomes in the end.
  public var scale = 1
  /// Whether rows and columns may be left out, evenly, where there are more pixels than
  /// ``mostPixels``; otherwise that is an error.
  public var mayThin = false

  /// Creates the documented defaults.
  public init() {}
}

/// An image of an array, and what it does not show.
public struct RenderedImage: Sendable {
  /// The pixels, not yet enlarged.
  public let raster: Raster
  /// The numbers that became black and white; nil for bool and uint8 as they are.
  public let range: ClosedRange<Double>?
  /// NaN among the elements that were looked at; such pixels are magenta.
  public let nanCount: Int
  /// Infinities among them; such pixels are red, or blue where they are negative.
  public let infinityCount: Int
  /// The images that are shown.
  public let imageCount: Int
  /// The images that are not.
  public let leftOutCount: Int
  /// Whether rows and columns were left out.
  public let isThinned: Bool
  /// Whether these few images may be meant as the channels of one.
  public let mayBeChannelsFirst: Bool
}
