internal import TensorIO

extension Validator {
  /// Checks several files, some at a time, and hands the results on in the order of the paths.
  /// - Parameters:
  ///   - paths: the files, each checked once for each time it is named.
  ///   - jobs: how many files are looked at together; each uses all cores where it is large.
  ///   - body: gets each result; what it throws ends the run.
  public func validate(
    _ paths: [String], jobs: Int = 1, _ body: (ValidationResult) throws -> Void
  ) throws {
    let validator = self
    try Parallel.inOrder(paths.count, width: jobs, work: { validator.validate(paths[$0]) }) {
      try body($1)
    }
  }
}

/// One of several parts of a list of files, for jobs that share it.
public struct Shard: Sendable, Hashable {
  /// Which part, from 1 on.
  public let index: Int
  /// How many parts there are.
  public let count: Int

  /// Creates a shard; nil unless `1 <= index <= count`.
  public init?(_ index: Int, of count: Int) {
    guard (1...max(1, count)).contains(index), count >= 1 else { return nil }
    self.index = index
    self.count = count
  }

  /// Every `count`-th element, from the `index`-th on: the parts of a list have every element once.
  public func part<Element>(of list: [Element]) -> [Element] {
    stride(from: index - 1, to: list.count, by: count).map { list[$0] }
  }
}
