/// Which tensors become which dtype.
///
/// | rule | what it is about |
/// |---|---|
/// | `DTYPE` | every tensor of numbers |
/// | `CLASS:DTYPE` | those of a class: `floating`, `integer`, `complex`, `bool`, `quantized`, or a dtype |
/// | `PATTERN=DTYPE` | those of numbers whose names match a shell pattern |
/// | `PATTERN=CLASS:DTYPE` | those of both |
///
/// Names are those of ``ArchiveEdit``. Where several rules are about one tensor, the last counts.
public struct ConversionRules: Sendable {
  /// One rule.
  struct Rule: Sendable {
    /// As it was given.
    let text: String
    let pattern: String?
    let numbers: NumberClass
    let target: DType
  }

  let rules: [Rule]

  /// No rules.
  public init() { rules = [] }

  /// Parses rules.
  ///
  /// Of several `=` the last ends the pattern, so that patterns may have both `=` and `:`.
  /// - Throws: `invalidArgument` for what is no rule, and for names of no dtype or of several.
  public init(_ texts: [String]) throws(TensorIOError) {
    var rules: [Rule] = []
    for text in texts { rules.append(try Rule(text)) }
    self.rules = rules
  }

  /// Whether there are none.
  public var isEmpty: Bool { rules.isEmpty }
}

extension ConversionRules.Rule {
  init(_ text: String) throws(TensorIOError) {
    self.text = text
    var rest = Substring(text)
    // Bytes, because a character may be = with an accent on it.
    if let end = rest.utf8.lastIndex(of: UInt8(ascii: "=")) {
      guard end > rest.startIndex else {
        throw Self.refusal(text, "there is no pattern before '='; '*=DTYPE' is for all names")
      }
      pattern = String(rest[..<end])
      rest = rest[rest.utf8.index(after: end)...]
    } else {
      pattern = nil
    }
    if let end = rest.utf8.firstIndex(of: UInt8(ascii: ":")) {
      numbers = try Self.numbers(String(rest[..<end]), of: text)
      rest = rest[rest.utf8.index(after: end)...]
    } else {
      numbers = .all
    }
    target = try Self.dtype(String(rest), of: text)
    guard target.isConvertible else {
      throw Self.refusal(
        text,
        target.isQuantized
          ? "\(target) needs scales and zero points, which no rule can say"
          : "nothing converts to \(target)")
    }
  }

  private static func numbers(
    _ name: String, of text: String
  ) throws(TensorIOError) -> NumberClass {
    if let kind = NumberClass.names[name] { return kind }
    let dtype = try dtype(name, of: text, "a class of dtypes or a dtype")
    guard dtype.isConvertible || dtype.isQuantized else {
      throw refusal(text, "elements of \(dtype) are no numbers")
    }
    return .dtype(dtype)
  }

  private static func dtype(
    _ name: String, of text: String, _ wanted: String = "a dtype"
  ) throws(TensorIOError) -> DType {
    if let dtype = DType(name: name) ?? DTypeNames.aliases[name] { return dtype }
    if let meanings = DTypeNames.ambiguous[name] {
      throw refusal(text, "'\(name)' means \(meanings); say which")
    }
    let known = DType.simple.filter(\.isConvertible).map(\.description).joined(separator: ", ")
    throw refusal(text, "'\(name.escapedForDisplay)' is no name of \(wanted); dtypes are \(known)")
  }

  private static func refusal(_ text: String, _ reason: String) -> TensorIOError {
    .invalidArgument("the rule '\(text.escapedForDisplay)': \(reason)")
  }

  /// What the rule is about, for messages.
  var subject: String {
    switch numbers {
    case .all: "tensors of numbers"
    case .floating: "floating-point tensors"
    case .integer: "tensors of integers"
    case .complex: "complex tensors"
    case .quantized: "quantized tensors"
    case .dtype(let dtype): "tensors of \(dtype)"
    }
  }
}

/// Tensors of which a rule speaks, by their dtypes.
enum NumberClass: Sendable {
  case all
  case floating
  case integer
  case complex
  case quantized
  case dtype(DType)

  /// By the words of rules; `bool` is a dtype.
  static let names: [String: NumberClass] = [
    "floating": .floating, "integer": .integer, "complex": .complex, "quantized": .quantized,
  ]

  /// Whether elements of a dtype belong to the class.
  func contains(_ dtype: DType) -> Bool {
    switch self {
    case .all: dtype.isConvertible || dtype.isQuantized
    case .floating: dtype.isFloatingPoint
    case .integer: dtype.isInteger
    case .complex: dtype.isComplex
    case .quantized: dtype.isQuantized
    case .dtype(let other): dtype == other
    }
  }
}

/// Names of dtypes that are not the canonical ones.
private enum DTypeNames {
  /// Those that mean the same to everybody.
  static let aliases: [String: DType] = [
    "half": .float16, "double": .float64, "bf16": .bfloat16, "fp16": .float16, "fp32": .float32,
    "fp64": .float64, "f32": .float32, "f64": .float64,
  ]

  /// Those that do not, with their meanings.
  static let ambiguous: [String: String] = {
    let fp8 =
      "float8_e4m3fn, float8_e5m2, float8_e4m3fnuz, float8_e5m2fnuz or float8_e8m0fnu"
    return [
      "float": "float32 in PyTorch and float64 in NumPy",
      "int": "int32 in PyTorch and int64 in NumPy",
      "f16": "float16, or longdouble in NumPy", "f8": "float64 in NumPy, or \(fp8)",
      "i8": "int8, or int64 in NumPy", "u8": "uint8, or uint64 in NumPy",
      "fp8": fp8, "float8": fp8, "float8_e4m3": "float8_e4m3fn or float8_e4m3fnuz",
    ]
  }()
}
