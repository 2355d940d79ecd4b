import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// `tensorio convert --out-dir`, killed at any moment, interrupted, and in several processes.
@Suite(.serialized) struct BatchKillTests {
  private let folder: TemporaryFolder
  private let out: String
  init() throws {
    folder = try TemporaryFolder()
    out = folder.path("out")
  }

  private func inputs(_ count: Int, floats: Int) throws -> [String] {
    try (0..<count).map { number in
      let path = folder.path("f\(number).npz")
      let values = [Float](repeating: Float(number), count: floats)
      try TensorArchive([("w", try Tensor(values))]).write(to: path)
      return path
    }
  }

  private func command(_ files: [String], _ more: String...) -> [String] {
    ["convert", "--out-dir", out, "--to", "pt", "--jsonl"] + more + files
  }

  private func lines(_ output: String) throws -> [(input: String, status: String)] {
    try output.split(separator: "\n").map { line in
      let object = try JSONValue(parsing: Data(line.utf8))
      return (object["input"]?.text ?? "", object["status"]?.text ?? "")
    }
  }

  private func files(in path: String) throws -> [String: [UInt8]] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return try Dictionary(uniqueKeysWithValues: names.map { ($0, try bytes(of: "\(path)/\($0)")) })
  }

  /// After any kill the next run makes what is missing and nothing else, without --force.
  ///
  /// `TENSORIO_KILLS` sets how often.
  @Test(arguments: [false, true])
  func aKilledRunIsTakenUpAgain(_ replaces: Bool) throws {
    let kills =
      ProcessInfo.processInfo.environment["TENSORIO_KILLS"].flatMap { Int($0) } ?? 30
    let inputs = try inputs(12, floats: 1 << 15)
    let start = Date()
    #expect(try Command.run(list: command(inputs)).status == 0)
    let whole = Date().timeIntervalSince(start)
    let expected = try files(in: out)
    #expect(expected.count == 24)
    var (late, redone, strays) = (0, 0, 0)
    for kill in 0..<kills {
      try FileManager.default.removeItem(atPath: out)
      if replaces {
        // Everything is there, made with another option.
        #expect(try Command.run(list: command(inputs, "--dtype", "float64")).status == 0)
      }
      let program = try RunningProgram(Command.path, command(inputs))
      usleep(UInt32(Double.random(in: 0...whole * 1.1) * 1e6))
      program.send(SIGKILL)
      if try program.wait() == .exit(0) { late += 1 }
      let found = try files(in: out)
      let names = (0..<12).map { "f\($0).pt" }
      let missing = names.filter { found[$0] != expected[$0] }
      // Whatever is there is described by its manifest, or was there before.
      for name in names where found[name] == expected[name] {
        #expect(found[name + ".manifest.json"] == expected[name + ".manifest.json"], "kill \(kill)")
      }
      let again = try Command.run(list: command(inputs))
      #expect(again.status == 0, "kill \(kill): \(again.errors)")
      let converted = try lines(again.output).filter { $0.status == "converted" }.map(\.input)
      #expect(
        Set(converted) == Set(missing.map { folder.path($0.dropLast(3) + ".npz") }), "kill \(kill)")
      redone += converted.count
      let after = try files(in: out)
      // A name of its own exists between two system calls only.
      strays += after.keys.filter { $0.hasSuffix(".tmp") }.count
      #expect(after.filter { !$0.key.hasSuffix(".tmp") } == expected, "kill \(kill)")
    }
    print("kills: \(kills), \(late) too late, \(redone) files made again, \(strays) stray names")
  }

  /// The moment between the manifest's name and the output's, made by hand.
  @Test func aManifestWithoutItsOutput() throws {
    let inputs = try inputs(2, floats: 10)
    #expect(try Command.run(list: command(inputs)).status == 0)
    let expected = try files(in: out)
    try FileManager.default.removeItem(atPath: out + "/f0.pt")
    // The old output under the new manifest.
    try Data([1, 2, 3]).write(to: URL(filePath: out + "/f1.pt"))
    let again = try Command.run(list: command(inputs))
    #expect(again.status == 0, "\(again.errors)")
    #expect(try lines(again.output).map(\.status) == ["converted", "converted"])
    #expect(try files(in: out) == expected)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func anInterruptKeepsWhatIsFinished(_ signal: Int32) throws {
    let small = try inputs(3, floats: 10)
    // Eight sparse gigabytes: far from written when the signal comes.
    let count = 8 << 30
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(count),), }\n"
    let header =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
    let big = try folder.write(header, "big.npy")
    let grown = unsafe truncate(big, count + header.count)
    #expect(grown == 0)
    let all = small + [big] + (0..<20).map { folder.path("never\($0).npz") }
    let printed = try folder.write([], "printed")
    let program = try RunningProgram(
      Command.path, command(all, "--jobs", "1"), output: printed)
    // The lines of the small ones come as soon as they are done.
    var isWaiting = true
    for _ in 0..<20_000 where isWaiting {
      usleep(1000)
      isWaiting = try bytes(of: printed).filter { $0 == 0x0a }.count < 3
    }
    #expect(!isWaiting)
    program.send(signal)
    #expect(try program.wait() == .exit(130))
    let found = try files(in: out)
    #expect(Set(found.keys) == Set((0..<3).flatMap { ["f\($0).pt", "f\($0).pt.manifest.json"] }))
    let ended = try lines(String(decoding: try bytes(of: printed), as: UTF8.self))
    #expect(ended.count <= 4 && ended.prefix(3).allSatisfy { $0.status == "converted" })
  }

  /// What GNU parallel, array jobs and Spark do: processes share a list, and all is as one made it.
  @Test func processesShareAList() throws {
    let inputs = try inputs(60, floats: 100)
    #expect(try Command.run(list: command(inputs)).status == 0)
    let expected = try files(in: out)
    try FileManager.default.removeItem(atPath: out)
    let shards = try (1...3).map { number in
      try RunningProgram(
        Command.path, command(inputs, "--shard", "\(number)/3", "--jobs", "1"),
        output: folder.path("lines\(number)"))
    }
    for shard in shards { #expect(try shard.wait() == .exit(0)) }
    let printed = try (1...3).map {
      String(decoding: try bytes(of: folder.path("lines\($0)")), as: UTF8.self)
    }
    #expect(try lines(printed.joined()).map(\.input).sorted() == inputs.sorted())
    #expect(try files(in: out) == expected)

    try FileManager.default.removeItem(atPath: out)
    let list = inputs.joined(separator: "\0")
    // Lines come in one write each, so those of several processes do not mix.
    let script = "exec xargs -0 -r -n 7 -P 4 \"$@\" >> \"$0\""
    let arguments = ["-c", script, folder.path("all"), Command.path] + command([], "--jobs", "1")
    for status in ["converted", "skipped"] {
      try folder.write([], "all")
      let result = try run("/bin/sh", arguments, input: list)
      #expect(result.status == 0, "\(result.errors)")
      let all = try lines(String(decoding: try bytes(of: folder.path("all")), as: UTF8.self))
      #expect(all.map(\.input).sorted() == inputs.sorted())
      #expect(all.allSatisfy { $0.status == status })
      #expect(try files(in: out) == expected)
    }
    // Two that do the same at once do not harm each other.
    try FileManager.default.removeItem(atPath: out)
    let twins = try (0..<2).map { _ in try RunningProgram(Command.path, command(inputs)) }
    for twin in twins { #expect(try twin.wait() == .exit(0)) }
    #expect(try files(in: out) == expected)
  }

  /// Converting many files of 32 MiB each in as much memory as one takes.
  @Test func memoryStaysBounded() throws {
    let elements = 8 << 20
    let tensor = try Tensor(
      dtype: .float32, shape: [elements], strides: [0], storage: Tensor([1.5 as Float]).storage)
    let inputs = try (0..<8).map { number in
      let path = folder.path("f\(number).npy")
      try tensor.write(to: path)
      return path
    }
    let result = try run(
      "/bin/sh", ["-c", "ulimit -d 131072; exec \"$@\"", "sh", Command.path] + command(inputs))
    #expect(result.status == 0, "\(result.errors)")
  }
}
