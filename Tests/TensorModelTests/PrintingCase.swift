import Foundation

@testable import TensorModel

/// One array of `TestData/golden/printing.json`, and what NumPy and torch print of it.
struct PrintingCase: Decodable {
  /// Print options, under NumPy's names, and what torch alone knows.
  struct Options: Decodable {
    var precision: Int?
    var threshold: Int?
    var edgeitems: Int?
    var linewidth: Int?
    var suppress: Bool?
    var scientific: Bool?
    var device: String?
    var requires_grad: Bool?
  }

  let dtype: DTypeName
  let shape: [Int]
  let hex: String
  let options: Options?
  let str: String?
  let repr: String?
  let torch: String?

  /// The options as the printers take them.
  var printOptions: PrintOptions {
    PrintOptions(
      precision: options?.precision, threshold: options?.threshold ?? 1000,
      edgeItems: options?.edgeitems ?? 3, lineWidth: options?.linewidth,
      scientific: options?.scientific, suppress: options?.suppress ?? false)
  }

  /// The array.
  func tensor() throws -> SampleTensor {
    SampleTensor(
      dtype: try dtype.dtype(), shape: shape, bytes: Self.bytes(hex),
      deviceName: options?.device ?? "cpu", requiresGrad: options?.requires_grad ?? false)
  }

  private static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
  }
}

/// A dtype as the file spells it: a name, or the fields of a record.
enum DTypeName: Decodable {
  struct Field: Decodable {
    var name: String
    var title: String?
    var dtype: DTypeName
    var shape: [Int]
    var offset: Int
    var big: Bool?
  }

  private struct Record: Decodable {
    var fields: [Field]
    var size: Int
  }

  struct Unknown: Error { var name: String }

  case name(String)
  indirect case record([Field], size: Int)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let name = try? container.decode(String.self) {
      self = .name(name)
    } else {
      let record = try container.decode(Record.self)
      self = .record(record.fields, size: record.size)
    }
  }

  func dtype() throws -> DType {
    switch self {
    case .name(let name):
      if let simple = DType(name: name) { return simple }
      return try Self.parametrized(name)
    case .record(let fields, let size):
      let parts = try fields.map { field in
        StructuredType.Field(
          name: field.name, title: field.title, dtype: try field.dtype.dtype(),
          byteOrder: field.big == true ? .big : .little, shape: field.shape, offset: field.offset)
      }
      return .structured(try StructuredType(fields: parts, byteCount: size))
    }
  }

  private static func parametrized(_ name: String) throws -> DType {
    let rest = name.dropFirst()
    switch name.first {
    case "S": return .bytes(count: Int(rest) ?? 0)
    case "U": return .string(count: Int(rest) ?? 0)
    case "V": return .void(count: Int(rest) ?? 0)
    case "M": return .datetime(try unit(rest))
    case "m": return .timedelta(try unit(rest))
    default: throw Unknown(name: name)
    }
  }

  private static func unit(_ text: Substring) throws -> TimeUnit {
    let inner = text.dropFirst().filter { $0 != "[" && $0 != "]" }
    if inner.isEmpty { return TimeUnit(.generic) }
    let digits = inner.prefix { $0.isNumber }
    guard let base = TimeUnit.Base(rawValue: String(inner.dropFirst(digits.count))) else {
      throw Unknown(name: String(text))
    }
    return TimeUnit(base, multiple: Int(digits) ?? 1)
  }
}
