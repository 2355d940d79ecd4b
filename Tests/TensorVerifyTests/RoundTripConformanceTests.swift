import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// What every format that is written has to hold: nothing gets lost but what it declares, and what
/// it declares gets lost.
@Suite struct RoundTripConformanceTests {
  private static let formats = FormatRegistry.all.filter { $0.descriptor.canWrite }

  private static func explain(_ result: RoundTripResult) -> String {
    (result.undeclared.prefix(5).map { "undeclared: \($0)" }
      + result.unobserved.prefix(5).map { "unobserved: \($0)" }
      + [result.error?.description].compactMap { $0 }).joined(separator: "\n")
  }

  @Test func samples() throws {
    #expect(!Self.formats.isEmpty)
    for sample in try RoundTripSamples.all() {
      let results = RoundTrip.verify(sample.archive, through: Self.formats)
      for result in results where result.outcome != .refused {
        #expect(result.isFaithful, "\(sample.name), \(result.format): \(Self.explain(result))")
      }
      #expect(
        results.contains { $0.isFaithful }, "\(sample.name): \(results.map { Self.explain($0) })")
    }
  }

  /// With whole storages and with the elements alone, too.
  @Test(arguments: ViewPolicy.allCases) func views(_ policy: ViewPolicy) throws {
    var options = RoundTrip.Options()
    options.writing.views = policy
    for sample in try RoundTripSamples.all() {
      for result in RoundTrip.verify(sample.archive, through: Self.formats, options: options)
      where result.outcome != .refused {
        #expect(result.isFaithful, "\(sample.name), \(result.format): \(Self.explain(result))")
      }
    }
  }

  @Test func compressed() throws {
    var options = RoundTrip.Options()
    options.writing.compressionLevel = 3
    let formats = Self.formats.filter { $0.descriptor.compresses }
    for sample in try RoundTripSamples.all() {
      for result in RoundTrip.verify(sample.archive, through: formats, options: options)
      where result.outcome != .refused {
        #expect(result.isFaithful, "\(sample.name), \(result.format): \(Self.explain(result))")
      }
    }
  }

  /// Writes each file in each format; answers how many of them can be.
  private func verify(_ paths: [String]) -> (written: Int, refused: Int, unread: Int) {
    var (written, refused, unread) = (0, 0, 0)
    for path in paths {
      guard let archive = try? TensorArchive(contentsOf: path) else {
        unread += 1
        continue
      }
      for result in RoundTrip.verify(archive, through: Self.formats) {
        if result.outcome == .refused {
          refused += 1
          continue
        }
        written += 1
        #expect(result.isFaithful, "\(path), \(result.format): \(Self.explain(result))")
      }
    }
    return (written, refused, unread)
  }

  @Test(arguments: ["npy", "npz", "objects", "pickle", "torch"])
  func fixtures(_ folder: String) throws {
    let paths = try Self.files(below: Repository.testData.appending(path: folder)).filter {
      $0.contains("/valid/")
    }
    let counts = verify(paths)
    #expect(counts.written > 10, "\(folder): \(counts)")
    print("round trips of \(paths.count) files in \(folder): \(counts)")
  }

  @Test func corpus() throws {
    guard let shared = Repository.shared else {
      print("the corpus is not at hand: ../shared does not exist")
      return
    }
    let most = 4 << 20
    let paths = try Self.files(below: shared.appending(path: "corpus/files")).filter { path in
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
      return (size ?? 0) <= most
    }
    let counts = verify(paths)
    #expect(counts.written > 50, "\(counts)")
    print("round trips of \(paths.count) files of the corpus: \(counts)")
  }

  private static func files(below folder: URL) throws -> [String] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    return names.map { folder.appending(path: $0) }.filter { url in
      (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
    }.map(\.path)
  }

  /// Of more containers than losses are declared of, one loss stands for the rest.
  @Test func moreEmptyContainersThanAnybodyReads() throws {
    let lists = (0..<70_000).map { ("\($0)", ValueGraph.Node.list([])) }
    let tensor = ValueGraph.Node.tensor(try Tensor([1] as [Float]))
    let archive = try TensorArchive(ValueGraph(dictionary: lists + [("t", tensor)]))
    let results = RoundTrip.verify(archive, through: Self.formats)
      .filter { $0.outcome != .refused }
    #expect(results.count >= 2)
    for result in results {
      #expect(result.isFaithful, "\(result.format): \(Self.explain(result))")
    }
  }

  /// Keys that are numbers, by the thousand; time that grew with their square would be seen.
  @Test func manyTensorsUnderNumbers() throws {
    let tensor = ValueGraph.Node.tensor(try Tensor([1] as [Float]))
    var values = ValueGraph(.none)
    let pairs = (0..<5000).map { (key: values.add(.int(Int64($0))), value: values.add(tensor)) }
    values.setRoot(values.add(.dictionary(pairs)))
    let results = RoundTrip.verify(try TensorArchive(values), through: Self.formats)
    #expect(results.count { $0.isFaithful } >= 2, "\(results.map { Self.explain($0) })")
  }

  /// Nothing is left in the folder, whatever comes of it.
  @Test func nothingIsLeftBehind() throws {
    let folder = try TemporaryFolder()
    var options = RoundTrip.Options()
    options.folder = folder.url.path
    let archive = try TensorArchive([("a", try Tensor([1, 2] as [Float]))])
    #expect(RoundTrip.verify(archive, through: Self.formats, options: options).count > 1)
    #expect(try folder.contents().isEmpty)
  }
}
