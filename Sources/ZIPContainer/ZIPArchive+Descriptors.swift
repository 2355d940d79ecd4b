package import ByteIO

// Data descriptors repeat CRC-32 and sizes behind the data of members that were written as a stream.
// Readers go by the directory, so opening passes over them; validation does not.
//
// | bytes | field |
// |---|---|
// | 4 | `PK\7\8`, which may be missing |
// | 4 | CRC-32 |
// | 4 4 or 8 8 | compressed size, size |

extension ZIPArchive {
  /// Compares the descriptors with the directory.
  package func descriptorFindings() throws(TensorIOError) -> [Finding] {
    let ordered = Self.ordered(members)
    guard let file = ordered.first?.data.file else { return [] }
    let window = FileWindow(file)
    var findings: [Finding] = []
    for (index, member) in ordered.enumerated() where member.hasDescriptor {
      let start = member.range.upperBound
      let end = index + 1 < ordered.count ? ordered[index + 1].range.lowerBound : directoryOffset
      // Longer gaps are a finding of their own.
      guard Self.descriptorSizes.contains(end - start) || end == start else { continue }
      let bytes = Array(try window.bytes(start..<end))
      if let fault = member.fault(ofDescriptor: bytes) {
        findings.append(
          Finding(.zipHeaderMismatch, fault, member: member.name, offset: start))
      }
    }
    return findings
  }

  /// With 32-bit and 64-bit sizes, without and with a signature.
  static let descriptorSizes = [12, 16, 20, 24]
}

extension ZIPMember {
  /// What a descriptor says otherwise than the directory; nil when they agree.
  fileprivate func fault(ofDescriptor bytes: [UInt8]) -> String? {
    guard !bytes.isEmpty else {
      return "the flags announce a data descriptor, and none follows the data"
    }
    let hasSignature = bytes.count % 8 == 0
    if hasSignature, !bytes.starts(with: [0x50, 0x4b, 0x07, 0x08]) {
      return "\(bytes.count) bytes stand in the place of a data descriptor and are none"
    }
    let fields = bytes.dropFirst(hasSignature ? 4 : 0)
    let width = (fields.count - 4) / 2
    func number(_ range: Range<Int>) -> UInt64 {
      range.reversed().reduce(0) { $0 << 8 | UInt64(fields[fields.startIndex + $1]) }
    }
    var facts: [String] = []
    if let crc32, number(0..<4) != UInt64(crc32) { facts.append("CRC-32") }
    if number(4..<4 + width) != UInt64(data.range.count) { facts.append("compressed size") }
    if number(4 + width..<4 + 2 * width) != UInt64(byteCount) { facts.append("size") }
    return facts.isEmpty
      ? nil
      : "the data descriptor and the directory disagree on \(facts.joined(separator: ", "))"
  }
}
