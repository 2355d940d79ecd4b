internal import Glibc

extension Span<UInt8> {
  /// The index of the first byte that differs from `other`'s, which is as long; nil when none does.
  package func firstDifference(from other: Span<UInt8>) -> Int? {
    let length = Swift.min(count, other.count)
    guard length > 0 else { return nil }
    let areEqual = unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return true }
        return unsafe memcmp(left, right, length) == 0
      }
    }
    if areEqual { return nil }
    return (0..<length).first { self[$0] != other[$0] }
  }
}
