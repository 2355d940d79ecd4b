import ByteIO
import Foundation
import TensorIO
import TensorModel
import TestSupport
import Testing

@testable import NumPyFormat
@testable import ZIPContainer

/// ``NPZEditor``: archives changed in place.
@Suite struct NPZEditorTests {
  private let folder: TemporaryFolder
  private let path: String
  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("x.npz")
  }

  private func numbers(_ count: Int, _ first: Int32 = 0) throws -> Tensor {
    try Tensor((0..<Int32(count)).map { $0 + first })
  }

  private func write(_ counts: [(String, Int)]) throws {
    try TensorArchive(counts.map { ($0.0, try numbers($0.1)) }).write(to: path)
  }

  private func counts() throws -> [String: Int] {
    let archive = try TensorArchive(contentsOf: path)
    var counts: [String: Int] = [:]
    for entry in archive.entries {
      let elements = try entry.tensor.array(of: Int32.self)
      #expect(elements == (0..<Int32(elements.count)).map { $0 + (elements.first ?? 0) })
      counts[entry.name] = elements.count
    }
    return counts
  }

  private var findings: [Finding] {
    get throws { try TensorArchive(contentsOf: path).findings }
  }

  @Test func membersAreAddedBehindTheOthers() throws {
    try write([("a", 10), ("b", 1000)])
    let before = try bytes(of: path)
    let directory = try ZIPArchive(try InputFile(path: path), limits: DecodingLimits())
      .directoryOffset
    let editor = try NPZEditor(path)
    #expect(editor.memberNames == ["a", "b"] && editor.recovery == nil)
    try editor.add("c", try numbers(5))
    try editor.add("deep/é", try numbers(7))
    let summary = try editor.commit(synced: true)
    #expect(summary.added == ["c", "deep/é"] && summary.unusedByteCount == 0)
    #expect(try counts() == ["a": 10, "b": 1000, "c": 5, "deep/é": 7])
    #expect(try findings.isEmpty)
    #expect(try bytes(of: path)[..<directory] == before[..<directory])
    #expect(try folder.contents() == ["x.npz"])
    // What we write whole has the same bytes.
    try TensorArchive([
      ("a", try numbers(10)), ("b", try numbers(1000)), ("c", try numbers(5)),
      ("deep/é", try numbers(7)),
    ]).write(to: folder.path("whole.npz"))
    #expect(try bytes(of: path) == bytes(of: folder.path("whole.npz")))
  }

  @Test func membersAreReplacedAndRemoved() throws {
    try write([("a", 10), ("b", 1000), ("c", 10)])
    let editor = try NPZEditor(path)
    try editor.replace("b", try numbers(3))
    try editor.remove("a")
    #expect(editor.memberNames == ["b", "c"])
    let summary = try editor.commit()
    #expect(summary.replaced == ["b"] && summary.removed == ["a"])
    #expect(summary.unusedByteCount > 4000)
    #expect(try counts() == ["b": 3, "c": 10])
    #expect(try TensorArchive(contentsOf: path).names == ["b", "c"])
    let unused = try findings.filter { $0.code == .zipUnaccountedBytes }
    #expect(unused.count == 1)
    // The account is that of the reader.
    let opened = try NPZEditor(path)
    #expect(try opened.commit().unusedByteCount == summary.unusedByteCount)
  }

  @Test func theLastMembersLeaveNothingBehind() throws {
    try write([("a", 10), ("b", 1000), ("c", 10)])
    let editor = try NPZEditor(path)
    try editor.remove("c")
    try editor.remove("b")
    #expect(try editor.commit().unusedByteCount == 0)
    try TensorArchive([("a", try numbers(10))]).write(to: folder.path("whole.npz"))
    #expect(try bytes(of: path) == bytes(of: folder.path("whole.npz")))
    let all = try NPZEditor(path)
    try all.remove("a")
    #expect(try all.commit().unusedByteCount == 0)
    #expect(try bytes(of: path).count == 22)
    let again = try NPZEditor(path)
    try again.add("z", try numbers(2))
    try again.commit()
    #expect(try counts() == ["z": 2])
    #expect(try folder.contents() == ["whole.npz", "x.npz"])
  }

  @Test func namesThatExistOrDoNot() throws {
    try write([("a", 10), ("b", 10)])
    let before = try bytes(of: path)
    let editor = try NPZEditor(path)
    let exists = #expect(throws: TensorIOError.self) { try editor.add("a", numbers(1)) }
    #expect(exists?.code == .invalidArgument)
    for error in [
      #expect(throws: TensorIOError.self) { try editor.replace("z", numbers(1)) },
      #expect(throws: TensorIOError.self) { try editor.remove("z") },
    ] {
      #expect(error?.reason.contains("'a', 'b'") == true && error?.place.file == path)
    }
    #expect(throws: TensorIOError(.invalidArgument, "")) { try editor.add("n\0", numbers(1)) }
    let tagged = try numbers(1).tagged(device: .cuda(0), requiresGrad: false)
    #expect(throws: TensorIOError(.invalidArgument, "")) { try editor.add("t", tagged) }
    let locked = #expect(throws: TensorIOError.self) { try NPZEditor(path) }
    #expect(locked?.reason.contains("another writer") == true)
    editor.cancel()
    #expect(throws: TensorIOError(.invalidArgument, "")) { try editor.commit() }
    #expect(try bytes(of: path) == before)
  }

  @Test func anEditThatIsLetGoOfIsTakenBack() throws {
    try write([("a", 10)])
    let before = try bytes(of: path)
    do {
      let editor = try NPZEditor(path)
      try editor.add("b", try numbers(100))
      try editor.remove("a")
      #expect(try folder.contents() == [".x.npz.tensorio-undo", "x.npz"])
      let torn = #expect(throws: TensorIOError.self) { try TensorArchive(contentsOf: path) }
      #expect(torn?.reason.contains("append --recover") == true)
    }
    #expect(try bytes(of: path) == before)
    #expect(try folder.contents() == ["x.npz"])
  }

  @Test(arguments: [nil, 6])
  func objectsAndDeflatedMembersAreWritten(_ level: Int?) throws {
    try write([("a", 10)])
    let objects = try TensorArchive(contentsOf: Repository.testFile("npy/valid/object.npy"))
    let editor = try NPZEditor(path, compressionLevel: level)
    try editor.add("zeros", try Tensor.zeros([1 << 20], dtype: .uint8))
    try editor.add("objects", objects.entries[0], of: objects)
    try editor.commit()
    let archive = try TensorArchive(contentsOf: path)
    #expect(archive.names == ["a", "zeros", "objects"])
    #expect(try archive.tensor("zeros").array(of: UInt8.self).allSatisfy { $0 == 0 })
    #expect(try archive.tensor("objects").dtype.containsObjects)
    #expect(try bytes(of: path).count < (level == nil ? 2 << 20 : 20_000))
  }

  /// Members that are no arrays, extra fields, comments and times of Python's zipfile stay byte by
  /// byte, and Python reads what comes out.
  @Test func archivesOfPythonKeepWhatTheyHave() throws {
    let make = """
      import sys, zipfile, numpy as np, io
      with zipfile.ZipFile(sys.argv[1], 'w') as z:
          info = zipfile.ZipInfo('readme.txt', (1999, 1, 2, 3, 4, 6))
          info.extra, info.comment, info.external_attr = b'\\x99\\x99\\x03\\x00abc', b'about', 0o600 << 16
          z.writestr(info, b'hello')
          with z.open('streamed.npy', 'w', force_zip64=True) as f: np.save(f, np.arange(3))
          b = io.BytesIO(); np.save(b, np.arange(5.0))
          z.writestr('x.npy', b.getvalue(), zipfile.ZIP_DEFLATED)
          z.comment = b'of the whole'
      """
    let check = """
      import sys, zipfile, numpy as np
      with zipfile.ZipFile(sys.argv[1]) as z:
          assert z.testzip() is None
          info = z.getinfo('readme.txt')
          assert (info.date_time, info.extra, info.comment, info.external_attr) == ((1999, 1, 2, 3, 4, 6),
              b'\\x99\\x99\\x03\\x00abc', b'about', 0o600 << 16), info
          assert z.comment == b'of the whole' and z.read('readme.txt') == b'hello'
      z = np.load(sys.argv[1])
      assert z.files == ['readme.txt', 'streamed', 'x', 'new'], z.files
      assert np.array_equal(z['streamed'], np.arange(3)) and np.array_equal(z['x'], [7]) and len(z['new']) == 4
      print('read')
      """
    _ = try Oracle.run(["-c", make, path])
    for level in [nil, 9] {
      let editor = try NPZEditor(path, compressionLevel: level)
      if level == nil { try editor.add("new", try numbers(4)) }
      try editor.replace("x", try numbers(1, 7))
      try editor.commit()
      #expect(try Oracle.run(["-c", check, path]) == "read\n")
    }
    let editor = try NPZEditor(path)
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try editor.add("readme.txt", numbers(1))
    }
    try editor.remove("readme.txt")
    try editor.commit()
    #expect(try TensorArchive(contentsOf: path).names == ["streamed", "x", "new"])
  }

  /// New members beyond 4 GiB, and a directory there; the file has a hole and takes little room.
  @Test func archivesBeyondFourGiB() throws {
    try write([("a", 10)])
    let input = try InputFile(path: path)
    let directory = try ZIPDirectoryBytes(input)
    let file = try InPlaceFile(path: path)
    let offset = 5 << 30
    try file.truncate(to: directory.offset)
    let entries = directory.entries.flatMap { $0 }
    let end = ZIPEndRecord(count: 1, directoryOffset: offset, directoryBytes: entries.count)
    try file.write((entries + end.bytes).span, at: offset)
    file.close()
    let editor = try NPZEditor(path)
    try editor.add("far", try numbers(20))
    #expect(try editor.commit().unusedByteCount == offset - directory.offset)
    #expect(try counts() == ["a": 10, "far": 20])
    let again = try NPZEditor(path)
    try again.replace("far", try numbers(21))
    try again.commit()
    let script = """
      import sys, zipfile, numpy as np
      z = np.load(sys.argv[1])
      assert zipfile.ZipFile(sys.argv[1]).getinfo('far.npy').header_offset > 5 << 30
      print(len(z['a']), len(z['far']), zipfile.ZipFile(sys.argv[1]).testzip())
      """
    #expect(try Oracle.run(["-c", script, path]) == "10 21 None\n")
  }
}
