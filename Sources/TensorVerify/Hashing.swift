public import ByteIO
internal import Crypto
public import TensorIO

extension Tensor {
  /// The SHA-256 of the elements in row-major order, little-endian.
  public func sha256(limits: DecodingLimits) throws(TensorIOError) -> String {
    try ContentHash.sha256 { (sink) throws(TensorIOError) in
      try streamElements(limits: limits, sink)
    }
  }
}

extension InputFile {
  /// The SHA-256 of the whole file.
  package func sha256() throws(TensorIOError) -> String {
    let bytes = try FileSlice(self, 0..<byteCount)
    return try ContentHash.sha256 { (sink) throws(TensorIOError) in try bytes.stream(sink) }
  }
}

/// SHA-256 of bytes that come in pieces.
package enum ContentHash {
  /// The hash of all bytes that `body` hands to its argument, in hexadecimal.
  package static func sha256(
    _ body: ((Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) -> Void
  ) throws(TensorIOError) -> String {
    var hash = SHA256()
    try body { (chunk) throws(TensorIOError) in
      unsafe chunk.withUnsafeBytes { bytes in unsafe hash.update(bufferPointer: bytes) }
    }
    return text(of: hash.finalize())
  }

  /// The hash of a text's UTF-8.
  static func sha256(of text: String) -> String {
    Self.text(of: SHA256.hash(data: Array(text.utf8)))
  }

  private static func text(of digest: SHA256Digest) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension TensorArchive {
  /// The hash of every tensor, in order, several at a time; nil for objects and
  /// meta tensors, which have no bytes.
  public func hashes(limits: DecodingLimits) throws(TensorIOError) -> [String?] {
    let results = ResultSlots<String?>(count: entries.count, initial: nil)
    let entries = entries
    try Parallel.forEach(entries.count) { (index) throws(TensorIOError) in
      let entry = entries[index]
      guard entry.tensor.hasElements, !entry.tensor.dtype.containsObjects else { return }
      results[index] = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try entry.tensor.sha256(limits: limits)
      }
    }
    return results.all
  }
}
