internal import ByteIO
package import JSONText

extension ValidationResult {
  /// The result as one JSON object, a line of JSON Lines.
  package var json: JSON {
    .object([
      ("file", .string(file)), ("outcome", .string(outcome.word)), ("format", .optional(format)),
      ("file_bytes", fileBytes.map { .int($0) } ?? .null), ("tensors", .int(tensorCount)),
      ("byte_count", .int(byteCount)),
      ("findings", .array(findings.map { Remark($0).json("message") })),
      ("errors", .array(errors.map { Remark($0).json("reason") })),
    ])
  }
}

extension Remark {
  /// - Parameter key: the key of the text, by which findings and errors differ.
  fileprivate func json(_ key: String) -> JSON {
    .object([
      ("code", .string(rule.id)), (key, .string(message)), ("member", .optional(member)),
      ("tensor", .optional(tensor)), ("offset", offset.map { .int($0) } ?? .null),
    ])
  }
}
