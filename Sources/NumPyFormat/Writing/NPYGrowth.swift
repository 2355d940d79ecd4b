internal import ByteIO
internal import TensorModel

/// A header whose first axis can be given another length without moving the elements.
///
/// np.save pads the text so that the length of the axis that grows may reach 21 digits. The length is
/// written over itself, and spaces at the end make up for the digits:
///
///     'shape': (99, 4), }   ⏎
///     'shape': (100, 4), }  ⏎
struct NPYGrowth {
  /// The header as it stands in the file.
  private(set) var bytes: [UInt8]
  /// What it says.
  private(set) var header: NPYHeader
  /// Where the digits of the first axis stand.
  private var digits: Range<Int>
  /// What follows them, without the padding.
  private let rest: [UInt8]
  private let isLineEnded: Bool
  private let limits: DecodingLimits

  /// What is written in one piece when a process is killed.
  static let pageBytes = 4096
  private static let key = Array("'shape': (".utf8)
  private static let newline: UInt8 = 0x0a
  private static let space: UInt8 = 0x20

  /// The way out of every header that cannot grow.
  static let wayOut = "tensorio convert OLD.npy NEW.npy writes one with room"

  /// Finds the length in a header.
  /// - Throws: `unsupported` when the header is written otherwise than np.save does.
  init(_ bytes: [UInt8], limits: DecodingLimits) throws(TensorIOError) {
    var cursor = ByteCursor(bytes.span)
    header = try NPYHeader(parsing: &cursor, limits: limits)
    self.bytes = bytes
    self.limits = limits
    guard let start = Self.start(in: bytes) else {
      throw .unsupported("the header's shape is not written as np.save does; " + Self.wayOut)
    }
    let end = bytes[start...].firstIndex { !(0x30...0x39).contains($0) } ?? start
    digits = start..<end
    isLineEnded = bytes.last == Self.newline
    let text = bytes[end...].dropLast(isLineEnded ? 1 : 0)
    let padding = text.reversed().prefix { $0 == Self.space }.count
    rest = Array(text.dropLast(padding))
    guard bytes[digits].elementsEqual(String(header.shape[0]).utf8) else {
      throw .unsupported("the header's shape is not written as np.save does; " + Self.wayOut)
    }
  }

  /// The last place of the key: one in front of it may belong to a field's name.
  private static func start(in bytes: [UInt8]) -> Int? {
    stride(from: bytes.count - key.count, through: 0, by: -1).first {
      bytes[$0] == key[0] && bytes[$0..<$0 + key.count].elementsEqual(key)
    }.map { $0 + key.count }
  }

  /// The header for another length of the first axis, as long as this one.
  /// - Throws: `unsupported` when it has no room for the digits, when what changes may not be written
  ///   in one piece, or when the text means something else than it seems to.
  func resized(to count: Int) throws(TensorIOError) -> NPYGrowth {
    let text = Array(String(count).utf8) + rest
    let room = bytes.count - digits.lowerBound - (isLineEnded ? 1 : 0)
    guard text.count <= room else {
      throw .unsupported(
        "the header has no room for \(count) rows, as those of older writers have none; "
          + Self.wayOut)
    }
    var grown = self
    grown.bytes.replaceSubrange(
      digits.lowerBound...,
      with: text + [UInt8](repeating: Self.space, count: room - text.count)
        + (isLineEnded ? [Self.newline] : []))
    grown.digits = digits.lowerBound..<digits.lowerBound + text.count - rest.count
    guard let change = difference(to: grown) else { return grown }
    guard change.lowerBound / Self.pageBytes == (change.upperBound - 1) / Self.pageBytes else {
      throw .unsupported(
        "the header's shape lies across a multiple of \(Self.pageBytes) bytes, where a write may be "
          + "torn; change the length of a field's name by "
          + "\(Self.pageBytes / 64) characters or more")
    }
    // Whatever the text looks like, what counts is how it is read.
    var shape = header.shape
    shape[0] = count
    var cursor = ByteCursor(grown.bytes.span)
    let read = try? NPYHeader(parsing: &cursor, limits: limits)
    guard let read, read.shape == shape, read.isFortranOrder == header.isFortranOrder,
      read.element.dtype == header.element.dtype,
      read.element.byteOrder == header.element.byteOrder
    else {
      throw .unsupported("the header's shape is not written as np.save does; " + Self.wayOut)
    }
    grown.header = read
    return grown
  }

  /// The bytes that another header of the same length has otherwise; nil where it is the same.
  func difference(to other: NPYGrowth) -> Range<Int>? {
    let differing = bytes.indices.filter { bytes[$0] != other.bytes[$0] }
    guard let first = differing.first, let last = differing.last else { return nil }
    return first..<last + 1
  }
}
