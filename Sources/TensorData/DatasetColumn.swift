internal import ByteIO
internal import TensorModel
public import TensorIO

/// A column of a dataset: rows in one tensor or in several that follow each other, and what is made of
/// them when they are asked for.
public struct DatasetColumn: Sendable {
  /// The name; unlike those of the other columns.
  public let name: String
  /// The tensors whose rows follow each other; they have one dtype, and one shape but for the first
  /// axis.
  let parts: [Tensor]
  let steps: [Step]
  /// Where each part begins, and the row count at the end.
  let starts: [Int]

  /// What is made of rows.
  enum Step: Sendable {
    case convert(DType, CastPolicy)
    case scale(Double, adding: Double)
    case map(@Sendable (Tensor) throws -> Tensor)
  }

  /// A column of tensors that follow each other along their first axis.
  init(_ name: String, _ parts: [Tensor], steps: [Step] = []) throws(TensorIOError) {
    guard let first = parts.first else {
      throw TensorIOError(.invalidArgument, "a column without tensors", at: .init(tensor: name))
    }
    var starts = [0]
    for part in parts {
      guard let count = part.shape.first else {
        throw TensorIOError(
          .invalidArgument, "it has no axes, and so no rows; leave it out with columns:",
          at: .init(tensor: name))
      }
      guard part.dtype == first.dtype, part.shape.dropFirst() == first.shape.dropFirst() else {
        throw TensorIOError(
          .invalidArgument,
          "a part has rows of \(part.dtype) \(Array(part.shape.dropFirst())), the first of "
            + "\(first.dtype) \(Array(first.shape.dropFirst()))", at: .init(tensor: name))
      }
      starts.append(try (starts.last ?? 0).added(to: count, "the number of rows"))
    }
    self.name = name
    self.parts = parts
    self.steps = steps
    self.starts = starts
  }

  private init(_ other: DatasetColumn, name: String? = nil, steps: [Step]) {
    self.name = name ?? other.name
    parts = other.parts
    starts = other.starts
    self.steps = steps
  }

  /// The number of rows.
  public var count: Int { starts.last ?? 0 }

  /// The dtype of the rows as they are stored.
  public var storedDType: DType { parts[0].dtype }

  /// The shape of a row as it is stored.
  public var storedRowShape: [Int] { Array(parts[0].shape.dropFirst()) }

  func appending(_ step: Step) -> DatasetColumn { DatasetColumn(self, steps: steps + [step]) }

  func renamed(_ name: String) -> DatasetColumn { DatasetColumn(self, name: name, steps: steps) }

  /// Some of the rows, as views.
  func slice(_ rows: Range<Int>) throws(TensorIOError) -> DatasetColumn {
    var slices: [Tensor] = []
    for (index, part) in parts.enumerated() {
      let range = rows.clamped(to: starts[index]..<starts[index + 1])
      guard !range.isEmpty else { continue }
      slices.append(try part[range.lowerBound - starts[index]..<range.upperBound - starts[index]])
    }
    if slices.isEmpty { slices = [try parts[0][0..<0]] }
    return try DatasetColumn(name, slices, steps: steps)
  }

  /// The part that holds a row, by its index; rows lie below ``count``.
  func part(of row: Int) -> Int {
    if parts.count == 1 { return 0 }
    var (low, high) = (0, parts.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= row { low = middle } else { high = middle - 1 }
    }
    return low
  }
}
