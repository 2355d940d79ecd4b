/// A text as a dictionary key that is compared byte by byte, and hashed in one go.
package struct ByteKey: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (left: ByteKey, right: ByteKey) -> Bool {
    let left = left.text.utf8.span
    let right = right.text.utf8.span
    guard left.count == right.count else { return false }
    for index in left.indices where left[index] != right[index] { return false }
    return true
  }

  package func hash(into hasher: inout Hasher) {
    let bytes = text.utf8.span
    unsafe bytes.withUnsafeBytes { bytes in unsafe hasher.combine(bytes: bytes) }
  }
}

extension String {
  /// Whether the text begins with the very bytes of another.
  package func begins(with start: String) -> Bool {
    let bytes = utf8.span
    let start = start.utf8.span
    guard start.count <= bytes.count else { return false }
    for index in start.indices where bytes[index] != start[index] { return false }
    return true
  }

  /// The number that the text is in decimal, without a sign or leading zeros.
  /// - Parameter start: the bytes of the text before the number.
  package func canonicalNumber(after start: Int = 0) -> Int? {
    let digits = utf8.span.extracting(droppingFirst: start)
    guard !digits.isEmpty, digits.count <= 18, digits.count == 1 || digits[0] != UInt8(ascii: "0")
    else { return nil }
    var number = 0
    for index in digits.indices {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digits[index] else { return nil }
      number = number * 10 + Int(digits[index] - UInt8(ascii: "0"))
    }
    return number
  }
}
