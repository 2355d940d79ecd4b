import ByteIO
import Foundation
import TestSupport
import Testing

@Suite struct InputFileTests {
  @Test func whatIsNoRegularFileIsRefusedWithoutWaiting() throws {
    let folder = try TemporaryFolder()
    let fifo = folder.path("fifo")
    let made = unsafe mkfifo(fifo, 0o600)
    #expect(made == 0)
    for path in [folder.url.path, fifo, "/dev/zero"] {
      let error = #expect(throws: TensorIOError(.invalidArgument, "")) { try InputFile(path: path) }
      #expect(error?.place.file == path)
    }
    #expect(throws: TensorIOError(.io, "")) { try InputFile(path: folder.path("missing")) }
  }

  @Test func anEmptyFileHasNoBytes() throws {
    let folder = try TemporaryFolder()
    let file = try InputFile(path: folder.write([], "empty"))
    #expect(file.byteCount == 0)
    #expect(try FileSlice(file, 0..<0).bytes() == [])
    #expect(throws: TensorIOError(.malformed, "")) { try FileSlice(file, 0..<1) }
  }

  /// A file that shrinks while it is read is an error of its own, not a signal.
  @Test func aFileThatShrinksIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 7, count: 5 << 20), "f")
    let file = try InputFile(path: path)
    let slice = try FileSlice(file, 0..<file.byteCount)
    var chunks = 0
    let error = #expect(throws: TensorIOError(.io, "")) {
      try slice.stream { (_) throws(TensorIOError) in
        chunks += 1
        if chunks == 2 { _ = unsafe truncate(path, 100) }
      }
    }
    #expect(error?.reason.contains("shorter") == true)
    #expect(throws: TensorIOError(.io, "")) { try slice.loaded() }
  }

  @Test func aFileThatIsRewrittenIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 7, count: 3 << 20), "f")
    let slice = try FileSlice(InputFile(path: path), 0..<3 << 20)
    #expect(throws: TensorIOError(.io, "")) {
      try slice.stream { (_) throws(TensorIOError) in
        _ = try? Data([1, 2, 3]).write(to: URL(filePath: path), options: [])
        _ = unsafe truncate(path, 3 << 20)
      }
    }
  }

  @Test func largeSlicesLoadOnAllCores() throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<20_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let file = try InputFile(path: folder.write(bytes, "f"))
    #expect(try FileSlice(file, 1..<bytes.count).loaded().bytes() == Array(bytes[1...]))
  }
}

@Suite struct AtomicFileTests {
  @Test func appearsOnCommitAndNotBefore() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out")
    do {
      let file = try AtomicFile(path: path)
      try file.write([1, 2, 3].span)
      #expect(!FileManager.default.fileExists(atPath: path))
      try file.write([9].span, at: 0)
      try file.commit()
    }
    #expect(try bytes(of: path) == [9, 2, 3])
    #expect(try folder.contents() == ["out"])
  }

  @Test func replacesKeepingPermissions() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([0], "out")
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    let file = try AtomicFile(path: path)
    try file.write([1].span)
    #expect(try bytes(of: path) == [0])
    try file.commit(synced: true)
    #expect(try bytes(of: path) == [1])
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o640)
  }

  @Test func aLinkGoesOnPointing() throws {
    let folder = try TemporaryFolder()
    let target = try folder.write([0], "target")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link"), withDestinationPath: target)
    let file = try AtomicFile(path: folder.path("link"))
    try file.write([5].span)
    try file.commit()
    #expect(try bytes(of: target) == [5])
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("link")) == target)
  }

  @Test func nothingStaysWithoutCommit() throws {
    let folder = try TemporaryFolder()
    do {
      let file = try AtomicFile(path: folder.path("out"))
      try file.write([1].span)
    }
    #expect(try folder.contents() == [])
  }

  @Test func impossibleTargetsAreRefusedFirst() throws {
    let folder = try TemporaryFolder()
    for path in [folder.url.path, folder.path("none/out"), "/dev/null", folder.url.path + "/x/"] {
      let error = #expect(throws: TensorIOError.self) { try AtomicFile(path: path) }
      #expect(error?.place.file == path, "\(path)")
    }
  }

  @Test func twoWritersOfOnePathLeaveOneWholeFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out")
    try Parallel.forEach(16) { (index) throws(TensorIOError) in
      let file = try AtomicFile(path: path)
      let bytes = [UInt8](repeating: UInt8(index), count: 100_000 + index)
      try file.write(bytes.span)
      try file.commit()
    }
    let found = try bytes(of: path)
    #expect(found.count == 100_000 + Int(found[0]))
    #expect(Set(found).count == 1)
    #expect(try folder.contents() == ["out"])
  }
}

@Suite struct ParallelTests {
  @Test func theErrorOfTheLowestIndexWins() {
    let error = #expect(throws: TensorIOError.self) {
      try Parallel.forEach(1000) { (index) throws(TensorIOError) in
        if index % 100 == 37 { throw TensorIOError(.io, "\(index)") }
      }
    }
    #expect(error?.reason == "37")
  }

  @Test func everyIndexRunsOnce() throws {
    let counts = ResultSlots(count: 500, initial: 0)
    try Parallel.forEach(500) { (index) throws(TensorIOError) in counts[index] = index }
    #expect(counts.all == Array(0..<500))
  }
}
