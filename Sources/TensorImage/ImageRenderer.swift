public import ByteIO
public import TensorModel

/// Makes images of arrays.
public struct ImageRenderer: Sendable {
  /// How.
  public let options: ImageOptions
  private let limits: DecodingLimits

  /// A renderer; `limits` are for what is decoded.
  public init(_ options: ImageOptions = ImageOptions(), limits: DecodingLimits = DecodingLimits()) {
    self.options = options
    self.limits = limits
  }

  /// The image of an array: [height, width], [height, width, channels] of grey, RGB or RGBA, or many
  /// of them, [n, height, width, …], side by side and a pixel apart.
  ///
  /// The array is streamed, once for the range of its numbers and once for the pixels; in memory is
  /// the image alone. Many images have one range.
  /// - Throws: `unsupported` for dtypes that are no real numbers; `invalidArgument` for other shapes,
  ///   no elements, and a colour map for channels; `limit` for too many pixels; what reading throws.
  public func image(of tensor: Tensor) throws(TensorIOError) -> RenderedImage {
    try requireNumbers(tensor)
    let layout = try ImageLayout(tensor.shape, channelsFirst: options.channelsFirst)
    guard layout.channels == 1 || options.colormap == .grey else {
      throw TensorIOError(
        .invalidArgument,
        "a colour map is for arrays without channels; choose one with --slice, like --slice "
          + (options.channelsFirst ? "0" : "...,0"))
    }
    let images = min(layout.imageCount, max(1, options.mostImages))
    let (rowStep, columnStep) = try steps(layout, images)
    let part = try layout.thinned(
      tensor, images: images, rowStep: rowStep, columnStep: columnStep)
    let shown = ImageLayout(part.shape, as: layout)
    let numbers = try part.converting(to: .float64, policy: .saturating, limits: limits)
    let found = try NumberRange(
      of: numbers, layout: shown, dtype: tensor.dtype, given: options.range, limits)
    var canvas = try Canvas(
      shown, columns: options.columns, colormap: options.colormap,
      hasMarks: found.nanCount + found.infinityCount > 0)
    try canvas.draw(numbers, SampleScale(found.range, tensor.dtype), limits)
    let isNatural = options.range == nil && SampleScale.natural(tensor.dtype) != nil
    return RenderedImage(
      raster: canvas.finished(), range: isNatural ? nil : found.range,
      nanCount: found.nanCount, infinityCount: found.infinityCount, imageCount: images,
      leftOutCount: layout.imageCount - images, isThinned: rowStep > 1 || columnStep > 1,
      mayBeChannelsFirst: layout.mayBeChannelsFirst)
  }

  /// Refuses elements that have no place between black and white.
  private func requireNumbers(_ tensor: Tensor) throws(TensorIOError) {
    let dtype = tensor.dtype
    let way: String
    switch dtype {
    case _ where dtype.isComplex:
      way = "complex numbers are no colours; save their real part or modulus"
    case .structured: way = "records are no numbers; save one of the fields as an array of its own"
    case .bytes, .string: way = "texts are no numbers; tensorio show prints them"
    case .float4E2M1FNx2:
      way = "elements are pairs; tensorio convert --dtype float32 makes numbers of them"
    case .datetime, .timedelta: way = "times are no numbers; save them as int64"
    case .void: way = "raw bytes have no meaning; --void-as says what they are"
    case _ where dtype.isQuantized ? tensor.quantization == nil : !dtype.isConvertible:
      way = "they have no numbers; tensorio show prints what there is"
    default: return
    }
    throw TensorIOError(.unsupported, "no image of \(dtype): \(way)")
  }

  /// How many rows and columns stand behind one that is shown.
  private func steps(
    _ layout: ImageLayout, _ images: Int
  ) throws(TensorIOError) -> (row: Int, column: Int) {
    let (scale, most) = (min(max(1, options.scale), 1 << 15), max(1, options.mostPixels))
    func sheet(_ row: Int, _ column: Int) throws(TensorIOError) -> ContactSheet {
      try ContactSheet(
        count: images, width: (layout.width - 1) / column + 1,
        height: (layout.height - 1) / row + 1, columns: options.columns)
    }
    let whole = try sheet(1, 1)
    let width = try whole.width.multiplied(by: scale, "the width of the image")
    let height = try whole.height.multiplied(by: scale, "the height of the image")
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    if !overflow, pixels <= most { return (1, 1) }
    var (row, column) = (1, 1)
    var thin = whole
    while thin.width * thin.height > most / (scale * scale),
      row < layout.height || column < layout.width
    {
      if thin.imageHeight >= thin.imageWidth { row *= 2 } else { column *= 2 }
      thin = try sheet(row, column)
    }
    guard !options.mayThin else { return (row, column) }
    let step = max(row, column)
    let many = images > 1 ? "fewer images with --max-images, " : ""
    throw TensorIOError(
      .limit,
      "the image would have \(width) x \(height) pixels, more than the limit of \(most); show "
        + "\(many)a part with --slice \(layout.sliceText("0:1000")), one of \(step) rows and columns "
        + "with --slice \(layout.sliceText("::\(step)")), or raise --max-pixels")
  }
}
