internal import ByteIO
internal import TensorIO

/// A value that is no tensor and differs between two files.
public struct ValueDifference: Sendable {
  /// The name on the right; on the left where it is there alone.
  public let name: String
  /// The value on the left, as Python writes it, cut short; nil where there is none.
  public let left: String?
  /// The value on the right.
  public let right: String?
}

/// The values of an archive that are no tensors, each with its names.
struct ListedValues {
  struct Item {
    let names: ValueNames
    let path: [String]
    let shortPath: [String]
    let content: ValueContent
  }

  private(set) var items: [Item] = []

  /// Lists leaves and empty containers.
  /// - Throws: `limit` when there are more than `limits` allow.
  init(_ archive: TensorArchive, _ limits: DecodingLimits) throws(TensorIOError) {
    var walk = GraphWalk(archive.values, limits: limits)
    while let step = try walk.next() {
      guard !step.hasContents, let content = ValueContent(step.id, in: archive.values) else {
        continue
      }
      // An archive of nothing holds no values.
      if !step.isLeaf, walk.path.isEmpty { continue }
      let (path, short) = (walk.path, walk.stateDictPath)
      items.append(
        Item(
          names: ValueNames(
            full: path.joined(separator: "."), short: short.joined(separator: ".")),
          path: path, shortPath: short, content: content))
    }
  }
}

/// A value that is neither a tensor nor a container with something in it.
enum ValueContent {
  /// `None`, truth values, integers, classes, empty containers: what their text says is all.
  case plain(String)
  case float(Double)
  case complex(Double, Double)
  case text(String)
  case bytes(any ByteSource)

  /// Nil for tensors.
  init?(_ id: ValueGraph.ID, in values: ValueGraph) {
    let type = values.typeName(of: id)?.description
    switch values[id] {
    case .tensor: return nil
    case .none: self = .plain("None")
    case .bool(let value): self = .plain(value ? "True" : "False")
    case .int(let value): self = .plain("\(value)")
    case .bigInteger(let digits): self = .plain(digits)
    case .float(let value): self = .float(value)
    case .complex(let real, let imaginary): self = .complex(real, imaginary)
    case .string(let text): self = .text(text)
    case .bytes(let source): self = .bytes(source)
    case .list: self = .plain("[]")
    case .tuple: self = .plain("()")
    case .set: self = .plain("set()")
    case .dictionary: self = .plain("{}")
    case .object: self = .plain(type ?? "an object")
    }
  }

  /// The value as Python writes it, with 200 characters of a text.
  var text: String {
    switch self {
    case .plain(let text): text
    case .float(let value): "\(value)"
    case .complex(let real, let imaginary): "(\(real)+\(imaginary)j)"
    case .text(let text): "'\(text.prefix(200))'" + (text.count > 200 ? "…" : "")
    case .bytes(let source): "\(source.byteCount) bytes"
    }
  }

  /// Whether two values are the same; floats also within the tolerance, if there is one.
  func isSame(
    as other: ValueContent, _ options: DifferenceOptions
  ) throws(TensorIOError) -> Bool {
    switch (self, other) {
    case (.plain(let one), .plain(let other)), (.text(let one), .text(let other)):
      return one.utf8.elementsEqual(other.utf8)
    case (.float(let one), .float(let other)):
      let tolerance = options.tolerance(.float64, .float64)
      return Self.isClose(one, other, tolerance)
    case (.complex(let real, let imaginary), .complex(let otherReal, let otherImaginary)):
      let tolerance = options.tolerance(.complex128, .complex128)
      return Self.isClose(real, otherReal, tolerance)
        && Self.isClose(imaginary, otherImaginary, tolerance)
    case (.bytes(let one), .bytes(let other)):
      guard one.byteCount == other.byteCount else { return false }
      return try ContentHash.sha256 { (sink) throws(TensorIOError) in try one.stream(sink) }
        == ContentHash.sha256 { (sink) throws(TensorIOError) in try other.stream(sink) }
    default: return false
    }
  }

  private static func isClose(_ one: Double, _ other: Double, _ tolerance: Tolerance) -> Bool {
    // NaN is one value to Python.
    if one == other || one.isNaN && other.isNaN { return true }
    guard one.isFinite, other.isFinite else { return false }
    return abs(one - other) <= tolerance.absolute + tolerance.relative * abs(other)
  }
}
