internal import ArgumentParser
internal import TensorIO
internal import TensorVerify

/// How the work on a list of files is shared, among threads and among processes.
struct WorkFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How many files are worked on together; by default as many as there are cores.",
      valueName: "n"))
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "Only every N-th file, from the I-th on: jobs 1/4 to 4/4 share a list.", valueName: "i/n"),
    transform: { text in
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let index = parts[0], let count = parts[1],
        let shard = Shard(index, of: count)
      else { throw ValidationError("--shard wants I/N with 1 <= I <= N, not '\(text)'") }
      return shard
    })
  var shard: Shard?

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs takes a number from 1 on, not \(jobs)") }
  }

  /// How many threads work.
  var width: Int { jobs ?? Parallel.coreCount }

  /// The part of a list that is worked on here.
  func part<Element>(of files: [Element], _ report: Report) throws -> [Element] {
    guard let shard else { return files }
    let part = shard.part(of: files)
    if part.isEmpty {
      try report.inform("shard \(shard.index) of \(shard.count) has none of \(files.count) files")
    }
    return part
  }
}
