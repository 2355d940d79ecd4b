public import TensorIO

extension ValidationPolicy {
  /// What is wrong with the size of a file.
  func findings(fileBytes: Int) -> [Finding] {
    guard let mostBytes, fileBytes > mostBytes else { return [] }
    return [
      Finding(.tooLarge, "the file has \(fileBytes) bytes, the policy allows \(mostBytes)")
    ]
  }

  /// What an archive lacks, or has too much of; numbers are not looked at.
  public func findings(about archive: TensorArchive) -> [Finding] {
    var findings: [Finding] = []
    if let formats, let format = archive.format, !formats.contains(format) {
      findings.append(
        Finding(
          .wrongFormat,
          "the format is \(format), the policy allows \(formats.joined(separator: ", "))"))
    }
    findings += countFindings(archive.entries.count)
    var lengths: [String: (length: Int, tensor: String)] = [:]
    var isMet = tensors.map { _ in false }
    for entry in archive.entries {
      for pattern in forbidden where entry.isMeant(by: pattern) {
        findings.append(
          Finding(.forbiddenTensor, "the policy forbids '\(pattern.shown)'", tensor: entry.name))
      }
      var hasRule = false
      for (index, rule) in tensors.enumerated() where entry.isMeant(by: rule.names) {
        (hasRule, isMet[index]) = (true, true)
        findings += rule.findings(about: entry, &lengths)
      }
      if !hasRule, !allowsOthers {
        findings.append(
          Finding(.unexpectedTensor, "no rule of the policy is about it", tensor: entry.name))
      }
    }
    for (rule, isMet) in zip(tensors, isMet) where rule.isRequired && !isMet {
      findings.append(
        Finding(.missingTensor, "the policy wants a tensor named '\(rule.names.shown)'"))
    }
    return findings
  }

  private func countFindings(_ count: Int) -> [Finding] {
    if let fewestTensors, count < fewestTensors {
      return [
        Finding(.wrongCount, "there are \(count) tensors, the policy wants \(fewestTensors)")
      ]
    }
    if let mostTensors, count > mostTensors {
      return [Finding(.wrongCount, "there are \(count) tensors, the policy allows \(mostTensors)")]
    }
    return []
  }
}

extension ValidationPolicy.Rule {
  /// - Parameter lengths: the lengths of named axes that were met, and in which tensor first.
  fileprivate func findings(
    about entry: TensorArchive.Entry, _ lengths: inout [String: (length: Int, tensor: String)]
  ) -> [Finding] {
    var findings: [Finding] = []
    let tensor = entry.tensor
    if let dtypes, !dtypes.contains(tensor.dtype.description) {
      findings.append(
        Finding(
          .wrongDType,
          "the dtype is \(tensor.dtype.description.escapedForDisplay), the policy allows "
            + dtypes.joined(separator: ", "), tensor: entry.name))
    }
    if let shape, let reason = Self.mismatch(tensor.shape, shape, entry.name, &lengths) {
      findings.append(Finding(.wrongShape, reason, tensor: entry.name))
    }
    return findings
  }

  /// Why a shape is not what a rule has; nil when it is.
  private static func mismatch(
    _ shape: [Int], _ axes: [ValidationPolicy.Axis], _ tensor: String,
    _ lengths: inout [String: (length: Int, tensor: String)]
  ) -> String? {
    let wanted =
      "the shape is \(shape), the policy wants [\(axes.map(\.text).joined(separator: ", "))]"
    let rest = axes.firstIndex(of: .rest)
    let fixed = axes.count - (rest == nil ? 0 : 1)
    guard rest == nil ? shape.count == fixed : shape.count >= fixed else { return wanted }
    let before = rest ?? axes.count
    let pairs =
      Array(zip(shape.prefix(before), axes.prefix(before)))
      + Array(zip(shape.reversed(), axes.reversed())).prefix(fixed - before)
    for (length, axis) in pairs {
      switch axis {
      case .any, .rest: continue
      case .exactly(let expected): if length != expected { return wanted }
      case .named(let name):
        guard let known = lengths[name] else {
          lengths[name] = (length, tensor)
          continue
        }
        if known.length != length {
          return wanted + ", and '\(name.escapedForDisplay)' is \(known.length) in "
            + "'\(known.tensor.escapedForDisplay)'"
        }
      }
    }
    return nil
  }
}

extension ValidationPolicy.Axis {
  /// The axis as the file has it.
  fileprivate var text: String {
    switch self {
    case .exactly(let length): "\(length)"
    case .any: "any"
    case .named(let name): name.escapedForDisplay
    case .rest: "..."
    }
  }
}

extension NamePattern {
  fileprivate var shown: String { description.escapedForDisplay }
}
