internal import ByteIO

/// The files in a tar archive: blocks of 512 bytes, a header and then the content.
///
/// | offset | size | content |
/// |---|---|---|
/// | 0 | 100 | the name, ended by NUL |
/// | 124 | 12 | the size in octal digits |
/// | 156 | 1 | the kind: `0` or NUL for a file |
/// | 257 | 5 | `ustar` |
struct TarMembers {
  /// The ranges of the contents by name.
  private(set) var ranges: [ByteKey: Range<Int>] = [:]

  static func isTar(_ head: [UInt8]) -> Bool {
    head.count >= 262 && head[257..<262].elementsEqual("ustar".utf8)
  }

  /// - Throws: `malformed` when a header is broken or a file reaches past the end.
  init(_ file: InputFile, limits: DecodingLimits) throws(TensorIOError) {
    var offset = 0
    while offset <= file.byteCount - 512 {
      let header = try file.bytes(offset..<offset + 512)
      // Two blocks of zeros end the archive.
      if header.allSatisfy({ $0 == 0 }) { return }
      guard Self.isTar(header) else { throw .malformed("a tar header is broken", offset: offset) }
      let digits = header[124..<136].filter { $0 != 0 && $0 != 0x20 }
      guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 8), size >= 0,
        size <= file.byteCount - offset - 512
      else {
        throw .malformed("a file in the tar archive reaches past its end", offset: offset)
      }
      let start = offset + 512
      if header[156] == 0 || header[156] == 0x30 {
        guard
          let name = String(validating: header[0..<100].prefix { $0 != 0 }, as: UTF8.self)
        else { throw .malformed("a name in the tar archive is not UTF-8", offset: offset) }
        let plain = ByteKey(name.hasPrefix("./") ? String(name.dropFirst(2)) : name)
        guard ranges.updateValue(start..<start + size, forKey: plain) == nil else {
          throw .malformed("the tar archive has '\(name.escapedForDisplay)' twice", offset: offset)
        }
        guard ranges.count <= limits.memberCount else {
          throw .limit(
            "the number of members", ranges.count, over: limits.memberCount, raise: "memberCount")
        }
      }
      offset = start + (size + 511) / 512 * 512
    }
  }

  func range(_ name: String) -> Range<Int>? { ranges[ByteKey(name)] }
}
