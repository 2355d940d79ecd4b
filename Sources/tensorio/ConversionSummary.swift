internal import JSONText
internal import TensorIO

/// What `convert --dtype` did, and says about it.
struct ConversionSummary {
  private let conversion: ArchiveConversion
  /// Before tensors became other dtypes.
  private let original: TensorArchive
  private let policy: CastPolicy

  init(_ conversion: ArchiveConversion, of original: TensorArchive, policy: CastPolicy) {
    self.conversion = conversion
    self.original = original
    self.policy = policy
  }

  var archive: TensorArchive { conversion.archive }
  /// What became another dtype.
  var parts: [ArchiveConversion.Part] { conversion.parts }

  /// What is not kept by converting and writing.
  func losses(
    writingTo target: ConversionTarget, options: WritingOptions
  ) throws(TensorIOError) -> [Loss] {
    let losses = try target.losses(of: archive, options)
    if target.keepsStorages { return conversion.losses + losses }
    // What no tensor uses is written by no format without nesting.
    if target.keepsSharing { return conversion.losses.filter { $0.kind != .storage } + losses }
    // Each was converted alone: what was shared and how it lay, only the original knows.
    let layout: Set<Loss.Kind> = [.aliasing, .strides]
    let before = try target.losses(of: original, options)
    return conversion.losses + before.filter { layout.contains($0.kind) }
      + losses.filter { !layout.contains($0.kind) }
  }

  // MARK: Messages

  /// Says what was converted, and how the numbers changed.
  func explain(_ output: String, _ report: Report) throws {
    let file = output.escapedForDisplay
    let parts = conversion.parts
    guard !parts.isEmpty else {
      return try report.inform("\(file): all tensors that the rules are about have their dtypes")
    }
    try report.inform("\(file): converted \(Self.counts(of: parts))")
    let total = conversion.report
    if total.changed == 0 {
      return try report.inform("\(file): 0 of \(total.count) numbers changed")
    }
    try report.inform(
      "\(file): \(total.changed) of \(total.count) numbers changed; "
        + Self.differences(total, parts))
    guard total.overflowed + total.nanChanges > 0 else { return }
    let text = "\(file): " + Self.damages(total, parts)
    // The other policies were asked for by name.
    if policy == .checked { try report.warn(text) } else { try report.inform(text) }
  }

  /// `float32 to bfloat16 (12 tensors), …`.
  private static func counts(of parts: [ArchiveConversion.Part]) -> String {
    let shown = 4
    var order: [String] = []
    var counts: [String: Int] = [:]
    for part in parts {
      let pair = "\(part.source) to \(part.target)"
      if counts[pair] == nil { order.append(pair) }
      counts[pair, default: 0] += part.names.count
    }
    let texts = order.prefix(shown).map { pair in
      let count = counts[pair] ?? 0
      return "\(pair) (\(count) tensor\(count == 1 ? "" : "s"))"
    }
    return texts.joined(separator: ", ")
      + (order.count > shown ? ", and \(order.count - shown) other pairs of dtypes" : "")
  }

  /// The largest differences, each with the tensor that has it.
  private static func differences(
    _ total: ConversionReport, _ parts: [ArchiveConversion.Part]
  ) -> String {
    func largest(_ value: KeyPath<ConversionReport, Double>, _ unit: String) -> String {
      let most = total[keyPath: value]
      let name = name(of: parts.first { $0.report[keyPath: value] == most })
      return "\(most.shortText)\(unit) (\(name))"
    }
    return "by at most " + largest(\.maxAbsoluteError, "") + ", "
      + largest(\.maxRelativeError, " of the number") + ", " + largest(\.maxULPError, " ULP")
  }

  /// The numbers that are no longer near to what they were.
  private static func damages(
    _ total: ConversionReport, _ parts: [ArchiveConversion.Part]
  ) -> String {
    func text(_ value: KeyPath<ConversionReport, Int>, _ what: String) -> String? {
      let count = total[keyPath: value]
      guard count > 0 else { return nil }
      let worst = parts.max { $0.report[keyPath: value] < $1.report[keyPath: value] }
      let numbers = count == 1 ? "number" : "numbers"
      return "\(count) \(numbers) \(what), most of them in \(name(of: worst))"
    }
    return [
      text(\.overflowed, "too large for the dtype"),
      text(\.nanChanges, "that became NaN, or were NaN and are not"),
    ].compactMap { $0 }.joined(separator: "; ")
  }

  private static func name(of part: ArchiveConversion.Part?) -> String {
    "'\((part?.names.first ?? "").escapedForDisplay)'"
  }

  // MARK: JSON

  var json: JSON {
    .object([
      ("policy", .string(policy.rawValue)), ("total", .object(Self.json(conversion.report))),
      (
        "tensors",
        .array(
          conversion.parts.map { part in
            .object(
              [
                ("names", .array(part.names.map { .string($0) })),
                ("from", .string("\(part.source)")), ("to", .string("\(part.target)")),
              ] + Self.json(part.report))
          })
      ),
    ])
  }

  private static func json(_ report: ConversionReport) -> [(String, JSON)] {
    [
      ("count", .int(report.count)), ("changed", .int(report.changed)),
      ("overflowed", .int(report.overflowed)), ("nan_changes", .int(report.nanChanges)),
      ("max_absolute_error", .double(report.maxAbsoluteError)),
      ("max_relative_error", .double(report.maxRelativeError)),
      ("max_ulp_error", .double(report.maxULPError)),
    ]
  }
}
