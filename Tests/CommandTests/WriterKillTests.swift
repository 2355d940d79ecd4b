import Foundation
import TensorIO
import TestSupport
import Testing

/// Writers in place, killed at any moment.
@Suite(.serialized) struct WriterKillTests {
  private let folder: TemporaryFolder
  private let program: String
  private let seed: UInt64
  private let kills: Int

  init() throws {
    folder = try TemporaryFolder()
    program =
      URL(filePath: Command.path).deletingLastPathComponent().appending(path: "killed-writer").path
    let environment = ProcessInfo.processInfo.environment
    seed = environment["TENSORIO_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...(.max))
    kills = environment["TENSORIO_KILLS"].flatMap { Int($0) } ?? 200
  }

  /// The last number that the program printed, in a whole line.
  private func lastNumber(_ path: String) throws -> Int? {
    let text = String(decoding: try bytes(of: path), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    return lines.last.flatMap { Int($0.split(separator: " ").last ?? "") }
  }

  /// Starts the program and kills it after up to so many microseconds; answers what it printed last.
  private func kill(
    _ arguments: [String], after microseconds: UInt64, _ random: inout SplitMix
  ) throws -> Int? {
    let output = try folder.write([], "out")
    let errors = try folder.write([], "err")
    let process = try RunningProgram(program, arguments, output: output, errors: errors)
    usleep(UInt32(random.next() % microseconds))
    process.send(SIGKILL)
    let ending = try process.wait()
    let complaint = String(decoding: try bytes(of: errors), as: UTF8.self)
    #expect(ending == .signal(SIGKILL), "\(complaint)")
    return try lastNumber(output)
  }

  /// A whole number of rows with the right content, and none fewer than the last flush returned for.
  ///
  /// NumPy opens what each kill left, many files in one process.
  @Test func aKilledWriterLosesNoFlushedRow() throws {
    print("kills of a writer of rows: seed \(seed)")
    var random = SplitMix(state: seed)
    let script = """
      import sys, numpy as np
      rows = 0
      for line in open(sys.argv[1]):
          name, flushed = line.split()
          array = np.load(name)
          assert array.dtype == np.int64 and array.shape[1:] == (3,), (name, array.shape)
          assert len(array) >= int(flushed), (name, array.shape, flushed)
          assert np.array_equal(array.ravel(), np.arange(array.size)), name
          assert np.array_equal(np.load(name, mmap_mode='r'), array), name
          rows += len(array)
      print(rows)
      """
    var (flushes, leftovers, total, checked) = (0, 0, 0, 0)
    var list: [(String, Int)] = []
    func check() throws {
      let names = list.map { "\($0.0) \($0.1)\n" }.joined()
      let result = try Oracle.run(["-c", script, try folder.write(Array(names.utf8), "list")])
      total += Int(result.dropLast()) ?? 0
      checked += list.count
      for (name, _) in list { try FileManager.default.removeItem(atPath: name) }
      list = []
    }
    let path = folder.path("rows.npy")
    var flushed = 0
    for index in 0..<kills {
      if index % 5 == 0 {
        // A new file, or the copies would fill the disk.
        try NPYWriter(creating: path, dtype: .int64, rowShape: [3], replacing: true).close()
        flushed = 0
      }
      if let count = try kill(["npy", path, "3"], after: 40_000, &random) {
        #expect(count >= flushed, "kill \(index): \(count) rows were found or flushed")
        flushes += count > flushed ? 1 : 0
        flushed = count
      }
      let copy = folder.path("kill-\(index).npy")
      try FileManager.default.copyItem(atPath: path, toPath: copy)
      let size = try bytes(of: copy).count
      let rows = try Tensor(contentsOf: copy).shape[0]
      leftovers += size > 128 + 24 * rows ? 1 : 0
      list.append((copy, flushed))
      if list.count == 25 { try check() }
    }
    try check()
    print(
      "kills of a writer of rows: \(kills), NumPy read \(checked) files with \(total) rows, "
        + "\(flushes) kills after a flush, \(leftovers) left uncounted bytes")
    #expect(checked == kills)
  }

  /// The old archive or the new one, once an editor has opened it.
  @Test func aKilledEditorLeavesOneArchiveOrTheOther() throws {
    print("kills of an editor: seed \(seed)")
    var random = SplitMix(state: seed)
    let script = """
      import sys, zipfile, numpy as np
      for line in open(sys.argv[1]):
          name, least, most = line.split()
          archive = np.load(name)
          last = int(archive['round'][0])
          assert int(least) <= last <= int(most), line
          assert sorted(archive.files) == sorted(['round'] + ['m%d' % n for n in range(max(1, last - 2), last + 1)]), (line, archive.files)
          for n in range(max(1, last - 2), last + 1):
              array = archive['m%d' % n]
              assert array.dtype == np.int64 and len(array) > 0 and (array == n).all(), (line, n)
          assert zipfile.ZipFile(name).testzip() is None, line
      """
    let path = folder.path("x.npz")
    let kills = max(50, kills / 2)
    var (committed, torn) = (0, 0)
    var recoveries: [NPZEditor.Recovery: Int] = [:]
    var list = ""
    for index in 0..<kills {
      if index % 10 == 0 {
        try TensorArchive([("round", try Tensor([0] as [Int64]))]).write(to: path)
        committed = 0
      }
      let last = try kill(["npz", path], after: 60_000, &random)
      torn += (try? TensorArchive(contentsOf: path)) == nil ? 1 : 0
      let editor = try NPZEditor(path)
      if let recovery = editor.recovery { recoveries[recovery, default: 0] += 1 }
      editor.cancel()
      let copy = folder.path("kill-\(index).npz")
      try FileManager.default.copyItem(atPath: path, toPath: copy)
      committed = max(committed, last ?? 0)
      // The next edit may have been written when its line was not.
      list += "\(copy) \(committed) \(committed + 1)\n"
      committed = Int(
        try TensorArchive(contentsOf: path).tensor("round").array(of: Int64.self)[0])
    }
    _ = try Oracle.run(["-c", script, try folder.write(Array(list.utf8), "list")])
    let hidden = try folder.contents().filter { $0.hasPrefix(".") && !$0.hasSuffix(".tmp") }
    print(
      "kills of an editor: \(kills), \(torn) left an archive that could not be read, "
        + "\(recoveries[.undone] ?? 0) edits undone, \(recoveries[.completed] ?? 0) completed")
    #expect(hidden.isEmpty)
  }
}
