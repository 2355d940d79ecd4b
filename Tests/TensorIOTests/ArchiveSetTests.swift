import ByteIO
import Foundation
import Synchronization
import TensorIO
import TestSupport
import Testing

/// Files that belong together appear together.
@Suite struct ArchiveSetTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func set(_ paths: [String]) throws -> ArchiveSet {
    let tensor = try Tensor([1, 2, 3] as [Float])
    return ArchiveSet(try paths.map { (try TensorArchive([("x", tensor)]), folder.path($0)) })
  }

  @Test func allAreWritten() throws {
    try set(["a.npz", "b.pt", "c.npy"]).write(options: WritingOptions())
    #expect(try folder.contents() == ["a.npz", "b.pt", "c.npy"])
  }

  @Test func noneIsNamedBeforeTheLastIsWhole() throws {
    let kept = try folder.write([1, 2, 3], "a.npz")
    #expect(throws: TensorIOError.self) {
      try set(["a.npz", "b.npz", "nowhere/c.npz"]).write(options: WritingOptions())
    }
    var options = WritingOptions()
    let chunks = Mutex(0)
    options.isCancelled = {
      chunks.withLock {
        $0 += 1; return $0 > 1
      }
    }
    #expect(throws: TensorIOError.self) { try set(["a.npz", "b.npz"]).write(options: options) }
    #expect(try folder.contents() == ["a.npz"])
    #expect(try bytes(of: kept) == [1, 2, 3])
  }

  /// A folder takes the place of the second file while the third is written.
  @Test func aNameThatFailsTakesTheOthersBack() throws {
    let place = folder.path("b.npy")
    let chunks = Mutex(0)
    var options = WritingOptions()
    options.progress = { _ in
      guard
        chunks.withLock({
          $0 += 1; return $0 == 3
        })
      else { return }
      try? FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    }
    #expect(throws: TensorIOError.self) {
      try set(["a.npy", "b.npy", "c.npy"]).write(options: options)
    }
    #expect(chunks.withLock { $0 } == 3)
    #expect(try folder.contents() == ["b.npy"])
  }
}
