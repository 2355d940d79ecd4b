import TensorIO
import TensorImage
import Testing

/// What numbers become what samples, and which arrays are refused.
@Suite struct RendererTests {
  private func render(
    _ tensor: Tensor, _ change: (inout ImageOptions) -> Void = { _ in }
  ) throws -> RenderedImage {
    var options = ImageOptions()
    change(&options)
    return try ImageRenderer(options).image(of: tensor)
  }

  // MARK: Values

  @Test func theLeastIsBlackAndTheGreatestWhite() throws {
    let image = try render(try Tensor([-1, 0, 1, 3] as [Float], shape: [2, 2]))
    #expect(image.raster == Raster(width: 2, height: 2, channels: 1, samples: [0, 64, 128, 255]))
    #expect(image.range == -1...3)
  }

  @Test func bytesAndBoolsAreAsTheyAre() throws {
    let all = (0...255).map { UInt8($0) }
    let image = try render(try Tensor(all, shape: [16, 16]))
    #expect(image.raster.samples == all)
    #expect(image.range == nil)
    let bools = try render(try Tensor([true, false], shape: [1, 2]))
    #expect(bools.raster.samples == [255, 0])
  }

  @Test func aRangeCutsOff() throws {
    let tensor = try Tensor([-5, 0, 5, 10, 99] as [Int32], shape: [1, 5])
    #expect(try render(tensor) { $0.range = 0...10 }.raster.samples == [0, 0, 128, 255, 255])
    let bytes = try Tensor([0, 1, 2] as [UInt8], shape: [1, 3])
    #expect(try render(bytes) { $0.range = 0...2 }.raster.samples == [0, 128, 255])
  }

  @Test func equalAndHugeNumbersDoNotOverflow() throws {
    #expect(try render(Tensor.ones([2, 2])).raster.samples == [0, 0, 0, 0])
    let most = Double.greatestFiniteMagnitude
    let image = try render(try Tensor([-most, 0, most], shape: [1, 3]))
    #expect(image.raster.samples == [0, 128, 255])
    let integers = try Tensor([Int64.min, 0, Int64.max], shape: [1, 3])
    #expect(try render(integers).raster.samples == [0, 128, 255])
  }

  @Test func whatIsNoNumberHasItsOwnColour() throws {
    let tensor = try Tensor(
      [0, .nan, .infinity, -.infinity, 2, 1] as [Double], shape: [2, 3])
    let image = try render(tensor)
    #expect(image.range == 0...2)
    #expect((image.nanCount, image.infinityCount) == (1, 2))
    #expect(image.raster.channels == 3)
    #expect(
      image.raster.samples == [
        0, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255, 128, 128, 128,
      ])
    // With a range of the user's they are found all the same.
    #expect(try render(tensor) { $0.range = 0...1 }.nanCount == 1)
    let none = try render(try Tensor([Float.nan, .nan], shape: [1, 2]))
    #expect(none.raster.samples == [255, 0, 255, 255, 0, 255])
    // Of a pixel with several channels all of it.
    let color = try render(try Tensor([0, .nan, 1] as [Float], shape: [1, 1, 3]))
    #expect(color.raster.samples == [255, 0, 255])
  }

  @Test func viridisGoesFromVioletToYellow() throws {
    let bytes = try Tensor((0...255).map { UInt8($0) }, shape: [1, 256])
    let samples = try render(bytes) { $0.colormap = .viridis }.raster.samples
    #expect(samples.count == 768)
    #expect(Array(samples.prefix(3)) == [0x44, 0x01, 0x54])
    #expect(Array(samples.suffix(3)) == [0xfd, 0xe7, 0x25])
    // Ever brighter, which is what the map is for; single steps are smaller than rounding.
    let brightness = stride(from: 0, to: 768, by: 3).map {
      299 * Int(samples[$0]) + 587 * Int(samples[$0 + 1]) + 114 * Int(samples[$0 + 2])
    }
    #expect(zip(brightness, brightness.dropFirst(4)).allSatisfy { $0 < $1 })
  }

  @Test func quantizedNumbersAreWhatTheyStandFor() throws {
    let storage = try Tensor([0, 1, 2, 4] as [UInt8]).storage
    let tensor = try Tensor(
      dtype: .quint8, shape: [2, 2], storage: storage,
      quantization: .perTensor(scheme: .perTensorAffine, scale: 0.5, zeroPoint: 0))
    let image = try render(tensor)
    #expect(image.range == 0...2)
    #expect(image.raster.samples == [0, 64, 128, 255])
  }

  // MARK: Layouts

  @Test func channelsAreAtEitherEnd() throws {
    let expected = (0..<30).map { UInt8($0) }
    let last = try Tensor(expected, shape: [2, 5, 3])
    #expect(try render(last).raster.samples == expected)
    // The same picture with its axes in another order, as a view.
    let first = try Tensor(
      dtype: .uint8, shape: [3, 2, 5], strides: [1, 15, 3], storage: last.storage)
    #expect(try render(first) { $0.channelsFirst = true }.raster.samples == expected)
    #expect(try render(first.contiguous()) { $0.channelsFirst = true }.raster.samples == expected)
    #expect(try render(first).mayBeChannelsFirst)
    #expect(try !render(last).mayBeChannelsFirst)
    let one = try render(try Tensor([1, 2] as [UInt8], shape: [2, 1, 1]))
    #expect(one.raster == Raster(width: 1, height: 2, channels: 1, samples: [1, 2]))
  }

  @Test func opacityHasARangeOfItsOwn() throws {
    let floats = try render(try Tensor([0, 5, 10, 0.5] as [Float], shape: [1, 1, 4]))
    #expect(floats.raster.samples == [0, 128, 255, 128])
    #expect(floats.range == 0...10)
    let integers = try render(try Tensor([0, 5, 10, 65535] as [UInt16], shape: [1, 1, 4]))
    #expect(integers.raster.samples == [0, 128, 255, 255])
  }

  @Test func manyImagesAreASheet() throws {
    let tensor = try Tensor((0..<20).map { UInt8($0 + 100) }, shape: [5, 2, 2])
    let image = try render(tensor)
    let b: UInt8 = 64
    #expect((image.raster.width, image.raster.height) == (8, 5))
    #expect(
      image.raster.samples == [
        100, 101, b, 104, 105, b, 108, 109,
        102, 103, b, 106, 107, b, 110, 111,
        b, b, b, b, b, b, b, b,
        112, 113, b, 116, 117, b, b, b,
        114, 115, b, 118, 119, b, b, b,
      ])
    let two = try render(tensor) { ($0.mostImages, $0.columns) = (2, 1) }
    #expect((two.raster.width, two.raster.height) == (2, 5))
    #expect(two.raster.samples == [100, 101, 102, 103, b, b, 104, 105, 106, 107])
    #expect((two.imageCount, two.leftOutCount) == (2, 3))
    let colors = try render(try Tensor((0..<24).map { UInt8($0) }, shape: [2, 2, 2, 3]))
    #expect((colors.raster.width, colors.raster.height, colors.raster.channels) == (5, 2, 3))
  }

  @Test(arguments: [[], [3], [0, 4], [4, 0], [0, 2, 2], [2, 2, 2, 2], [1, 1, 1, 1, 1]])
  func otherShapesAreRefused(shape: [Int]) throws {
    let tensor = try Tensor.zeros(shape)
    let error = #expect(throws: TensorIOError.self) { try render(tensor) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func channelsFirstWantsChannels() throws {
    for shape in [[4, 4], [2, 4, 4], [3, 2, 4, 4]] {
      let tensor = try Tensor.zeros(shape)
      let error = #expect(throws: TensorIOError.self) {
        try render(tensor) { $0.channelsFirst = true }
      }
      #expect(error?.reason.contains("1, 3 or 4 channels") == true)
    }
    let color = try Tensor.zeros([4, 4, 3])
    #expect(throws: TensorIOError.self) { try render(color) { $0.colormap = .viridis } }
  }

  @Test(arguments: [
    (DType.complex64, "modulus"), (.bytes(count: 3), "tensorio show"),
    (.string(count: 2), "tensorio show"), (.datetime(TimeUnit(.day)), "int64"),
    (.void(count: 2), "--void-as"), (.float4E2M1FNx2, "--dtype float32"), (.bits8, "tensorio show"),
  ])
  func whatIsNoRealNumberIsRefused(dtype: DType, way: String) throws {
    let tensor = try Tensor.zeros([2, 2], dtype: dtype)
    let error = #expect(throws: TensorIOError.self) { try render(tensor) }
    #expect(error?.code == .unsupported)
    #expect(error?.reason.contains(way) == true, "\(error?.reason ?? "")")
  }

  // MARK: Size

  /// One byte under strides of 0: 10^10 elements, of which none is looked at.
  @Test func tooManyPixelsAreALimit() throws {
    let huge = try Tensor(
      dtype: .uint8, shape: [100_000, 100_000], strides: [0, 0],
      storage: Tensor([7 as UInt8]).storage)
    let error = #expect(throws: TensorIOError.self) { try render(huge) }
    #expect(error?.code == .limit)
    #expect(error?.reason.contains("--slice ::32,::32") == true)
    let many = try Tensor(
      dtype: .uint8, shape: [2, 100_000, 100_000, 3], strides: [0, 0, 0, 0], storage: huge.storage)
    let other = #expect(throws: TensorIOError.self) { try render(many) }
    #expect(other?.reason.contains("--slice :,::64,::64,:") == true)
    let thin = try render(huge) { ($0.mayThin, $0.mostPixels) = (true, 10_000) }
    #expect(thin.isThinned)
    #expect(thin.raster.width * thin.raster.height <= 10_000)
    #expect(Set(thin.raster.samples) == [7])
    let small = try Tensor.zeros([10, 10])
    #expect(throws: TensorIOError.self) {
      try render(small) { ($0.scale, $0.mostPixels) = (11, 10_000) }
    }
    #expect(try !render(small) { ($0.scale, $0.mostPixels) = (10, 10_000) }.isThinned)
  }
}
