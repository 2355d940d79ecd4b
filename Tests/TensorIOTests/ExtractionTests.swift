import Foundation
import TensorIO
import TestSupport
import Testing

/// Archives into folders, and edits of names.
@Suite struct ExtractionTests {
  private func archive(_ names: [String]) throws -> TensorArchive {
    try TensorArchive(names.enumerated().map { ($1, try Tensor([Int32($0)])) })
  }

  @Test func everyTensorBecomesAFile() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("out")
    try archive(["a", "layers/0/w", "layers/1/w", "é", "b.npy"]).extract(to: out, ending: "npy")
    #expect(try Tensor(contentsOf: out + "/layers/1/w.npy").array(of: Int32.self) == [2])
    #expect(try Tensor(contentsOf: out + "/é.npy").array(of: Int32.self) == [3])
    #expect(try Tensor(contentsOf: out + "/b.npy.npy").array(of: Int32.self) == [4])
    #expect(try folder.contents() == ["out"])
  }

  /// Names that are no plain relative paths never become paths, and nothing is written.
  @Test(arguments: [
    "../evil", "/tmp/evil", "a/../../evil", "a//b", "a/", "/", "..", ".", "a/./b", "..\\evil",
    "a\0b",
    "a/b/..", String(repeating: "x", count: 300),
  ])
  func unsafeNamesAreRefused(_ name: String) throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
      try archive(["fine", name]).extract(to: folder.path("out"), ending: "npy")
    }
    #expect(error?.place.tensor == name)
    #expect(try folder.contents() == [])
  }

  @Test func namesThatCollideAreRefused() throws {
    let folder = try TemporaryFolder()
    for names in [["a.npy/b", "a"], ["a", "a.npy/b"]] {
      #expect(throws: TensorIOError(.invalidArgument, "")) {
        try archive(names).extract(to: folder.path("out"), ending: "npy")
      }
    }
    #expect(try folder.contents() == [])
  }

  @Test func aFolderWithFilesIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    try archive(["a"]).extract(to: folder.path("out"), ending: "npy")
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try archive(["b"]).extract(to: folder.path("out"), ending: "npy")
    }
    #expect(try folder.contents() == ["out"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")) == ["a.npy"])
  }

  /// A tensor that cannot be written half-way through takes the whole folder with it.
  @Test func aFailureLeavesNothingBehind() throws {
    let folder = try TemporaryFolder()
    let grad = try Tensor([1 as Float]).tagged(device: .cpu, requiresGrad: true)
    let archive = try TensorArchive([("a/b", try Tensor([1 as Float])), ("c", grad)])
    #expect(throws: TensorIOError.self) {
      try archive.extract(to: folder.path("out"), ending: "npy")
    }
    #expect(throws: TensorIOError.self) { try archive.write(to: folder.path("out.npz")) }
    #expect(try folder.contents() == [])
  }

  @Test func editsIncludeExcludeAndRename() throws {
    let archive = try archive(["a.w", "a.b", "c.w"])
    var edit = ArchiveEdit()
    edit.include = ["*.w"]
    #expect(try edit.applied(to: archive).names == ["a.w", "c.w"])
    edit.exclude = ["c*"]
    edit.renames = [("a.w", "weight")]
    #expect(try edit.applied(to: archive).names == ["weight"])
    edit.renames = [("zzz", "y")]
    #expect(throws: TensorIOError(.invalidArgument, "")) { try edit.applied(to: archive) }
    edit = ArchiveEdit()
    edit.include = ["nothing*"]
    #expect(throws: TensorIOError(.invalidArgument, "")) { try edit.applied(to: archive) }
    edit = ArchiveEdit()
    edit.renames = [("a.w", "c.w")]
    #expect(throws: TensorIOError(.invalidArgument, "")) { try edit.applied(to: archive) }
    edit.renames = [("a.w", "c.w"), ("c.w", "a.w")]
    #expect(try edit.applied(to: archive).names == ["c.w", "a.b", "a.w"])
  }

  @Test func lossesAreNamed() throws {
    let base = try Tensor([1, 2, 3, 4] as [Float])
    let archive = try TensorArchive([
      ("tied", base), ("also", try base[0..<2]),
      ("bf16", try Tensor([BFloat16(1)])),
      ("far", try Tensor([1 as Float]).tagged(device: .cuda(1), requiresGrad: true)),
      ("strided", try base[TensorIndex.slice(from: nil, to: nil, step: 2)]),
    ])
    let losses = try archive.losses(writingTo: "x.npz")
    #expect(
      Set(losses.map { "\($0.kind.rawValue) \($0.name)" }) == [
        "aliasing also", "aliasing strided", "dtype bf16", "device far", "requiresGrad far",
        "strides strided",
      ])
  }
}
