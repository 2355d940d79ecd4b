// | bytes | content |
// |---|---|
// | 6 | 93 4E 55 4D 50 59 (`\x93NUMPY`) |
// | 1 1 | major version 1, 2 or 3; minor version 0 |
// | 2 or 4 | length of the header text, little-endian: 2 bytes in version 1, else 4 |
// | length | `{'descr': …, 'fortran_order': …, 'shape': …, }`, padded with spaces, ended by \n |
// | rest | the elements, or a pickle when they are objects |

internal import ByteIO
internal import TensorModel

/// The header of an array.
struct NPYHeader {
  static let magic: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
  /// The axes that an array can have.
  static let maximumRank = 64
  var element: NPYElement
  var isFortranOrder: Bool
  var shape: [Int]
  /// The bytes from the magic to the first element.
  var byteCount: Int
  var findings: [Finding] = []

  /// The bytes of all elements.
  var payloadBytes: Int {
    get throws(TensorIOError) { try Shape.byteCount(of: element.dtype, shape: shape) }
  }
}

/// The first bytes of a header: version and length of the text.
struct NPYPreamble {
  let major: UInt8
  let textBytes: Int
  let textOffset: Int

  /// Reads magic, version and length.
  init(parsing input: inout ByteCursor, limits: DecodingLimits) throws(TensorIOError) {
    let start = input.offset
    guard input.skip(ifNext: NPYHeader.magic) else {
      throw .malformed("this is no NumPy array: it does not start with \\x93NUMPY", offset: start)
    }
    major = try input.readInteger("the version", as: UInt8.self)
    let minor = try input.readInteger("the version", as: UInt8.self)
    guard (1...3).contains(major), minor == 0 else {
      throw .unsupported(
        "version \(major).\(minor) of the format; 1.0, 2.0 and 3.0 are known", offset: start + 6)
    }
    let length =
      major == 1
      ? Int(try input.readInteger("the header's length", as: UInt16.self))
      : Int(try input.readInteger("the header's length", as: UInt32.self))
    guard length <= limits.headerBytes else {
      throw .limit(
        "the header's length", length, over: limits.headerBytes, raise: "headerBytes",
        offset: start + 8)
    }
    textBytes = length
    textOffset = input.offset
  }
}

extension NPYHeader {
  /// Reads a header.
  init(parsing input: inout ByteCursor, limits: DecodingLimits) throws(TensorIOError) {
    let start = input.offset
    let preamble = try NPYPreamble(parsing: &input, limits: limits)
    let bytes = try input.read(preamble.textBytes, "the header").array
    let end = input.offset
    self = try locating(.init(offset: preamble.textOffset)) { () throws(TensorIOError) in
      try Self(text: try Self.decode(bytes, major: preamble.major), preamble, limits)
    }
    byteCount = end - start
  }

  private static func decode(_ bytes: [UInt8], major: UInt8) throws(TensorIOError) -> String {
    if major < 3 {
      return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed("the header of a version 3.0 array is not UTF-8")
    }
    return text
  }

  private init(
    text: String, _ preamble: NPYPreamble, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    var parser = PythonLiteralParser(
      text, acceptsLongSuffix: preamble.major < 3, limits: limits)
    guard case .dictionary(let entries, let duplicates) = try parser.parse() else {
      throw .malformed("the header is no dict")
    }
    guard entries.count == 3, let descr = entries[.string("descr")],
      let order = entries[.string("fortran_order")], let shape = entries[.string("shape")]
    else {
      throw .malformed("the header's keys are not exactly descr, fortran_order and shape")
    }
    self.shape = try Self.shape(shape)
    guard case .bool(let isFortranOrder) = order else {
      throw .malformed("fortran_order is \(order.kind), not True or False")
    }
    self.isFortranOrder = isFortranOrder
    element = try NPYDescriptionParser(limits: limits).element(descr)
    guard element.shape.isEmpty else {
      throw .malformed("descr is a subarray, which NumPy itself cannot load")
    }
    byteCount = 0
    findings = Self.oddNames(in: element.dtype)
    if parser.foundLongSuffix {
      findings.append(
        Finding(.python2Header, "the header has Python 2's L after integers"))
    }
    if !duplicates.isEmpty {
      findings.append(
        Finding(.duplicateKey, "the header gives a key twice; the last one counts"))
    }
  }

  private static func oddNames(in dtype: DType) -> [Finding] {
    guard case .structured(let type) = dtype else { return [] }
    return type.fields.flatMap { field in
      let names = [field.name, field.title].compactMap { $0 }
      return names.compactMap { Finding.oddName($0, of: "a field", member: nil) }
        + oddNames(in: field.dtype)
    }
  }

  private static func shape(_ literal: PythonLiteral) throws(TensorIOError) -> [Int] {
    guard case .tuple(let axes) = literal else {
      throw .malformed("shape is \(literal.kind), not a tuple")
    }
    guard axes.count <= maximumRank else {
      throw .malformed("shape has \(axes.count) axes; NumPy knows \(maximumRank) at most")
    }
    var shape: [Int] = []
    for axis in axes {
      switch axis {
      case .int(let length) where length >= 0: shape.append(length)
      case .int(let length): throw .malformed("the axis \(length) of shape is negative")
      case .bigInteger: throw .malformed("an axis of shape does not fit in 63 bits")
      default: throw .malformed("an axis of shape is \(axis.kind), not an int")
      }
    }
    return shape
  }
}

extension NPYHeader {
  /// The bytes that np.save writes before the elements.
  static func bytes(
    dtype: DType, byteOrder: ByteOrder, isFortranOrder: Bool, shape: [Int]
  ) throws(TensorIOError) -> [UInt8] {
    var text =
      "{'descr': \(try NPYDescriptionWriter.text(dtype, byteOrder)), "
      + "'fortran_order': \(isFortranOrder ? "True" : "False"), "
      + "'shape': \(PythonRepr.tuple(shape)), }"
    // NumPy leaves room for the axis that grows when rows are appended to reach 21 digits.
    if let growing = isFortranOrder ? shape.last : shape.first {
      text += String(repeating: " ", count: max(0, 21 - String(growing).count))
    }
    let isLatin1 = text.unicodeScalars.allSatisfy { $0.value < 0x100 }
    let body =
      isLatin1
      ? text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } : Array(text.utf8)
    if isLatin1, let header = assemble(body, major: 1) { return header }
    guard let header = assemble(body, major: isLatin1 ? 2 : 3) else {
      throw .unsupported("a header of \(body.count) bytes, past 32 bits")
    }
    return header
  }

  /// Magic, version, length, text, padding to a multiple of 64, `\n`; nil when the length does not
  /// fit.
  ///
  /// A header that is a multiple already gets 64 spaces more, as NumPy's does.
  private static func assemble(_ body: [UInt8], major: UInt8) -> [UInt8]? {
    let lengthBytes = major == 1 ? 2 : 4
    let unpadded = magic.count + 2 + lengthBytes + body.count + 1
    let padding = 64 - unpadded % 64
    let length = body.count + padding + 1
    guard length <= (major == 1 ? Int(UInt16.max) : Int(UInt32.max)) else { return nil }
    var header = magic + [major, 0]
    if major == 1 {
      header.append(littleEndian: UInt16(truncatingIfNeeded: length))
    } else {
      header.append(littleEndian: UInt32(truncatingIfNeeded: length))
    }
    return header + body + [UInt8](repeating: 0x20, count: padding) + [0x0a]
  }
}
