internal import ArgumentParser
internal import TensorIO

/// How an output is cut into shards.
struct ShardOptions: Sendable {
  /// The most bytes of tensors in one.
  let size: Int
  /// Whether shards that are there and right are kept.
  let isResuming: Bool
}

/// `--shard-size` and `--resume`.
struct ShardFlags: ParsableArguments {
  @Option(
    name: .customLong("shard-size"),
    help: ArgumentHelp(
      """
      Write several files of so many bytes of tensors each, and an index, if one would be larger: 5GB, \
      500MB, 2GiB. Tensors that share a storage stay together, however large they are.
      """, valueName: "size"),
    transform: { text in
      guard let size = Self.size(text) else {
        throw ValidationError(
          "--shard-size wants a whole number of bytes, or of KB, MB, GB, TB, KiB, MiB, GiB or TiB, "
            + "not '\(text)'")
      }
      return size
    })
  var shardSize: Int?

  @Flag(help: "Keep shards that are there already and right; write the others.")
  var resume = false

  func validate() throws {
    if resume, shardSize == nil { throw ValidationError("--resume goes with --shard-size alone") }
  }

  var isResuming: Bool { resume }

  /// What is asked for; nil where the output is one file.
  var options: ShardOptions? { shardSize.map { ShardOptions(size: $0, isResuming: resume) } }

  /// A number with a unit, as huggingface's `max_shard_size` has it, and binary ones.
  static func size(_ text: String) -> Int? {
    let units: [(String, Int)] = [
      ("KIB", 1 << 10), ("MIB", 1 << 20), ("GIB", 1 << 30), ("TIB", 1 << 40), ("KB", 1000),
      ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
    ]
    guard let unit = units.first(where: { text.uppercased().hasSuffix($0.0) }) else { return nil }
    let digits = text.dropLast(unit.0.count).filter { $0 != " " }
    guard let number = Int(digits), number > 0, !digits.hasPrefix("+") else { return nil }
    let (size, overflow) = number.multipliedReportingOverflow(by: unit.1)
    return overflow ? nil : size
  }
}
