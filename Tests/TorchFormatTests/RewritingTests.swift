import ByteIO
import TensorIO
import TestSupport
import Testing

/// Every file of PyTorch and every pickle of the test data, written as a PyTorch archive and read
/// again.
@Suite struct RewritingTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: ViewPolicy.allCases)
  func whatWasReadIsWrittenWhole(_ views: ViewPolicy) throws {
    var options = WritingOptions()
    options.views = views
    let (one, two) = (folder.path("one.pt"), folder.path("two.pt"))
    var (files, shrunk) = (0, 0)
    for file in try TreeGolden.all("torch") + TreeGolden.all("pickle") {
      guard let archive = try? TensorArchive(contentsOf: file.path) else { continue }
      do {
        let losses = try archive.losses(writingTo: one, options: options)
        #expect(
          losses.allSatisfy { [.storage, .strides].contains($0.kind) }, "\(file.file): \(losses)")
        if views == .keep { #expect(losses.isEmpty, "\(file.file)") }
        shrunk += losses.isEmpty ? 0 : 1
        try archive.write(to: one, options: options)
        let copy = try TensorArchive(contentsOf: one).loaded()
        let unsafe = archive.globals.filter { $0.verdict == .dangerous }.map(\.name)
        #expect(copy.findings.map(\.code) == unsafe.map { _ in .dangerousGlobal }, "\(file.file)")
        let names = copy.globals.filter { $0.verdict == .dangerous }.map(\.name)
        #expect(names == unsafe, "\(file.file)")
        for difference in try differences(copy, archive, losses).prefix(6) {
          Issue.record("\(file.file): \(difference)")
        }
        try checkBytes(of: one, archive, copy, file, options, two)
        files += 1
      } catch {
        Issue.record("\(file.file): \(error)")
      }
    }
    print(
      "rewritten with views \(views.rawValue): \(files) files, \(shrunk) with less of a storage")
    #expect(files > 200)
  }

  /// The same archive makes the same bytes, and so does what was read from them.
  private func checkBytes(
    of one: String, _ archive: TensorArchive, _ copy: TensorArchive, _ file: TreeGolden,
    _ options: WritingOptions, _ two: String
  ) throws {
    let first = try bytes(of: one)
    try archive.write(to: two, options: options)
    let isDeterministic = try bytes(of: two) == first
    #expect(isDeterministic, "\(file.file): written twice, two files")
    let again = try TensorArchive(contentsOf: one)
    #expect(try again.losses(writingTo: two, options: options).isEmpty, "\(file.file)")
    try again.write(to: two, options: options)
    let isStable = try bytes(of: two) == first
    #expect(isStable, "\(file.file): written again, the bytes are others")
    try copy.write(to: two, options: options)
    let isStableInMemory = try bytes(of: two) == first
    #expect(isStableInMemory, "\(file.file): written from memory, the bytes are others")
  }

  /// What a copy says otherwise than the original, but for the layout of tensors on a storage of
  /// which a part was left out.
  private func differences(
    _ copy: TensorArchive, _ archive: TensorArchive, _ losses: [Loss]
  ) throws -> [String] {
    let found = try TreeDescription.json(of: copy.values)
    let wanted = try TreeDescription.json(of: archive.values)
    let names = Set(losses.map(\.name))
    let groups = Set(
      (wanted["tensors"]?.items ?? []).filter { names.contains($0["name"]?.text ?? "") }
        .compactMap { $0["alias"]?.integer })
    return found.comparable.differences(from: wanted.comparable).filter { difference in
      guard let index = Self.tensorIndex(difference),
        let group = wanted["tensors"]?.items[index]["alias"]?.integer, groups.contains(group)
      else { return true }
      return ![".strides", ".storage_offset", ".storage_bytes"].contains {
        difference.contains($0)
      }
    }
  }

  /// The number in `.tensors[NUMBER].strides…`.
  private static func tensorIndex(_ difference: String) -> Int? {
    guard difference.hasPrefix(".tensors[") else { return nil }
    return Int(difference.dropFirst(".tensors[".count).prefix { $0.isNumber })
  }
}
