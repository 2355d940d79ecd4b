internal import ByteIO
internal import TensorModel
internal import ZIPContainer

/// The values of an archive under the keys that NumPy gives them, with its choice where members share
/// one.
struct NPZKeys {
  private(set) var values: [(String, ValueGraph.ID)] = []
  private var indexByKey: [[UInt8]: Int] = [:]
  /// The values whose member is called exactly like its key, without an `.npy` to drop.
  private var exact: Set<Int> = []

  /// Adds a member's value; answers what is odd about that.
  mutating func add(
    _ member: ZIPMember, _ id: ValueGraph.ID, isArray: Bool
  ) -> Finding? {
    let key = Self.key(of: member, isArray: isArray)
    let isExact = member.name == key
    guard let earlier = indexByKey[Array(key.utf8)] else {
      indexByKey[Array(key.utf8)] = values.count
      if isExact { exact.insert(values.count) }
      values.append((key, id))
      return nil
    }
    // The last one counts, unless the earlier is called exactly like the key and this one is not.
    if isExact || !exact.contains(earlier) { values[earlier].1 = id }
    if isExact { exact.insert(earlier) }
    return Finding(
      .duplicateMember, "the key occurs twice; one member counts, the one NumPy reads",
      member: member.name, offset: member.dataOffset)
  }

  /// The member's name, without one `.npy` where it is an array.
  ///
  /// One that is none keeps its whole name, or writing it back would change it.
  private static func key(of member: ZIPMember, isArray: Bool) -> String {
    guard isArray, member.name.hasSuffix(".npy") else { return member.name }
    return String(member.name.dropLast(4))
  }
}
