internal import ByteIO

/// Names of members without a directory that libzip could read.
enum ZIPNames {
  /// The upper half of code page 437, in which names without the mark of UTF-8 are.
  private static let upperHalf = Array(
    ("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
      + "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}").unicodeScalars)

  /// The text of a name, or nil where it is none: with a NUL, or marked as UTF-8 and not UTF-8.
  static func text(_ name: ArraySlice<UInt8>, isUTF8: Bool) -> String? {
    guard !name.contains(0) else { return nil }
    if isUTF8 || name.allSatisfy({ $0 < 0x80 }) { return String(validating: name, as: UTF8.self) }
    var text = String.UnicodeScalarView()
    for byte in name {
      text.append(byte < 0x80 ? Unicode.Scalar(byte) : upperHalf[Int(byte) - 0x80])
    }
    return String(text)
  }
}
