// A PNG file (ISO/IEC 15948), as written here:
//
//   89 50 4e 47 0d 0a 1a 0a                         signature
//   IHDR  width u32, height u32, depth 8, colour type 0 / 2 / 6, 0, 0, 0
//   IDAT  any number: pieces of one zlib stream of all rows, before each a byte 0 (no filter)
//   IEND
//
// A chunk is its length u32, four letters, data, CRC-32 of letters and data; numbers are big-endian.
// There is no time and no text in it: the same image gives the same bytes.

public import ByteIO
internal import ZIPContainer

extension Raster {
  /// Writes a PNG file, each pixel `scale` wide and high; the caller commits the file.
  ///
  /// Rows are enlarged and compressed one after the other.
  /// - Throws: `invalidArgument` for more than 2^31 - 1 pixels a side; what writing throws.
  public func writePNG(
    to file: AtomicFile, scale: Int = 1
  ) throws(TensorIOError) {
    let scale = max(1, scale)
    let sides = try [width, height].map { (side) throws(TensorIOError) in
      let length = try side.multiplied(by: scale, "the size of the image")
      guard let number = Int32(exactly: length), number > 0 else {
        throw .invalidArgument("a PNG file cannot have \(length) pixels a side")
      }
      return UInt32(number)
    }
    try file.write([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a].span)
    let colorType: UInt8 = channels == 1 ? 0 : channels == 3 ? 2 : 6
    let header = sides[0].bigEndianBytes + sides[1].bigEndianBytes + [8, colorType, 0, 0, 0]
    try file.writePNGChunk("IHDR", header.span)
    var encoder = ZLIBEncoder()
    for row in 0..<height {
      let line = line(row, scale: scale)
      for _ in 0..<scale {
        try encoder.add(line.span) { (piece) throws(TensorIOError) in
          try file.writePNGChunk("IDAT", piece)
        }
      }
    }
    try encoder.finish { (piece) throws(TensorIOError) in
      try file.writePNGChunk("IDAT", piece)
    }
    let nothing: [UInt8] = []
    try file.writePNGChunk("IEND", nothing.span)
  }

  /// A row with its filter byte.
  private func line(_ row: Int, scale: Int) -> [UInt8] {
    let samples = samples[row * width * channels..<(row + 1) * width * channels]
    if scale == 1 { return [0] + samples }
    var line: [UInt8] = [0]
    line.reserveCapacity(1 + samples.count * scale)
    for start in stride(from: samples.startIndex, to: samples.endIndex, by: channels) {
      for _ in 0..<scale { line += samples[start..<start + channels] }
    }
    return line
  }
}

extension AtomicFile {
  fileprivate func writePNGChunk(_ name: String, _ data: Span<UInt8>) throws(TensorIOError) {
    let name = Array(name.utf8)
    var crc = CRC32()
    crc.update(name.span)
    crc.update(data)
    let head = UInt32(data.count).bigEndianBytes + name
    try write(head.span)
    try write(data)
    let tail = crc.value.bigEndianBytes
    try write(tail.span)
  }
}
