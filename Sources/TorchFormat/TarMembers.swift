internal import ByteIO

/// The files in a tar archive: blocks of 512 bytes, a header and then the content.
///
/// | offset | size | content |
/// |---|---|---|
/// | 0 | 100 | the name, ended by NUL |
/// | 124 | 12 | the size in octal digits |
/// | 148 | 8 | the sum of the header's bytes, these eight as blanks |
/// | 156 | 1 | the kind: `0` or NUL for a file, `5` for a folder, `x` for attributes of the next |
/// | 345 | 155 | what goes before the name |
///
/// Archives that Python's `tarfile` would read in another way are refused: it renames members by
/// attributes, long names and prefixes, and follows links.
struct TarMembers {
  /// The ranges of the contents by name.
  private(set) var ranges: [ByteKey: Range<Int>] = [:]

  /// Whether a file begins with the header of a tar archive.
  ///
  /// PyTorch asks the sum alone, and takes such a file for an archive whatever else it looks like.
  static func isTar(_ head: [UInt8]) -> Bool {
    guard head.count >= 512 else { return false }
    let wanted = checksum(head[148..<156])
    var (unsigned, signed) = (256, 256)
    for index in 0..<512 where !(148..<156).contains(index) {
      unsigned += Int(head[index])
      signed += Int(Int8(bitPattern: head[index]))
    }
    return wanted == unsigned || wanted == signed
  }

  /// The number in a header's field for the sum, as generously as Python reads it.
  private static func checksum(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first == 0x80 || first == 0xff {
      let value = field.dropFirst().reduce(0) { $0 << 8 | Int($1) }
      return first == 0x80 ? value : value - 1 << 56
    }
    var text = String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    text.removeAll { $0.isWhitespace || $0 == "_" }
    if text.isEmpty { return 0 }
    for prefix in ["0o", "0O"] where text.hasPrefix(prefix) { text.removeFirst(2) }
    return Int(text, radix: 8)
  }

  /// - Throws: `malformed` when a header is broken or a file reaches past the end, `unsupported`
  ///   for links, devices and long names.
  init(_ file: InputFile, limits: DecodingLimits) throws(TensorIOError) {
    var offset = 0
    while offset <= file.byteCount - 512 {
      let header = try file.bytes(offset..<offset + 512)
      // Two blocks of zeros end the archive.
      if header.allSatisfy({ $0 == 0 }) { return }
      guard Self.isTar(header) else { throw .malformed("a tar header is broken", offset: offset) }
      let start = offset + 512
      let size = try Self.size(header, at: offset)
      guard size <= file.byteCount - start else {
        throw .malformed("a file in the tar archive reaches past its end", offset: offset)
      }
      let name = header[0..<100].prefix { $0 != 0 }
      // Before 1988 the name alone told a folder.
      let kind = header[156] == 0 ? name.last == 0x2f ? 0x35 : 0x30 : header[156]
      switch kind {
      case 0x30:
        guard header[345] == 0 else {
          throw .unsupported("a name in the tar archive has a prefix", offset: offset)
        }
        try add(name, start..<start + size, at: offset, limits)
      case 0x35 where size == 0: break
      case 0x78: try Self.requirePlainAttributes(file, start..<start + size)
      default:
        throw .unsupported(
          "the tar archive has more than plain files: an entry of kind \(kind)",
          offset: offset)
      }
      offset = start + (size + 511) / 512 * 512
    }
  }

  private static func size(_ header: [UInt8], at offset: Int) throws(TensorIOError) -> Int {
    let field = header[124..<136]
    guard let first = field.first, first < 0x80 else {
      throw .unsupported("a size in the tar archive is not in octal digits", offset: offset)
    }
    let digits = field.prefix { $0 != 0 }.drop { $0 == 0x20 }
    let text = String(decoding: digits, as: UTF8.self)
    let trimmed = String(text.reversed().drop { $0 == " " }.reversed())
    if trimmed.isEmpty { return 0 }
    guard let size = Int(trimmed, radix: 8), size >= 0 else {
      throw .malformed("a size in the tar archive is no number", offset: offset)
    }
    return size
  }

  private mutating func add(
    _ bytes: ArraySlice<UInt8>, _ range: Range<Int>, at offset: Int, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    // Nobody asks for another.
    guard let name = String(validating: bytes, as: UTF8.self) else { return }
    let plain = ByteKey(name.hasPrefix("./") ? String(name.dropFirst(2)) : name)
    guard ranges.updateValue(range, forKey: plain) == nil else {
      throw .malformed("the tar archive has '\(name.escapedForDisplay)' twice", offset: offset)
    }
    guard ranges.count <= limits.memberCount else {
      throw .limit(
        "the number of members", ranges.count, over: limits.memberCount, raise: "memberCount")
    }
  }

  /// The attributes that say nothing about where a file lies or what it is called.
  private static let plainAttributes: Set<String> = [
    "atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment",
  ]

  /// Lines `LENGTH KEY=VALUE`; Python writes one for a time with a fraction.
  private static func requirePlainAttributes(
    _ file: InputFile, _ range: Range<Int>
  ) throws(TensorIOError) {
    let offset = range.lowerBound
    guard range.count <= 1 << 16 else {
      throw .unsupported("a tar entry has \(range.count) bytes of attributes", offset: offset)
    }
    var rest = try file.bytes(range)[...]
    while !rest.isEmpty {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 1,
        length <= rest.count, rest.dropFirst(digits.count).first == 0x20,
        rest[rest.startIndex + length - 1] == 0x0a
      else { throw .malformed("the attributes of a tar entry are broken", offset: offset) }
      let key = rest.prefix(length).dropFirst(digits.count + 1).prefix { $0 != 0x3d }
      guard plainAttributes.contains(String(decoding: key, as: UTF8.self)) else {
        throw .unsupported("a tar entry has its name or size in attributes", offset: offset)
      }
      rest = rest.dropFirst(length)
    }
  }

  func range(_ name: String) -> Range<Int>? { ranges[ByteKey(name)] }
}
