internal import TensorIO

/// Findings, each once, and of one kind no more than anybody reads: a file can have a million.
struct FindingCollection {
  /// So many of a kind are kept; the rest is counted.
  static let mostOfAKind = 1000

  private var kept: [Finding] = []
  private var counts: [Finding.Code: Int] = [:]
  private var seen: Set<Finding> = []

  /// What was added, with the number of those that were left out behind.
  var findings: [Finding] {
    kept
      + counts.filter { $0.value > Self.mostOfAKind }
      .sorted { $0.key.rawValue < $1.key.rawValue }
      .map { Finding($0.key, "\($0.value - Self.mostOfAKind) more of this kind are left out") }
  }

  mutating func add(_ finding: Finding) {
    guard counts[finding.code, default: 0] < Self.mostOfAKind else {
      counts[finding.code, default: 0] += 1
      return
    }
    guard seen.insert(finding.withoutWords).inserted else { return }
    counts[finding.code, default: 0] += 1
    kept.append(finding)
  }
}

extension Finding {
  /// The same finding whoever noticed it.
  ///
  /// The archive and the scan of its pickles word some things in two ways; but of names, several can
  /// stand at one place.
  fileprivate var withoutWords: Finding {
    guard offset != nil, code != .dangerousGlobal, code != .unknownGlobal else { return self }
    return Finding(code, "", member: member, tensor: tensor, offset: offset)
  }
}
