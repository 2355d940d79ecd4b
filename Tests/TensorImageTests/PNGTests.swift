import Foundation
import TensorIO
import TensorImage
import TestSupport
import Testing

/// PNG files, read back by Python by hand: signature, chunks with their CRC-32, zlib with its Adler-32.
@Suite struct PNGTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func write(_ raster: Raster, scale: Int = 1) throws -> String {
    let path = folder.path("\(scale)-\(raster.width)-\(raster.height)-\(raster.channels).png")
    let file = try AtomicFile(path: path)
    try raster.writePNG(to: file, scale: scale)
    try file.commit()
    return path
  }

  private func read(_ path: String, _ arguments: String...) throws -> [String] {
    let script = Repository.root.appending(path: "Tests/Oracle/png.py").path
    return try Oracle.run([script] + arguments + [path]).split(separator: "\n").map(String.init)
  }

  private func samples(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ ($0 >> 5)) }
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  @Test(arguments: [1, 3, 4]) func everyKindIsReadBack(channels: Int) throws {
    let bytes = samples(5 * 3 * channels)
    let raster = Raster(width: 5, height: 3, channels: channels, samples: bytes)
    let lines = try read(write(raster))
    #expect(lines == ["5 3 \(channels)", hexadecimal(bytes)])
  }

  @Test func aPixelBecomesASquare() throws {
    let raster = Raster(width: 2, height: 2, channels: 1, samples: [1, 2, 3, 4])
    let lines = try read(write(raster, scale: 3))
    let (upper, lower) = ("010101020202", "030303040404")
    #expect(lines == ["6 6 1", upper + upper + upper + lower + lower + lower])
  }

  /// Several pieces of a MiB, and exactly one: their outputs are one stream.
  @Test(arguments: [(1 << 20, 1), ((1 << 20) - 1, 1), (1000, 3000), (1, 1)])
  func piecesAreOneStream(width: Int, height: Int) throws {
    let bytes = samples(width * height)
    let raster = Raster(width: width, height: height, channels: 1, samples: bytes)
    let path = try write(raster)
    let lines = try read(path, "--sha256")
    let hash = try Tensor(bytes).goldenHash()
    #expect(lines == ["\(width) \(height) 1", hash])
  }

  @Test func theSameImageGivesTheSameBytes() throws {
    let raster = Raster(width: 64, height: 64, channels: 3, samples: samples(64 * 64 * 3))
    let first = try bytes(of: write(raster))
    #expect(try bytes(of: write(raster)) == first)
  }

  @Test func sidesHaveALimit() throws {
    let raster = Raster(width: 2, height: 1, channels: 1, samples: [0, 1])
    let file = try AtomicFile(path: folder.path("x.png"))
    for scale in [1 << 30, .max] {
      #expect(throws: TensorIOError.self) { try raster.writePNG(to: file, scale: scale) }
    }
  }
}
