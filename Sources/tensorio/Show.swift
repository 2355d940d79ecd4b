internal import ArgumentParser
internal import JSONText
internal import TensorIO

/// `tensorio show`.
struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print tensors as PyTorch or NumPy prints them.",
    discussion: """
        tensorio show weights.npz fc1/weight --slice 0:3,-1

      A slice is written as in Python: an index, start:stop:step or ... for each axis, with commas \
      between. Large tensors are summarised; --full prints every element.
      """)

  /// The spellings of --style.
  enum Style: String, ExpressibleByArgument, CaseIterable {
    case torch, numpy, repr

    var printStyle: PrintStyle {
      switch self {
      case .torch: .torch
      case .numpy: .numpy
      case .repr: .numpyRepr
      }
    }
  }

  @Argument(help: "The file.", completion: .file())
  var file: String

  @Argument(help: "The names of tensors; all when none is given.")
  var names: [String] = []

  @OptionGroup var reading: ReadingFlags

  // `-1` is an index and no flag.
  @Option(
    parsing: .unconditional, help: ArgumentHelp("Print only this part.", valueName: "indexes"))
  var slice: String?

  @Option(help: "torch; numpy as print() shows it; repr as NumPy's repr() does.")
  var style = Style.torch

  @Option(help: "Digits after the point; default 4 for torch, 8 for numpy.")
  var precision: Int?

  @Flag(help: "Print every element.")
  var full = false

  @Flag(help: "Print one JSON object a tensor, with all elements.")
  var json = false

  func validate() throws { _ = try slice.map(SliceExpression.init(parsing:)) }

  func run() throws {
    let options = try reading.options()
    let slice = try slice.map(SliceExpression.init(parsing:))
    try reporting(isJSON: json) { report in
      try report.forEach([file]) { file in
        let archive = try reading.part(of: try TensorArchive(contentsOf: file, options: options))
        let chosen = names.isEmpty ? archive.entries : try names.map { try archive.entry($0) }
        for entry in chosen {
          let tensor = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
            try entry.tensor.storage.verifyInPlace()
            return try slice?.applied(to: entry.tensor) ?? entry.tensor
          }
          try locatingAll(.init(tensor: entry.name)) {
            try show(entry, tensor, titled: chosen.count > 1, report)
          }
          try tensor.storage.source.requireUnchanged()
        }
        try report.note(archive.findings, in: file)
        if chosen.isEmpty {
          try report.warn("\(file.escapedForDisplay): the file holds no tensors")
        }
      }
    }
  }

  private func show(
    _ entry: TensorArchive.Entry, _ tensor: Tensor, titled: Bool, _ report: Report
  ) throws {
    if json {
      var writer = ElementWriter(tensor)
      return try writer.write(after: [
        ("file", .string(file)), ("name", .string(entry.name)),
        ("dtype", .string(tensor.dtype.description)),
        ("shape", .array(tensor.shape.map { .int($0) })),
      ])
    }
    var options = PrintOptions()
    options.precision = precision
    if full { options.threshold = .max }
    if titled { try report.line("\(entry.name.escapedForDisplay):") }
    try report.line(try tensor.formatted(style.printStyle, options: options))
  }

}

/// Writes all elements as nested JSON arrays, a piece at a time: however many there are, the text is
/// never in memory as a whole.
struct ElementWriter {
  private static let pieceBytes = 1 << 16

  private let tensor: Tensor
  private var text = ""

  init(_ tensor: Tensor) { self.tensor = tensor }

  /// Writes an object whose last key is `elements`.
  mutating func write(after head: [(key: String, value: JSON)]) throws {
    text = JSON.object(head).text.dropLast() + ",\"elements\":"
    // An empty tensor may still have billions of empty rows.
    if tensor.count == 0 { text += "[]" } else { try append(at: []) }
    text += "}\n"
    try Stream.output.write(text)
  }

  private mutating func append(at index: [Int]) throws {
    guard index.count < tensor.rank else {
      text += JSON(try tensor.element(at: index)).text
      if text.utf8.count > Self.pieceBytes {
        try Stream.output.write(text)
        text = ""
      }
      return
    }
    text += "["
    for position in 0..<tensor.shape[index.count] {
      if position > 0 { text += "," }
      try append(at: index + [position])
    }
    text += "]"
  }
}

/// Runs `body` and fills `place` into an error of the library; others pass.
func locatingAll<R>(_ place: TensorIOError.Place, _ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch let error as TensorIOError {
    throw error.located(in: place)
  }
}

/// What stands in brackets in Python: `0:3,-1`, `...,0`, `::2`.
struct SliceExpression {
  private var leading: [TensorIndex] = []
  /// What follows `...`; nil without one.
  private var trailing: [TensorIndex]?

  init(parsing text: String) throws {
    var parts = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.filter { $0 != " " } }
    // `0,` is legal in Python.
    if parts.count > 1, parts.last == "" { parts.removeLast() }
    for part in parts {
      if part == "..." {
        guard trailing == nil else { throw Self.invalid(text) }
        trailing = []
      } else if trailing == nil {
        leading.append(try Self.index(part, in: text))
      } else {
        trailing?.append(try Self.index(part, in: text))
      }
    }
  }

  /// The part of a tensor that the expression names.
  func applied(to tensor: Tensor) throws(TensorIOError) -> Tensor {
    guard let trailing else { return try tensor.sliced(leading) }
    let rest = tensor.rank - leading.count - trailing.count
    let whole = [TensorIndex](repeating: .all, count: max(0, rest))
    return try tensor.sliced(leading + whole + trailing)
  }

  private static func index(_ part: String, in text: String) throws -> TensorIndex {
    let numbers = try part.split(separator: ":", omittingEmptySubsequences: false).map { bound in
      guard !bound.isEmpty else { return Int?.none }
      guard let number = Int(bound) else { throw invalid(text) }
      return number
    }
    switch numbers.count {
    case 1:
      guard let index = numbers[0] else { throw invalid(text) }
      return .at(index)
    case 2: return .slice(from: numbers[0], to: numbers[1], step: 1)
    case 3: return .slice(from: numbers[0], to: numbers[1], step: numbers[2] ?? 1)
    default: throw invalid(text)
    }
  }

  private static func invalid(_ text: String) -> ValidationError {
    ValidationError(
      "--slice wants indexes, start:stop:step and ... with commas between, like 0:3,-1; not "
        + "'\(text)'")
  }
}

extension JSON {
  /// An element; complex numbers as pairs, bytes as hexadecimal, times as counts of their unit.
  init(_ scalar: Scalar) {
    self =
      switch scalar {
      case .bool(let value): .bool(value)
      case .int(let value): .exact(value)
      case .uint(let value): .exact(value)
      case .float(let value): .double(value)
      case .complex(let real, let imaginary): .array([.double(real), .double(imaginary)])
      case .longDouble(let value): .hex(value.bytes)
      case .complexLongDouble(let real, let imaginary): .hex(real.bytes + imaginary.bytes)
      case .bytes(let bytes), .void(let bytes): .hex(bytes)
      case .string(let text): .string(text)
      case .datetime(let count), .timedelta(let count): count.map { .exact($0) } ?? .null
      case .record(let items), .array(let items): .array(items.map { JSON($0) })
      }
  }

  private static func hex(_ bytes: [UInt8]) -> JSON {
    .string(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
  }
}

extension LongDouble {
  /// The ten bytes of the number, little-endian.
  fileprivate var bytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: significandBitPattern >> (8 * $0)) }
      + (0..<2).map { UInt8(truncatingIfNeeded: signExponentAndPadding >> (8 * $0)) }
  }
}
