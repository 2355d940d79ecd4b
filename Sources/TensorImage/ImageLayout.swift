internal import ByteIO
internal import TensorModel

/// Which axes of an array are rows, columns, channels, and images.
struct ImageLayout {
  /// What an axis counts.
  enum Axis: Hashable {
    case image, row, column, channel
  }

  /// One an axis of the array.
  let axes: [Axis]
  let shape: [Int]

  /// The same axes with other lengths.
  init(_ shape: [Int], as other: ImageLayout) {
    axes = other.axes
    self.shape = shape
  }

  /// The axes of a shape.
  ///
  /// Height and width; or these and 1, 3 or 4 channels at the end, or at the start where
  /// `channelsFirst` says so; or many of any of them. Three axes without such channels are many
  /// images.
  /// - Throws: `invalidArgument` for other arrays and for those without elements.
  init(_ shape: [Int], channelsFirst: Bool) throws(TensorIOError) {
    self.shape = shape
    let channels: [Axis] = channelsFirst ? [.channel, .row, .column] : [.row, .column, .channel]
    let channelAxis = channelsFirst ? shape.count - 3 : shape.count - 1
    let hasChannels = shape.indices.contains(channelAxis) && [1, 3, 4].contains(shape[channelAxis])
    switch shape.count {
    case 2 where !channelsFirst: axes = [.row, .column]
    case 3 where hasChannels: axes = channels
    case 3 where !channelsFirst: axes = [.image, .row, .column]
    case 4 where hasChannels: axes = [.image] + channels
    default: throw Self.refusal(shape, channelsFirst: channelsFirst)
    }
    guard !shape.contains(0) else {
      throw .invalidArgument("the shape \(shape) has no elements, so there is nothing to see")
    }
  }

  private static func refusal(_ shape: [Int], channelsFirst: Bool) -> TensorIOError {
    let wanted =
      channelsFirst
      ? "[channels, height, width], or many of them, with 1, 3 or 4 channels"
      : "[height, width], [height, width, 1, 3 or 4 channels], many images [n, height, width], or "
        + "many with channels at the end"
    let way =
      shape.count > 2
      ? "choose a part with --slice, like --slice 0"
        + (channelsFirst ? "" : "; for channels before height and width use --channels-first")
      : channelsFirst ? "leave --channels-first out" : "tensorio show prints it"
    return .invalidArgument("the shape \(shape) is no image: wanted is \(wanted); \(way)")
  }

  private func length(of axis: Axis) -> Int {
    axes.firstIndex(of: axis).map { shape[$0] } ?? 1
  }

  var imageCount: Int { length(of: .image) }
  var height: Int { length(of: .row) }
  var width: Int { length(of: .column) }
  var channels: Int { length(of: .channel) }

  /// Whether the images may as well be the channels of one.
  var mayBeChannelsFirst: Bool {
    axes == [.image, .row, .column] && [1, 3, 4].contains(imageCount)
  }

  /// How `--slice` is written that takes the same of rows and columns, and all of the rest.
  func sliceText(_ part: String) -> String {
    axes.map { [.row, .column].contains($0) ? part : ":" }.joined(separator: ",")
  }

  /// The array with less of it: the first images, and every so-many-th row and column.
  func thinned(
    _ tensor: Tensor, images: Int, rowStep: Int, columnStep: Int
  ) throws(TensorIOError) -> Tensor {
    let whole = images == imageCount && rowStep == 1 && columnStep == 1
    if whole { return tensor }
    return try tensor.sliced(
      axes.map { axis in
        switch axis {
        case .image: .slice(from: 0, to: images, step: 1)
        case .row: .slice(from: nil, to: nil, step: rowStep)
        case .column: .slice(from: nil, to: nil, step: columnStep)
        case .channel: .all
        }
      })
  }
}

/// Images beside and below each other, a pixel apart.
struct ContactSheet {
  let columns: Int
  let rows: Int
  /// Of one image.
  let imageWidth: Int
  let imageHeight: Int
  let width: Int
  let height: Int

  /// - Parameter columns: nil for as many as rows, or one more.
  /// - Throws: `malformed` when a size does not fit in 63 bits.
  init(count: Int, width: Int, height: Int, columns: Int?) throws(TensorIOError) {
    let square = Int(Double(count).squareRoot().rounded(.up))
    self.columns = max(1, min(columns ?? square, count))
    rows = (count + self.columns - 1) / self.columns
    imageWidth = width
    imageHeight = height
    self.width = try Self.length(self.columns, of: width)
    self.height = try Self.length(rows, of: height)
    _ = try self.width.multiplied(by: self.height, "the number of pixels")
  }

  private static func length(_ count: Int, of length: Int) throws(TensorIOError) -> Int {
    try length.added(to: 1, "the size of the image").multiplied(by: count, "the size of the image")
      - 1
  }

  /// The pixel at which an image begins, counted over the sheet.
  func start(of image: Int) -> Int {
    image / columns * (imageHeight + 1) * width + image % columns * (imageWidth + 1)
  }
}
