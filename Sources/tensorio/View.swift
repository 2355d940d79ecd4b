internal import ArgumentParser
internal import ByteIO
internal import JSONText
internal import TensorIO
internal import TensorImage

/// `tensorio view`.
struct View: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show an array as an image, in the terminal or as a PNG file.",
    discussion: """
        tensorio view digits.npz x_train
        tensorio view --slice 0,0 --colormap viridis --scale 8 -o c.png net.pt conv1

      An array is [height, width], [height, width, 1, 3 or 4 channels], many images [n, height, \
      width], or many with channels; --channels-first is for channels before height. Many images are \
      side by side in rows, a pixel apart. --slice takes a part first, as in show.

      bool and uint8 are shown as they are; other numbers so that the least is black and the greatest \
      white, of all that is shown, but for the fourth channel, opacity: 0 to 1, or of integers 0 to \
      the greatest. NaN is magenta, infinity red, minus infinity blue.

      Without -o the image is shown in the terminal, as large as fits: in 24-bit colours where \
      COLORTERM says truecolor, else in 256, and with NO_COLOR in characters.
      """)

  @OptionGroup var selection: ImageSelection
  @OptionGroup var look: ImageFlags

  @Option(
    name: [.customShort("o"), .customLong("out")],
    help: ArgumentHelp("Write this PNG file.", valueName: "file.png"), completion: .file())
  var output: String?

  @Flag(help: "Show the image as text, also where there is no terminal, or beside -o.")
  var preview = false

  @Flag(name: .shortAndLong, help: "Replace an output file that exists.")
  var force = false

  @Flag(help: "With -o, print one JSON object about what was written.")
  var json = false

  /// More than any terminal shows; the mean of more would only take longer.
  private static let mostPreviewPixels = 1 << 22

  func validate() throws {
    if output == nil {
      guard !force, !json else { throw ValidationError("--force and --json are for -o") }
      guard preview || Stream.output.isTerminal else {
        throw ValidationError(
          "standard output is no terminal; write a file with -o out.png, or show the image as text "
            + "all the same with --preview")
      }
    }
    if json, preview { throw ValidationError("--json and --preview do not go together") }
    if let output, !output.lowercased().hasSuffix(".png") {
      throw ValidationError("-o writes PNG files; let '\(output)' end in .png")
    }
  }

  func run() throws {
    let reading = try selection.reading.options()
    let slice = try selection.sliceExpression()
    var options = try look.options()
    if output == nil {
      options.mayThin = true
      options.mostPixels = min(options.mostPixels, Self.mostPreviewPixels)
    }
    let renderer = ImageRenderer(options, limits: reading.limits)
    try reporting(isJSON: json) { report in
      try report.forEach([selection.file]) { file in
        if let output { try requireUse(of: output) }
        let archive = try selection.reading.part(
          of: try TensorArchive(contentsOf: file, options: reading))
        try report.note(archive.findings, in: file)
        let entry = try selection.entry(of: archive)
        let image = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
          try renderer.image(of: try slice?.applied(to: entry.tensor) ?? entry.tensor)
        }
        try explain(image, report)
        if let output { try write(image, of: entry, to: output, scale: options.scale, report) }
        if output == nil || preview { try show(image, scale: options.scale, report) }
      }
    }
  }

  private func requireUse(of output: String) throws(TensorIOError) {
    try Report.requireText(output)
    guard force || !Folder.contains(output) else {
      throw TensorIOError(
        .invalidArgument, "the output exists; name another, or replace it with --force",
        at: .init(file: output))
    }
    guard !isSameFile(selection.file, output) else {
      throw TensorIOError(
        .invalidArgument, "the output is the input; name another", at: .init(file: output))
    }
  }

  private func explain(_ image: RenderedImage, _ report: Report) throws {
    let file = selection.file.escapedForDisplay
    if image.leftOutCount > 0 {
      try report.inform(
        "\(file): the first \(image.imageCount) of \(image.imageCount + image.leftOutCount) images "
          + "are shown; --max-images shows more, --slice others")
    }
    if image.mayBeChannelsFirst {
      try report.inform(
        "\(file): shown as \(image.imageCount) images; if they are the channels of one, use "
          + "--channels-first")
    }
    if image.isThinned {
      try report.inform(
        "\(file): too large to be looked at as a whole; rows and columns are left out evenly")
    }
    if image.nanCount > 0 {
      try report.inform("\(file): \(image.nanCount) NaN, shown in magenta")
    }
    if image.infinityCount > 0 {
      try report.inform(
        "\(file): \(image.infinityCount) infinite, shown in red, negative ones in blue")
    }
  }

  private func write(
    _ image: RenderedImage, of entry: TensorArchive.Entry, to output: String, scale: Int,
    _ report: Report
  ) throws {
    let (width, height) = (image.raster.width * scale, image.raster.height * scale)
    try locating(.init(file: output)) { () throws(TensorIOError) in
      let file = try AtomicFile(path: output)
      try image.raster.writePNG(to: file, scale: scale)
      try file.commit()
    }
    guard json else {
      let kinds = [1: "grey", 3: "RGB", 4: "RGBA"]
      let range = image.range.map { ", \($0.lowerBound) to \($0.upperBound)" } ?? ""
      return try report.line(
        "\(output.escapedForDisplay): \(width) x \(height) pixels, "
          + "\(kinds[image.raster.channels] ?? "")\(range)")
    }
    let range = image.range.map { JSON.array([.double($0.lowerBound), .double($0.upperBound)]) }
    try report.line(
      .object(
        entry.head(of: selection.file) + [
          ("output", .string(output)), ("width", .int(width)), ("height", .int(height)),
          ("channels", .int(image.raster.channels)), ("range", range ?? .null),
          ("nan", .int(image.nanCount)), ("inf", .int(image.infinityCount)),
          ("images", .int(image.imageCount)), ("left_out", .int(image.leftOutCount)),
        ]))
  }

  private func show(_ image: RenderedImage, scale: Int, _ report: Report) throws {
    let size = Terminal.size
    let text = TerminalImage(
      // The prompt has its place below.
      image.raster, columns: size.columns, rows: max(1, size.rows - 2), scale: scale,
      palette: !Terminal.hasColors ? .plain : Terminal.hasTrueColors ? .trueColor : .indexed)
    for line in text.lines { try report.line(line) }
  }
}

/// The array that is shown.
struct ImageSelection: ParsableArguments {
  @Argument(help: "The file.", completion: .file())
  var file: String

  @Argument(help: "The name of the tensor; may be left out where there is one.")
  var name: String?

  @OptionGroup var reading: ReadingFlags

  // `-1` is an index and no flag.
  @Option(
    parsing: .unconditional, help: ArgumentHelp("Show only this part.", valueName: "indexes"))
  var slice: String?

  func validate() throws { _ = try sliceExpression() }

  /// The part that is asked for.
  func sliceExpression() throws -> SliceExpression? {
    try slice.map(SliceExpression.init(parsing:))
  }

  /// The tensor that is asked for.
  func entry(of archive: TensorArchive) throws(TensorIOError) -> TensorArchive.Entry {
    if let name { return try archive.entry(name) }
    if archive.entries.count == 1 { return archive.entries[0] }
    let names = archive.names.prefix(8).map { "'\($0.escapedForDisplay)'" }
    throw TensorIOError(
      .invalidArgument,
      archive.entries.isEmpty
        ? "the file holds no tensors"
        : "the file holds \(archive.entries.count) tensors; name one behind the file: "
          + names.joined(separator: ", ") + (archive.entries.count > 8 ? ", …" : ""))
  }
}

/// What the image looks like.
struct ImageFlags: ParsableArguments {
  @Option(help: "grey or viridis, for arrays without channels.")
  var colormap = ColormapName.grey

  /// The spellings of --colormap.
  enum ColormapName: String, ExpressibleByArgument, CaseIterable {
    case grey, viridis
  }

  @Flag(name: .customLong("channels-first"), help: "Axes are channels, height, width.")
  var channelsFirst = false

  // `-1,1` is a range and no flag.
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The numbers that are black and white: 0,1.", valueName: "low,high"))
  var range: String?

  @Option(help: "Pixels that each becomes, to the right and down.")
  var scale = 1

  @Option(help: "Of many images, how many are side by side; default: about a square of them.")
  var columns: Int?

  @Option(name: .customLong("max-images"), help: "Of many images, how many are shown.")
  var mostImages = 64

  @Option(
    name: .customLong("max-pixels"),
    help: "The most pixels of the image; each takes up to 5 bytes of memory.")
  var mostPixels = 1 << 24

  func validate() throws { _ = try options() }

  /// The options of the library.
  func options() throws -> ImageOptions {
    var options = ImageOptions()
    options.colormap = colormap == .viridis ? .viridis : .grey
    options.channelsFirst = channelsFirst
    options.range = try range.map(Self.range)
    guard (1...1000).contains(scale) else {
      throw ValidationError("--scale takes a number from 1 to 1000, not \(scale)")
    }
    guard columns ?? 1 > 0, mostImages > 0, mostPixels > 0 else {
      throw ValidationError("--columns, --max-images and --max-pixels take numbers from 1 on")
    }
    (options.scale, options.columns) = (scale, columns)
    (options.mostImages, options.mostPixels) = (mostImages, mostPixels)
    return options
  }

  private static func range(_ text: String) throws -> ClosedRange<Double> {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map {
      Double($0.filter { $0 != " " })
    }
    guard numbers.count == 2, let low = numbers[0], let high = numbers[1], low.isFinite,
      high.isFinite, low < high
    else {
      throw ValidationError("--range wants two numbers, the less first, like 0,1; not '\(text)'")
    }
    return low...high
  }
}
