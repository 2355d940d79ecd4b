import CFuzz

/// What is fuzzed: how the bytes of libFuzzer become a file.
enum Target: String, CaseIterable {
  /// A whole npy file.
  case npy
  /// The header's Python literal, in an npy file that is right otherwise.
  case literal
  /// A ZIP archive as it is: directory, local headers, end records.
  case zip
  /// The members of an npz archive with right checksums.
  case npz
  /// The members of a PyTorch archive with right checksums.
  case torchZip = "torch-zip"
  /// A whole legacy stream of PyTorch.
  case torchLegacy = "torch-legacy"
  /// A tar archive with right header checksums.
  case tar
  /// A whole pickle.
  case pickle
  /// The header of a safetensors file, behind the number of bytes that follow it.
  case safetensors

  /// The file that an input stands for.
  func file(from input: [UInt8]) -> [UInt8] {
    switch self {
    case .npy: forced(input, Self.npyMagic)
    case .literal: Self.npy(input)
    case .zip, .pickle: input
    case .npz, .torchZip: MemberList(input).archive
    case .torchLegacy: forced(input, Self.legacyMagic)
    case .tar: TarChecksums.repaired(input)
    case .safetensors: Self.safetensors(input)
    }
  }

  /// The input that stands for a file, or nil where the file is of no use here.
  func seed(from file: [UInt8]) -> [UInt8]? {
    switch self {
    case .npy: return file.starts(with: Self.npyMagic) ? file : nil
    case .literal: return Self.literal(file)
    case .zip: return file.starts(with: [0x50, 0x4b]) ? file : nil
    case .npz, .torchZip:
      guard let list = MemberList(archive: file) else { return nil }
      let isTorch = list.members.contains { $0.name.suffix(8).elementsEqual("data.pkl".utf8) }
      return isTorch == (self == .torchZip) ? list.input : nil
    case .torchLegacy:
      return file.dropFirst(2).starts(with: Self.legacyMagic.dropFirst(2)) ? file : nil
    case .tar: return file.dropFirst(257).starts(with: "ustar".utf8) ? file : nil
    case .pickle:
      if file.starts(with: Self.npyMagic) || file.starts(with: [0x50, 0x4b]) { return nil }
      return file.last == 0x2e ? file : nil
    case .safetensors:
      guard file.count > 9, file[8] == 0x7b, file[3..<8].allSatisfy({ $0 == 0 }) else { return nil }
      let count = Int(file[0]) | Int(file[1]) << 8 | Int(file[2]) << 16
      let rest = file.count - 8 - count
      guard rest >= 0, rest <= Self.mostPayload else { return nil }
      return [UInt8(rest & 0xff), UInt8(rest >> 8)] + file[8..<8 + count]
    }
  }

  /// Inputs that need no files.
  var ownSeeds: [[UInt8]] {
    guard self == .safetensors else { return [] }
    let tensors =
      #""a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#
      + #""b":{"dtype":"BF16","shape":[3],"data_offsets":[24,30]}}"#
    let ties = #"{\"c\":{\"of\":\"a\",\"shape\":[3,2],\"offset\":0,\"strides\":[1,3]}}"#
    return [
      "{" + tensors,
      #"{"__metadata__":{"format":"pt","tensorio.ties":""# + ties + #""},"# + tensors,
    ].map { [30, 0] + Array($0.utf8) }
  }

  private static let mostPayload = 4095

  /// A file with this header, and so many bytes behind it.
  private static func safetensors(_ input: [UInt8]) -> [UInt8] {
    let header = input.dropFirst(2)
    let count = (Int(input.first ?? 0) | Int(input.dropFirst().first ?? 0) << 8) & mostPayload
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return length + header + (0..<count).map { UInt8(truncatingIfNeeded: $0 / 24 &* 37) }
  }

  private static let npyMagic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  private static let legacyMagic: [UInt8] = [
    0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  /// The bytes with the first ones replaced, so that no execution is spent on another format.
  private func forced(_ input: [UInt8], _ magic: [UInt8]) -> [UInt8] {
    magic + input.dropFirst(magic.count)
  }

  /// An npy file with this version (the first byte) and header.
  private static func npy(_ input: [UInt8]) -> [UInt8] {
    let version = max(1, (input.first ?? 1) & 3)
    let text = input.dropFirst()
    var length: [UInt8] = [
      UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8),
    ]
    if version > 1 { length += [UInt8(truncatingIfNeeded: text.count >> 16), 0] }
    return npyMagic + [version, 0] + length + text + payload
  }

  /// Something for the arrays of small shapes.
  private static let payload: [UInt8] = (0..<256).map { UInt8(truncatingIfNeeded: $0 &* 37) }

  private static func literal(_ file: [UInt8]) -> [UInt8]? {
    guard file.starts(with: npyMagic), file.count > 12, (1...3).contains(file[6]) else {
      return nil
    }
    let start = file[6] == 1 ? 10 : 12
    var count = Int(file[8]) | Int(file[9]) << 8
    if start == 12 { count |= Int(file[10]) << 16 | Int(file[11]) << 24 }
    return [file[6]] + file.dropFirst(start).prefix(count)
  }
}
