internal import ByteIO
internal import JSONText
internal import TensorModel

/// What comes before the elements.
///
/// | bytes | what |
/// |---|---|
/// | 8 | the length *n* of the header, little-endian |
/// | *n* | a JSON object: a name → `{"dtype", "shape", "data_offsets": [begin, end]}`; `__metadata__` → texts |
/// | rest | the elements, row-major and little-endian |
///
/// Offsets count from the end of the header. Tensors lie one after the other, without gaps, to the end
/// of the file.
struct SafetensorsHeader {
  /// A tensor as the header has it.
  struct Entry {
    let name: String
    var code = SafetensorsDType.bool
    var shape: [Int] = []
    var begin = 0
    var end = 0
  }

  static let metadataKey = "__metadata__"
  /// The most that the official reader takes.
  static let mostBytes = 100_000_000

  /// In the order of the header.
  private(set) var entries: [Entry] = []
  private(set) var metadata: [(key: String, value: String)] = []
  /// Where the elements begin.
  let start: Int
  private(set) var findings: [Finding] = []

  /// Reads and checks the header of a file.
  init(of file: InputFile, limits: DecodingLimits) throws(TensorIOError) {
    let head = try file.bytes(0..<8)
    let length = head.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    guard length > 0 else { throw .malformed("the header has no bytes") }
    guard length <= UInt64(Self.mostBytes) else {
      throw .malformed(
        "the header would have \(length) bytes, the format allows \(Self.mostBytes)", offset: 0)
    }
    let count = Int(length)
    guard count <= file.byteCount - 8 else {
      throw .malformed(
        "the header has \(count) bytes, \(file.byteCount - 8) are left; the file is cut short",
        offset: 8)
    }
    // In units of 96, so that the default allows what the format does.
    guard count / 96 <= limits.headerBytes else {
      throw .limit(
        "the length of the header, in units of 96,", count / 96 + 1, over: limits.headerBytes,
        raise: "headerBytes")
    }
    start = 8 + count
    var scanner = JSONScanner(try file.bytes(8..<start))
    do throws(TensorIOError) {
      try parse(&scanner, limits)
    } catch {
      throw TensorIOError(
        error.code, error.reason,
        at: .init(tensor: error.place.tensor, offset: error.place.offset.map { $0 + 8 }))
    }
    try requireTiling(of: file.byteCount - start)
  }

  // MARK: JSON

  private mutating func parse(
    _ scanner: inout JSONScanner, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    if scanner.bytes.first != UInt8(ascii: "{") {
      findings.append(
        Finding(.oddHeader, "spaces come before the header; the format has it begin with {"))
    }
    try scanner.require("{", "the header is no JSON object")
    // No entry is shorter than this.
    let most = min(scanner.bytes.count / 48 + 1, limits.memberCount)
    var names = Set<ByteKey>(minimumCapacity: most)
    entries.reserveCapacity(most)
    if !scanner.take("}") {
      repeat {
        let name = try scanner.string("a name is no string")
        guard names.insert(ByteKey(name)).inserted else {
          throw scanner.failure("the name '\(name.escapedForDisplay)' comes twice")
        }
        guard names.count <= limits.memberCount else {
          throw .limit(
            "the number of tensors", names.count, over: limits.memberCount, raise: "memberCount")
        }
        try scanner.require(":", "a name has no value")
        if name == Self.metadataKey {
          try parseMetadata(&scanner)
        } else {
          var entry = Entry(name: name)
          try locating(.init(tensor: name)) { () throws(TensorIOError) in
            try Self.parse(&entry, &scanner, limits)
          }
          entries.append(entry)
        }
      } while scanner.take(",")
      try scanner.require("}", "the header is not closed")
    }
    try scanner.requireEnd()
  }

  private mutating func parseMetadata(_ scanner: inout JSONScanner) throws(TensorIOError) {
    // Some writers have none in this way.
    if scanner.peek() == UInt8(ascii: "n") { return try scanner.word("null") }
    try scanner.require("{", "\(Self.metadataKey) is no object")
    if scanner.take("}") { return }
    var keys: Set<ByteKey> = []
    repeat {
      let key = try scanner.string("a key of \(Self.metadataKey) is no string")
      guard keys.insert(ByteKey(key)).inserted else {
        throw scanner.failure("\(Self.metadataKey) has '\(key.escapedForDisplay)' twice")
      }
      try scanner.require(":", "a key has no value")
      let reason = "the value of '\(key.escapedForDisplay)' in \(Self.metadataKey) is no string"
      metadata.append((key, try scanner.string(reason)))
    } while scanner.take(",")
    try scanner.require("}", "\(Self.metadataKey) is not closed")
  }

  private static func parse(
    _ entry: inout Entry, _ scanner: inout JSONScanner, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    var (dtype, shape, offsets): (SafetensorsDType?, [Int]?, [Int]?)
    try scanner.require("{", "the entry is no object")
    if !scanner.take("}") {
      repeat {
        let field = try scanner.string("a field is no string")
        try scanner.require(":", "a field has no value")
        func requireOnce(_ isThere: Bool) throws(TensorIOError) {
          if isThere { throw scanner.failure("the entry has \(field) twice") }
        }
        switch field {
        case "dtype":
          try requireOnce(dtype != nil)
          dtype = try code(&scanner)
        case "shape":
          try requireOnce(shape != nil)
          shape = try numbers(&scanner, "the shape", most: 1024)
        case "data_offsets":
          try requireOnce(offsets != nil)
          offsets = try numbers(&scanner, "data_offsets", most: 2)
        default: try JSON.skip(&scanner, limits: limits)
        }
      } while scanner.take(",")
      try scanner.require("}", "the entry is not closed")
    }
    guard let dtype, let shape, let offsets else {
      let missing = [
        dtype == nil ? "dtype" : nil, shape == nil ? "shape" : nil,
        offsets == nil ? "data_offsets" : nil,
      ].compactMap { $0 }
      throw scanner.failure("the entry has no \(missing.joined(separator: " and no "))")
    }
    guard offsets.count == 2 else { throw scanner.failure("data_offsets are not two") }
    (entry.code, entry.shape) = (dtype, shape)
    (entry.begin, entry.end) = (offsets[0], offsets[1])
    try requireSize(of: entry)
  }

  private static func code(
    _ scanner: inout JSONScanner
  ) throws(TensorIOError) -> SafetensorsDType {
    let code = try scanner.string("the dtype is no string")
    if let dtype = SafetensorsDType.named[code] { return dtype }
    throw .unsupported(
      "the dtype '\(code.escapedForDisplay)'; known are "
        + SafetensorsDType.allCases.map(\.rawValue).joined(separator: ", "))
  }

  private static func numbers(
    _ scanner: inout JSONScanner, _ what: String, most: Int
  ) throws(TensorIOError) -> [Int] {
    try scanner.require("[", "\(what): no list")
    var numbers: [Int] = []
    if scanner.take("]") { return numbers }
    repeat {
      guard numbers.count < most else {
        throw scanner.failure("\(what): more than \(most) numbers")
      }
      numbers.append(try scanner.count(what))
    } while scanner.take(",")
    try scanner.require("]", "\(what): the list is not closed")
    return numbers
  }

  // MARK: Places

  private static func requireSize(of entry: Entry) throws(TensorIOError) {
    guard entry.begin <= entry.end else {
      throw .malformed("the data_offsets \(entry.begin) to \(entry.end) are in the wrong order")
    }
    // An axis of 0 does not excuse the others.
    let full = try Shape.elementCount(entry.shape.map { $0 == 0 ? 1 : $0 })
    let bits = try full.multiplied(
      by: entry.code.bitWidth, "the size in bits of shape \(entry.shape)")
    let size = entry.shape.contains(0) ? 0 : bits
    guard size % 8 == 0 else {
      throw .malformed(
        "\(entry.code.rawValue) of shape \(entry.shape) takes \(size) bits, no whole bytes")
    }
    guard size / 8 == entry.end - entry.begin else {
      throw .malformed(
        "\(entry.code.rawValue) of shape \(entry.shape) takes \(size / 8) bytes, data_offsets give "
          + "it \(entry.end - entry.begin)")
    }
  }

  /// Requires that the tensors take all bytes there are, each once.
  private func requireTiling(of byteCount: Int) throws(TensorIOError) {
    var end = 0
    func check(_ entry: Entry) throws(TensorIOError) {
      guard entry.begin == end else {
        throw TensorIOError(
          .malformed,
          entry.begin < end
            ? "begins at byte \(entry.begin) of the elements, within another that ends at \(end)"
            : "begins at byte \(entry.begin) of the elements; those from \(end) on are no tensor's",
          at: .init(tensor: entry.name))
      }
      end = entry.end
    }
    let isSorted = entries.indices.dropFirst().allSatisfy {
      entries[$0 - 1].begin <= entries[$0].begin
    }
    var order = Array(entries.indices)
    if !isSorted {
      order.sort { (entries[$0].begin, entries[$0].end) < (entries[$1].begin, entries[$1].end) }
    }
    for index in order { try check(entries[index]) }
    guard end <= byteCount else {
      throw .malformed(
        "the tensors need \(end) bytes, \(byteCount) follow the header; the file is cut short")
    }
    guard end == byteCount else {
      throw .malformed(
        "\(byteCount - end) bytes follow the last tensor, which the format does not allow",
        offset: start + end)
    }
  }
}
