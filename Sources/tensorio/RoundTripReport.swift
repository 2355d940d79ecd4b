internal import TensorIO
internal import TensorVerify

/// What `roundtrip` says about one file.
struct RoundTripReport {
  private let results: [RoundTripResult]
  private let file: String
  private let isStrict: Bool
  /// Whether the formats were named, so that each has to hold the file.
  private let isAsked: Bool

  init(_ results: [RoundTripResult], file: String, isStrict: Bool, isAsked: Bool) {
    self.results = results
    self.file = file.escapedForDisplay
    self.isStrict = isStrict
    self.isAsked = isAsked
  }

  func print(to report: Report) throws {
    for result in results {
      if !report.isJSON { try report.line("\(file): \(result.format): \(summary(result))") }
      try explain(result, report)
    }
    if results.allSatisfy({ $0.outcome == .refused }), let error = results.first?.error, !isAsked {
      try report.fail(
        TensorIOError(
          .unsupported, "no format can hold the file; of \(results[0].format): \(error.reason)",
          at: error.place), file: file, inJSON: false)
    }
  }

  private func summary(_ result: RoundTripResult) -> String {
    let losses = result.observed.count
    return switch result.outcome {
    case .faithful: "faithful"
    case .declared: "faithful but for \(losses) declared loss\(losses == 1 ? "" : "es")"
    case .failed:
      "FAILED: \(result.undeclared.count) undeclared, \(result.unobserved.count) declared that did "
        + "not happen"
    case .refused: "cannot hold it"
    case .error: "FAILED: it could not be written and read back"
    }
  }

  private func explain(_ result: RoundTripResult, _ report: Report) throws {
    let place = "\(file): \(result.format)"
    switch result.outcome {
    case .faithful: break
    case .declared:
      try report.explain(result.observed, place)
      if isStrict, result.observed.contains(where: { $0.kind.isSerious }) {
        try report.warn("\(place): --strict refuses what is named above")
      }
    case .failed:
      try report.explain(result.observed, place)
      try explainFailure(result, place, report)
    case .refused:
      guard let error = result.error else { return }
      let text = error.located(in: .init(file: place)).description
      if isAsked {
        try report.fail(error.located(in: .init(file: file)), file: file, inJSON: false)
      } else {
        try report.inform(text)
      }
    case .error:
      if let error = result.error { try report.fail(error, file: file, inJSON: false) }
    }
  }

  private func explainFailure(
    _ result: RoundTripResult, _ place: String, _ report: Report
  ) throws {
    let shown = 5
    for axis in ComparisonAxis.allCases {
      let some = result.undeclared.filter { $0.axis == axis }
      for difference in some.prefix(shown) { try report.warn("\(place): \(difference)") }
      if some.count > shown {
        try report.warn(
          "\(place): and \(some.count - shown) more differences of this kind (\(axis.rawValue)); "
            + "--json lists all")
      }
    }
    for loss in result.unobserved.prefix(shown) {
      let name = loss.name.isEmpty ? "" : "'\(loss.name.escapedForDisplay)': "
      try report.warn(
        "\(place): \(name)declared as a loss (\(loss.kind)) and kept: "
          + loss.message.escapedForDisplay)
    }
    if result.unobserved.count > shown {
      try report.warn("\(place): and \(result.unobserved.count - shown) more such losses")
    }
  }
}

extension Report {
  /// The losses, the first few of each kind.
  func explain(_ losses: [Loss], _ place: String) throws {
    let shown = 3
    for kind in Loss.Kind.allCases {
      let some = losses.filter { $0.kind == kind }
      for loss in some.prefix(shown) {
        let name = loss.name.isEmpty ? "" : "'\(loss.name.escapedForDisplay)': "
        try inform("\(place): \(name)not kept: \(loss.message.escapedForDisplay)")
      }
      if some.count > shown {
        try inform(
          "\(place): and \(some.count - shown) more losses of this kind (\(kind)); "
            + "--json lists all")
      }
    }
  }
}
