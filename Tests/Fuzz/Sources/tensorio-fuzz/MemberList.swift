import CFuzz

/// The members of an archive in a form that mutations do not break: a table, then the contents.
///
/// | bytes | content |
/// |---|---|
/// | 1 | the number of members |
/// | per member | kind (1), length of the name (1), the name, length of the content (2) |
/// | rest | the contents; of the last member all that is left |
struct MemberList {
  /// How a member lies in the archive: bit 0 deflated, bit 1 with a data descriptor.
  typealias Kind = UInt8

  struct Member {
    var kind: Kind
    var name: [UInt8]
    /// As it lies in the archive.
    var content: [UInt8]
  }

  var members: [Member] = []

  /// Reads an input; whatever is missing is empty.
  init(_ input: [UInt8]) {
    var rest = input[...]
    func byte() -> Int { Int(rest.popFirst() ?? 0) }
    func take(_ count: Int) -> [UInt8] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    var lengths: [Int] = []
    for _ in 0..<min(byte(), 24) {
      let kind = byte()
      members.append(Member(kind: UInt8(kind), name: take(byte()), content: []))
      lengths.append(byte() | byte() << 8)
    }
    for index in members.indices {
      members[index].content = take(index == members.count - 1 ? rest.count : lengths[index])
    }
  }

  /// The list as an input; nil where a member does not fit.
  var input: [UInt8]? {
    guard members.count <= 24 else { return nil }
    var input = [UInt8(members.count)]
    for member in members {
      guard member.name.count < 256, member.content.count < 1 << 16 else { return nil }
      input += [member.kind, UInt8(member.name.count)] + member.name
      input += littleEndian(member.content.count, 2)
    }
    return input + members.flatMap(\.content)
  }

  /// The members of an archive that a sound program wrote; nil for any other file.
  init?(archive file: [UInt8]) {
    func number(_ offset: Int, _ count: Int) -> Int {
      guard offset >= 0, offset + count <= file.count else { return 0 }
      return (0..<count).reduce(0) { $0 | Int(file[offset + $1]) << (8 * $1) }
    }
    let end = file.count - 22
    guard number(end, 4) == 0x0605_4b50 else { return nil }
    var place = number(end + 16, 4)
    for _ in 0..<number(end + 10, 2) {
      let (size, nameSize) = (number(place + 20, 4), number(place + 28, 2))
      let header = number(place + 42, 4)
      let start = header + 30 + number(header + 26, 2) + number(header + 28, 2)
      guard number(place, 4) == 0x0201_4b50, number(header, 4) == 0x0403_4b50,
        start + size <= file.count, place + 46 + nameSize <= file.count
      else { return nil }
      let isDeflated: Kind = number(place + 10, 2) == 8 ? 1 : 0
      let hasDescriptor: Kind = number(place + 8, 2) & 8 != 0 ? 2 : 0
      members.append(
        Member(
          kind: isDeflated | hasDescriptor, name: Array(file[place + 46..<place + 46 + nameSize]),
          content: Array(file[start..<start + size])))
      place += 46 + nameSize + number(place + 30, 2) + number(place + 32, 2)
    }
  }

  /// The archive, with right sizes and checksums.
  var archive: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let isDeflated = member.kind & 1 != 0
      let hasDescriptor = member.kind & 2 != 0
      let plain = isDeflated ? Self.inflated(member.content) : member.content
      let crc = littleEndian(Int(fuzz_crc32(plain, plain.count)), 4)
      let sizes = littleEndian(member.content.count, 4) + littleEndian(plain.count, 4)
      // UTF-8 where the name is not ASCII.
      let flags: UInt8 = member.name.contains { $0 > 127 } ? 8 : 0
      let start =
        [20, 0, hasDescriptor ? 8 : 0, flags, isDeflated ? 8 : 0, 0, 0, 0, 0x21, 0] as [UInt8]
      let name = littleEndian(member.name.count, 2) + [0, 0]
      directory += [0x50, 0x4b, 1, 2, 20, 0] + start + crc + sizes + name
      directory += [UInt8](repeating: 0, count: 10) + littleEndian(file.count, 4) + member.name
      file += [0x50, 0x4b, 3, 4] + start
      file += hasDescriptor ? [UInt8](repeating: 0, count: 12) : crc + sizes
      file += name + member.name + member.content
      if hasDescriptor { file += [0x50, 0x4b, 7, 8] + crc + sizes }
    }
    let count = littleEndian(members.count, 2)
    let end = [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + count + count
    return file + directory + end + littleEndian(directory.count, 4)
      + littleEndian(file.count, 4) + [0, 0]
  }

  private static func inflated(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 1 << 17) { output, count in
      count = fuzz_inflate(bytes, bytes.count, output.baseAddress, output.count)
    }
  }
}

/// The lowest `count` bytes of a number, in little-endian order.
func littleEndian(_ value: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// Tar archives: every header says the sum of its own bytes.
enum TarChecksums {
  /// The archive with those sums made right.
  static func repaired(_ file: [UInt8]) -> [UInt8] {
    var file = file
    var place = 0
    while place + 512 <= file.count, file[place] != 0 {
      file.replaceSubrange(place + 148..<place + 156, with: repeatElement(0x20, count: 8))
      let sum = file[place..<place + 512].reduce(0) { $0 + Int($1) }
      let digits = Array(String(sum, radix: 8).utf8)
      let text = [UInt8](repeating: 0x30, count: 6 - digits.count) + digits + [0, 0x20]
      file.replaceSubrange(place + 148..<place + 156, with: text)
      var size = 0
      for byte in file[place + 124..<place + 135] where (0x30...0x37).contains(byte) {
        size = size << 3 | Int(byte & 7)
      }
      place += 512 + (min(size, file.count) + 511) / 512 * 512
    }
    return file
  }
}
