internal import ArgumentParser
internal import Glibc
internal import JSONText
internal import TensorIO

/// `tensorio stats`.
struct Stats: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print minimum, maximum, mean, deviation, and counts of NaN, infinity and zero.",
    discussion: """
      Each tensor is read once, in bounded memory. Mean and (population) standard deviation are of \
      the finite elements, in double precision.
      """)

  @OptionGroup var inspection: Inspection

  func run() throws {
    try inspection.forEachArchive { archive, file, _, report in
      let rows = try archive.entries.map { ($0, try statistics(of: $0)) }
      if inspection.json {
        try report.line(
          .object([
            ("file", .string(file)),
            ("tensors", .array(rows.map { json(of: $0.0, $0.1) })),
            ("findings", .array(archive.findings.map { JSON($0) })),
          ]))
      } else {
        try print(rows, file: file, report)
      }
    }
  }

  /// The statistics, or nil for elements that are no real numbers.
  private func statistics(
    of entry: TensorArchive.Entry
  ) throws(TensorIOError) -> TensorStatistics? {
    do throws(TensorIOError) {
      return try TensorStatistics(of: entry.tensor)
    } catch  where error.code == .unsupported {
      return nil
    } catch {
      throw error.located(in: .init(tensor: entry.name))
    }
  }

  private func print(
    _ rows: [(TensorArchive.Entry, TensorStatistics?)], file: String, _ report: Report
  ) throws {
    try report.line("\(file.escapedForDisplay):")
    var table = Table(
      ["NAME", "DTYPE", "COUNT", "MIN", "MAX", "MEAN", "STD", "NAN", "INF", "ZERO"],
      numeric: [2, 3, 4, 5, 6, 7, 8, 9])
    for (entry, statistics) in rows {
      let name = entry.name.isEmpty ? "-" : entry.name.escapedForDisplay
      let head = [name, entry.tensor.dtype.description.escapedForDisplay, "\(entry.tensor.count)"]
      guard let statistics else {
        table.add(head + Array(repeating: "-", count: 7))
        continue
      }
      table.add(
        head + [
          statistics.minimum?.text(as: entry.tensor.dtype) ?? "-",
          statistics.maximum?.text(as: entry.tensor.dtype) ?? "-",
          statistics.mean.shortText, statistics.standardDeviation.shortText,
          "\(statistics.nanCount)", "\(statistics.infinityCount)", "\(statistics.zeroCount)",
        ])
    }
    for line in table.lines(styled: Stream.output.isStyled) { try report.line(line) }
  }

  private func json(of entry: TensorArchive.Entry, _ statistics: TensorStatistics?) -> JSON {
    var fields: [(String, JSON)] = [
      ("name", .string(entry.name)), ("dtype", .string(entry.tensor.dtype.description)),
      ("count", .int(entry.tensor.count)),
    ]
    if let statistics {
      fields += [
        ("min", statistics.minimum?.json ?? .null), ("max", statistics.maximum?.json ?? .null),
        ("mean", .double(statistics.mean)), ("std", .double(statistics.standardDeviation)),
        ("nan", .int(statistics.nanCount)), ("inf", .int(statistics.infinityCount)),
        ("zeros", .int(statistics.zeroCount)),
      ]
    }
    return .object(fields)
  }
}

extension Double {
  /// Six significant digits are enough for people; --json has all.
  var shortText: String {
    if isNaN { return "-" }
    guard isFinite, self != 0 else { return "\(self)" }
    var exponent = Int(log10(abs(self)).rounded(.down))
    guard (-5..<15).contains(exponent) else {
      // In two steps: the power of the smallest numbers would be 0.
      let half = exponent / 2
      let scaled = self / pow(10, Double(half)) / pow(10, Double(exponent - half))
      var mantissa = (scaled * 1e5).rounded() / 1e5
      if abs(mantissa) >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
      return "\(mantissa)e\(exponent)"
    }
    let scale = pow(10, Double(5 - exponent))
    return "\((self * scale).rounded() / scale)"
  }
}

extension Scalar {
  /// The number in the fewest digits that name it in its own precision.
  fileprivate func text(as dtype: DType) -> String {
    switch self {
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)"
    case .float(let value):
      switch dtype {
      case .float16: "\(Float16(value))"
      case .float64: "\(value)"
      default: "\(Float(value))"
      }
    default: "-"
    }
  }

  fileprivate var json: JSON {
    switch self {
    case .int(let value): .exact(value)
    case .uint(let value): .exact(value)
    case .float(let value): .double(value)
    default: .null
    }
  }
}
