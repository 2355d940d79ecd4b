import ByteIO
import Pickle
import TestSupport
import Testing

/// Reads a pickle that lies in an array.
func read(
  _ bytes: [UInt8], limits: DecodingLimits = DecodingLimits()
) throws -> Pickle {
  try Pickle.read(try HeapBytes(bytes.span), limits: limits).pickle
}

/// Looks through bytes.
func look(_ bytes: [UInt8], limits: DecodingLimits = DecodingLimits()) throws -> PickleScan {
  try PickleScan.scan(try HeapBytes(bytes.span), limits: limits)
}

/// The bytes of text with one code point a byte: `pickle("\u{80}\u{2}N.")`.
func pickle(_ text: String) -> [UInt8] {
  text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
}
