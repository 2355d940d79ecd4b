import ByteIO
import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Salvage of files that the real NumPy and PyTorch wrote, and of hostile ones.
@Suite struct SalvageArchiveTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let archives: [String] = {
    let npz = (try? Repository.testFolder("npz/valid")) ?? []
    let torch = (try? Repository.testFolder("torch/valid")) ?? []
    return npz + torch
  }()

  /// The files of the test data that can be salvaged, with the archives in them.
  private func whole() throws -> [(path: String, archive: TensorArchive)] {
    #expect(Self.archives.count > 100)
    return Self.archives.compactMap { path in
      guard let archive = try? TensorArchive(contentsOf: path),
        ["npz", "torch-zip"].contains(archive.format), !archive.values.isEmptyDictionary
      else { return nil }
      return (path, archive)
    }
  }

  /// Nothing is missing of a whole file, whatever wrote it.
  @Test func wholeFilesAreComplete() throws {
    for (path, archive) in try whole() {
      let result = try Salvage(contentsOf: path)
      let duplicates = archive.findings.contains { $0.code == .duplicateMember }
      #expect(result.isComplete != duplicates, "\(path): \(result.lost)")
      if duplicates { continue }
      #expect(result.archive.names == archive.names, "\(path)")
      #expect(try hashes(of: result.archive) == hashes(of: archive), "\(path)")
    }
  }

  /// Without a directory everything else is kept.
  @Test func aLostDirectoryCostsNothing() throws {
    for (path, archive) in try whole() {
      if archive.findings.contains(where: { $0.code == .duplicateMember }) { continue }
      var bytes = try bytes(of: path)
      let entry = try #require(bytes.firstRange(of: [0x50, 0x4b, 1, 2])?.lowerBound)
      for index in entry..<bytes.count { bytes[index] = 0xa5 }
      let result = try #require(try salvage(bytes, in: folder), "\(path)")
      #expect(result.archive.names == archive.names, "\(path) \(result.lost)")
      #expect(try hashes(of: result.archive) == hashes(of: archive), "\(path)")
    }
  }

  /// Each local header alone is destroyed: the directory still finds the data.
  @Test func aLostLocalHeaderCostsNothing() throws {
    let path = Repository.testFile("npz/valid/kinds.npz")
    let whole = try bytes(of: path)
    let archive = try TensorArchive(contentsOf: path)
    for range in whole.ranges(of: [0x50, 0x4b, 3, 4]) {
      var damaged = whole
      for index in range.lowerBound..<range.lowerBound + 26 { damaged[index] = 0 }
      let result = try #require(try salvage(damaged, in: folder))
      #expect(result.isComplete)
      #expect(try hashes(of: result.archive) == hashes(of: archive))
    }
  }

  /// What `torch.save` wrote, cut at every length.
  @Test(arguments: ["zip-more-records.pt", "form-sparse-three.pt", "zip-some-deflated.pt"])
  func aTorchFileCutAnywhere(name: String) throws {
    let path = Repository.testFile("torch/valid/\(name)")
    let whole = try bytes(of: path)
    let archive = try TensorArchive(contentsOf: path)
    let expected = try hashes(of: archive)
    var sizes: Set<Int> = []
    for length in 0..<whole.count {
      guard let result = try salvage(Array(whole[..<length]), in: folder) else { continue }
      sizes.insert(result.kept.count)
      for (name, hash) in try hashes(of: result.archive) { #expect(expected[name] == hash) }
      let named = result.kept + result.lost.compactMap(\.name)
      #expect(named.sorted() == archive.names.sorted(), "cut to \(length)")
    }
    // Without the directory alone, all of it.
    #expect(sizes.contains(archive.entries.count))
  }

  /// What is written of a damaged file can be read again, and by PyTorch.
  @Test func thePlacesOfLostTensorsKeepOthersWhereTheyAre() throws {
    let base = try Tensor([1, 2] as [Float])
    var graph = ValueGraph(.none)
    let lone = try Tensor([3, 4, 5] as [Float])
    let items = [graph.add(.tensor(base)), graph.add(.tensor(lone)), graph.add(.int(7))]
    let list = graph.add(.list(items))
    let again = graph.add(.tensor(lone))
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("list")), list), (graph.add(.string("w")), again),
          (graph.add(.string("kept")), graph.add(.tensor(base))),
        ])))
    let path = folder.path("x.pt")
    try TensorArchive(graph).write(to: path)
    var bytes = try bytes(of: path)
    // 3, 4 and 5 as float32.
    let payload: [UInt8] = [0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40, 0, 0, 0xa0, 0x40]
    bytes[try #require(bytes.firstRange(of: payload)?.lowerBound)] ^= 1
    let result = try #require(try salvage(bytes, in: folder))
    #expect(result.kept == ["list.0", "kept"])
    #expect(result.lost.map(\.name) == ["list.1", "w"])
    #expect(result.archive.names == ["list.0", "list.1", "kept"])
    #expect(try result.archive.tensor("list.1").hasElements == false)
    let out = folder.path("out.pt")
    try result.archive.write(to: out)
    #expect(try TensorArchive(contentsOf: out).tensor("list.1").shape == [3])
    guard Oracle.hasTorch else { return }
    let printed = try Oracle.run([
      "-c",
      "import torch, sys; d = torch.load(sys.argv[1]); "
        + "print(list(d), d['list'][1].device, d['list'][2])", out,
    ])
    #expect(printed == "['list', 'kept'] meta 7\n")
  }

  /// An archive inside the data of a cut member is not taken for members of the outer one.
  @Test func anArchiveInsideCutDataIsNotBelieved() throws {
    let inner = folder.path("inner.npz")
    try TensorArchive([("b", try Tensor([9, 9] as [Float]))]).write(to: inner)
    let outer = folder.path("outer.npz")
    let padding = [UInt8](repeating: 1, count: 4096)
    try TensorArchive([
      ("a", try Tensor([1] as [Float])), ("file", try Tensor(try bytes(of: inner) + padding)),
      ("b", try Tensor([1, 2] as [Float])),
    ]).write(to: outer)
    let whole = try bytes(of: outer)
    for length in stride(from: 1200, to: 4000, by: 100) {
      let result = try #require(try salvage(Array(whole[..<length]), in: folder))
      #expect(result.kept == ["a"] && result.archive.names == ["a"])
    }
    #expect(try salvage(whole, in: folder)?.isComplete == true)
  }

  /// The same of archives whose headers leave the sizes open, as PyTorch's do.
  @Test func aCheckpointInsideACheckpointIsNotBelieved() throws {
    guard Oracle.hasTorch else { return }
    _ = try Oracle.run([
      "-c",
      """
      import torch, sys
      inner, outer = sys.argv[1:]
      torch.save({k: torch.full((4,), 9.0) for k in "abcdef"}, inner)
      data = torch.frombuffer(bytearray(open(inner, "rb").read() + bytes(3000)), dtype=torch.uint8)
      torch.save({"a": torch.ones(4), "file": data, "b": torch.ones(4), "c": torch.ones(4)}, outer)
      """, folder.path("model.pt"), folder.path("model.pth"),
    ])
    // Both have the folder `model`.
    let outer = try bytes(of: folder.path("model.pth"))
    let expected = try hashes(of: TensorArchive(contentsOf: folder.path("model.pth")))
    for length in stride(from: 700, to: outer.count, by: 60) {
      guard let result = try salvage(Array(outer[..<length]), in: folder) else { continue }
      for (name, hash) in try hashes(of: result.archive) {
        #expect(expected[name] == hash, "'\(name)', cut to \(length)")
      }
      #expect((result.kept + result.lost.compactMap(\.name)).sorted() == ["a", "b", "c", "file"])
    }
  }

  /// Hostile files end in an answer or an error, also when they are cut.
  @Test func hostileFilesAreSurvived() throws {
    guard let shared = Repository.shared else { return }
    let files = shared.appending(path: "hostile/files")
    let names = try FileManager.default.contentsOfDirectory(atPath: files.path)
    #expect(names.count > 100)
    for name in names {
      let whole = try bytes(of: files.appending(path: name).path)
      for part in [whole.count, whole.count / 2, whole.count - min(whole.count, 30)] {
        _ = try salvage(Array(whole[..<part]), in: folder, partial: true)
      }
    }
  }
}

extension ValueGraph {
  fileprivate var isEmptyDictionary: Bool {
    if case .dictionary(let pairs) = self[root] { return pairs.isEmpty }
    return false
  }
}
