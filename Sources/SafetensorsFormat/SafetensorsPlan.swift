internal import ByteIO
internal import TensorModel

/// What is written where.
struct SafetensorsPlan {
  /// A tensor that is written.
  private struct Item {
    let name: String
    let code: SafetensorsDType
    let shape: [Int]
    let tensor: Tensor
    /// The place among the elements.
    var begin = 0
    var end: Int { begin + tensor.byteCount }
  }

  /// What a tensor is called that has no name.
  static let noName = "tensor"

  private var items: [Item] = []
  let header: [UInt8]

  /// The size of the file.
  var byteCount: Int { header.count + (items.last?.end ?? 0) }

  init(_ archive: TensorArchive, _ options: WritingOptions) throws(TensorIOError) {
    let ties = TensorTies(of: archive, options.ties).ties
    var names: Set<ByteKey> = []
    var lines: [TieRecord.Line] = []
    for (index, entry) in archive.entries.enumerated() {
      let item = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try Self.item(entry, &names)
      }
      if let tie = ties[index] {
        lines.append(
          TieRecord.Line(
            name: item.name, base: Self.name(of: archive.entries[tie.base]),
            shape: item.tensor.shape, offset: tie.offset, strides: tie.strides))
        if options.ties == .drop { continue }
      }
      items.append(item)
    }
    items.sort { Self.comesFirst(($0.code, $0.name), ($1.code, $1.name)) }
    var end = 0
    for index in items.indices {
      items[index].begin = end
      end = try end.added(to: items[index].tensor.byteCount, "the size of the file")
    }
    header = try Self.header(
      items, Self.metadata(of: archive, lines, options.ties), alignment: options.payloadAlignment)
  }

  static func name(of entry: TensorArchive.Entry) -> String {
    entry.path.isEmpty ? noName : entry.stateDictName
  }

  private static func item(
    _ entry: TensorArchive.Entry, _ names: inout Set<ByteKey>
  ) throws(TensorIOError) -> Item {
    let tensor = entry.tensor
    let name = name(of: entry)
    guard name != SafetensorsHeader.metadataKey else {
      throw .invalidArgument("safetensors keeps this name for its metadata; rename the tensor")
    }
    guard names.insert(ByteKey(name)).inserted else {
      throw .invalidArgument("two tensors would be written under this name; rename one")
    }
    guard let code = SafetensorsDType(tensor.dtype) else {
      throw .unsupported(
        "safetensors has no \(tensor.dtype)"
          + (tensor.dtype.isQuantized
            ? "; --dtype quantized:float32 writes the numbers it stands for"
            : "; leave the tensor out, or convert it with --dtype"))
    }
    var shape = tensor.shape
    if code == .float4 {
      guard let last = shape.popLast() else {
        throw .unsupported("safetensors has no pair of 4-bit floats without an axis")
      }
      shape.append(try last.multiplied(by: 2, "the last axis"))
    }
    guard tensor.count % 4 == 0 || code.bitWidth != 6 else {
      throw .unsupported("\(tensor.dtype) of shape \(tensor.shape) does not fill its last byte")
    }
    // Before room is made on the disk.
    try tensor.requireExpansion(DecodingLimits())
    return Item(name: name, code: code, shape: shape, tensor: tensor)
  }

  // MARK: Order

  private typealias Key = (code: SafetensorsDType, name: String)

  /// By what the elements need to be aligned, the most first; then by name, byte by byte.
  private static func comesFirst(_ left: Key, _ right: Key) -> Bool {
    if left.code != right.code {
      return SafetensorsDType.ranks[left.code, default: 0]
        < SafetensorsDType.ranks[right.code, default: 0]
    }
    return left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
  }

  /// That the file has another order.
  static func orderLosses(_ archive: TensorArchive, _ options: WritingOptions) -> [Loss] {
    let ties = options.ties == .drop ? TensorTies(of: archive, .drop).ties : [:]
    var last: (key: Key, isOmitted: Bool)?
    for (index, entry) in archive.entries.enumerated() {
      guard let code = SafetensorsDType(entry.tensor.dtype) else { continue }
      let next = (key: (code, name(of: entry)), isOmitted: ties[index] != nil)
      defer { last = next }
      // What is left out of the file comes last when it is read, in the order it had.
      guard let last,
        last.isOmitted == next.isOmitted
          ? !next.isOmitted && comesFirst(next.key, last.key) : last.isOmitted
      else { continue }
      return [
        Loss(
          .order, of: entry.name,
          "the order of the tensors; safetensors has them by dtype and name")
      ]
    }
    return []
  }

  // MARK: Header

  private static func metadata(
    of archive: TensorArchive, _ lines: [TieRecord.Line], _ policy: TiePolicy
  ) -> [(key: String, value: String)] {
    var metadata = archive.metadata.filter { $0.key != TieRecord.key }
    var keys = Set(metadata.map { ByteKey($0.key) })
    func add(_ key: String, _ value: String) {
      if keys.insert(ByteKey(key)).inserted { metadata.append((key, value)) }
    }
    if archive.isOfPyTorch { add("format", "pt") }
    if lines.isEmpty { return metadata }
    // As huggingface_hub says what it leaves out.
    if policy == .drop { for line in lines { add(line.name, line.base) } }
    add(TieRecord.key, TieRecord.text(lines))
    return metadata
  }

  private static func header(
    _ items: [Item], _ metadata: [(key: String, value: String)], alignment: Int
  ) throws(TensorIOError) -> [UInt8] {
    guard alignment >= 8, alignment & (alignment - 1) == 0, alignment <= 1 << 20 else {
      throw .invalidArgument(
        "the alignment of the elements is a power of two from 8 to 1048576, not \(alignment)")
    }
    var text = HeaderText()
    if !metadata.isEmpty { text.add(metadata) }
    for item in items {
      text.add(item.name, item.code.rawValue, item.shape, item.begin..<item.end)
    }
    let bytes = text.padded(to: alignment)
    guard bytes.count - 8 <= SafetensorsHeader.mostBytes else {
      throw .limit(
        "the length of the header", bytes.count - 8, over: SafetensorsHeader.mostBytes,
        raise: "nothing: safetensors allows no more; write several files")
    }
    return bytes
  }

  // MARK: Writing

  /// What a core writes at a time at least.
  private static let runBytes = 4 << 20

  func write(to file: AtomicFile, _ options: WritingOptions) throws(TensorIOError) {
    try file.requireRoom(for: byteCount)
    try file.write(header.span)
    let room = try file.room(items.last?.end ?? 0)
    var runs: [Range<Int>] = []
    var start = 0
    for (index, item) in items.enumerated()
    where item.end - items[start].begin >= Self.runBytes || index == items.count - 1 {
      runs.append(start..<index + 1)
      start = index + 1
    }
    let (items, all) = (items, runs)
    unsafe try Parallel.forEach(all.count, scratchBytes: streamChunkBytes) {
      (index, scratch) throws(TensorIOError) in
      var writer = unsafe RunWriter(room, items[all[index].lowerBound].begin, scratch)
      for item in items[all[index]] {
        try locating(.init(tensor: item.name)) { () throws(TensorIOError) in
          var left = item.tensor.byteCount
          try item.tensor.streamElements { (chunk) throws(TensorIOError) in
            left -= chunk.count
            guard left >= 0 else { throw TensorIOError(.io, "there are more bytes than expected") }
            try writer.add(chunk)
            try options.advance(chunk.count)
          }
          guard left == 0 else { throw TensorIOError(.io, "\(left) bytes are missing") }
        }
      }
      try writer.flush()
    }
  }
}

/// Writes tensors that follow each other, small ones together.
@safe
private struct RunWriter: ~Copyable {
  private let room: FileRoom
  private let scratch: UnsafeMutableRawBufferPointer
  private var position: Int
  private var filled = 0

  init(_ room: FileRoom, _ position: Int, _ scratch: UnsafeMutableRawBufferPointer) {
    self.room = room
    self.position = position
    unsafe self.scratch = scratch
  }

  mutating func add(_ chunk: Span<UInt8>) throws(TensorIOError) {
    if unsafe filled + chunk.count > scratch.count { try flush() }
    let failure: TensorIOError? = unsafe chunk.withUnsafeBytes { bytes in
      do throws(TensorIOError) {
        // What is large anyway need not be copied before.
        if unsafe bytes.count > scratch.count / 4, filled == 0 {
          unsafe try room.write(bytes, at: position)
          position += bytes.count
        } else {
          unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[filled..<filled + bytes.count])
            .copyMemory(from: bytes)
          filled += bytes.count
        }
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  mutating func flush() throws(TensorIOError) {
    if filled == 0 { return }
    unsafe try room.write(UnsafeRawBufferPointer(rebasing: scratch[..<filled]), at: position)
    position += filled
    filled = 0
  }
}
