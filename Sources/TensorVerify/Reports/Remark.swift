internal import ByteIO

/// A finding or an error, as the reports see them: both have a code, a text and a place.
struct Remark {
  let rule: ValidationRule
  let message: String
  let member: String?
  let tensor: String?
  /// The offset in bytes in the member, or in the file where there is no member.
  let offset: Int?

  init(_ finding: Finding) {
    rule = finding.code.rule
    message = finding.message
    (member, tensor, offset) = (finding.member, finding.tensor, finding.offset)
  }

  init(_ error: TensorIOError) {
    rule = error.code.rule
    message = error.reason
    (member, tensor) = (error.place.member, error.place.tensor)
    offset = error.place.offset
  }

  /// `member 'x.npy': tensor 'x': byte 10: message`, with the parts that are known, for display.
  var text: String {
    var parts: [String] = []
    if let member { parts.append("member '\(member.escapedForDisplay)'") }
    if let tensor, !tensor.isEmpty { parts.append("tensor '\(tensor.escapedForDisplay)'") }
    if let offset { parts.append("byte \(offset)") }
    return (parts + [message.escapedForDisplay]).joined(separator: ": ")
  }
}

extension ValidationResult {
  /// The errors, then the findings.
  var remarks: [Remark] { errors.map { Remark($0) } + findings.map { Remark($0) } }
}

extension ValidationResult.Outcome {
  /// The word in reports and JSON.
  package var word: String {
    switch self {
    case .clean: "clean"
    case .findings: "findings"
    case .failed: "failed"
    }
  }
}
