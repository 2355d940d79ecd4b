/// Bytes as text of one code point for each, which is how protocols 0 to 2 write them.
package enum LatinText {
  /// What Python calls the encoding; other spellings it does not write.
  package static let codecs: Set<String> = ["latin1", "latin-1"]

  /// nil where a code point is no byte.
  package static func bytes(of text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
