internal import JSONText
internal import TensorIO
internal import TensorVerify

extension ArchiveDifference {
  /// The comparison as `diff --json` prints it.
  func json(left: String, right: String, _ archives: [TensorArchive]) -> JSON {
    let counts = TensorDifference.Status.allCases.map { status in
      (key: status.rawValue, value: JSON.int(count(of: status)))
    }
    let findings = zip([left, right], archives).flatMap { (file, archive) -> [JSON] in
      archive.findings.map { JSON($0, of: file) }
    }
    return .object([
      ("left", .string(left)), ("right", .string(right)), ("same", .bool(isSame)),
      ("counts", .object(counts)), ("tensors", .array(tensors.map(\.json))),
      ("values", .array(values.map(\.json))), ("findings", .array(findings)),
    ])
  }
}

extension ValueDifference {
  fileprivate var json: JSON {
    .object([
      ("name", .string(name)), ("left", .optional(left)), ("right", .optional(right)),
    ])
  }
}

extension TensorDifference {
  fileprivate var json: JSON {
    func side(_ entry: TensorArchive.Entry?) -> JSON {
      guard let entry else { return .null }
      return .object([
        ("name", .string(entry.name)), ("dtype", .string(entry.tensor.dtype.description)),
        ("shape", .array(entry.tensor.shape.map { .int($0) })),
      ])
    }
    return .object(
      [
        ("name", .string(name)), ("status", .string(status.rawValue)),
        ("difference", .bool(isDifference)), ("left", side(left)), ("right", side(right)),
      ] + (elements.map { numbers($0) } ?? []) + [
        ("note", .optional(note)), ("layout", .array(layout.map { .string($0) })),
        ("error", error.map { JSON($0) } ?? .null),
      ])
  }

  private func numbers(_ elements: ElementDifference) -> [(key: String, value: JSON)] {
    func place(_ position: Int?) -> JSON {
      position.map { .array(index($0).map { .int($0) }) } ?? .null
    }
    func number(_ value: Double?) -> JSON { value.map { .double($0) } ?? .null }
    var fields: [(key: String, value: JSON)] = [
      ("count", .int(elements.count)), ("differing", .int(elements.differingCount)),
      ("mismatched", .int(elements.mismatchedCount)),
      ("first_differing", place(elements.firstDiffering)),
      ("first_mismatched", place(elements.firstMismatched)),
    ]
    guard elements.isNumeric else { return fields }
    fields += [
      ("max_abs", number(elements.maxAbsoluteError)),
      ("max_abs_index", place(elements.maxAbsoluteErrorIndex)),
      ("mean_abs", number(elements.meanAbsoluteError)),
      ("max_rel", number(elements.maxRelativeError)),
      ("max_ulp", number(elements.maxULPError)), ("rel_l2", number(elements.relativeL2Error)),
      ("cosine", number(elements.cosineSimilarity)),
      ("nan_mismatches", .int(elements.nanMismatches)),
      ("inf_mismatches", .int(elements.infinityMismatches)),
    ]
    return fields
  }
}
