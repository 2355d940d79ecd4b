import Foundation
import TensorIO
import TestSupport
import Testing

/// What the command does when the system refuses: disk, files, memory, output.
@Suite struct FaultTests {
  private let demo = Repository.testFile("demo/mnist-mlp.npz")
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func shell(_ script: String, _ arguments: String...) throws -> ProgramResult {
    try run("/bin/sh", ["-c", script, Command.path] + arguments)
  }

  // MARK: A full disk

  /// The old file stays as it is, and nothing new beside it.
  @Test(arguments: ["out.npz", "out.pt", "out.npy"])
  func aLimitOnFileSizesKeepsTheOldFile(_ name: String) throws {
    try Tensor.zeros([1 << 18], dtype: .float64).write(to: folder.path("big.npy"))
    let output = try folder.write([1, 2, 3], name)
    let result = try shell(
      "ulimit -f 100; exec \"$0\" convert \"$1\" \"$2\" --force", folder.path("big.npy"), output)
    #expect(result.status == 2 && !result.wasKilled)
    #expect(result.errors.contains(output) && result.errors.contains("File too large"))
    #expect(try bytes(of: output) == [1, 2, 3])
    #expect(try folder.contents() == ["big.npy", name])
  }

  /// A disk of 4 MB, where the system lets us make one.
  @Test func aFullDiskKeepsTheOldFile() throws {
    let disk = folder.path("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
    guard try shell("mount -t tmpfs -o size=4m tmpfs \"$1\"", disk).status == 0 else {
      print("no full disk was tried: mounting a tmpfs is not allowed here")
      return
    }
    defer { _ = try? shell("umount \"$1\"", disk) }
    try Tensor.zeros([1 << 20], dtype: .float64).write(to: folder.path("big.npy"))
    for name in ["out.npz", "out.pt", "out.npy"] {
      let output = "\(disk)/\(name)"
      try Data([1, 2, 3]).write(to: URL(filePath: output))
      for arguments in [[output, "--force"], [disk + "/new-" + name]] {
        let result = try Command.run(list: ["convert", folder.path("big.npy")] + arguments)
        #expect(result.status == 2)
        #expect(result.errors.contains(arguments[0]), "\(result.errors)")
        #expect(result.errors.contains("the disk is too full: 8388"), "\(result.errors)")
        #expect(try bytes(of: output) == [1, 2, 3])
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == [name])
      try FileManager.default.removeItem(atPath: output)
    }
    let into = try Command.run("convert", folder.path("big.npy"), disk + "/folder/")
    #expect(into.status == 2)
    #expect(into.errors.contains("8388608 bytes are needed"), "\(into.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == [])
    // What is compressed may fit, whatever it was; nothing else is known before it is written.
    let small = try Command.run(
      "convert", "--compress", "1", folder.path("big.npy"), disk + "/s.npz")
    #expect(small.status == 0, "\(small.errors)")
    let noise = try Tensor((0..<(1 << 20)).map { _ in UInt64.random(in: 0...(.max)) })
    try noise.write(to: folder.path("noise.npy"))
    let large = try Command.run(
      "convert", "--compress", "1", folder.path("noise.npy"), disk + "/l.npz")
    #expect(large.status == 2)
    #expect(large.errors.contains("No space left on device"), "\(large.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == ["s.npz"])
    // What is replaced stays until the new file is whole, so its room is not free.
    try Tensor.zeros([3 << 20], dtype: .uint8).write(to: folder.path("three.npy"))
    #expect(try Command.run("convert", folder.path("three.npy"), disk + "/t.npy").status == 0)
    let again = try Command.run("convert", "--force", folder.path("three.npy"), disk + "/t.npy")
    #expect(again.status == 2 && again.errors.contains("3145728 bytes are needed"))
    // Of a batch, those that fit are written.
    try Tensor.zeros([100], dtype: .uint8).write(to: folder.path("tiny.npy"))
    let batch = try Command.run(
      "convert", "--jsonl", "--out-dir", disk + "/out", "--to", "npz", folder.path("three.npy"),
      folder.path("tiny.npy"))
    #expect(batch.status == 2, "\(batch)")
    let made = try FileManager.default.contentsOfDirectory(atPath: disk + "/out").sorted()
    #expect(made == ["tiny.npz", "tiny.npz.manifest.json"])
  }

  // MARK: Inputs that are no files

  /// Refused at once: nobody waits for a FIFO's writer, and a device has no end.
  @Test func inputsThatAreNoFilesAreRefusedAtOnce() throws {
    let fifo = folder.path("fifo")
    let loop = folder.path("loop")
    #expect(unsafe mkfifo(fifo, 0o600) == 0)
    try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
    let inputs = [
      fifo, loop, folder.url.path, folder.path("nothing"), "/dev/zero", "/dev/null", "/dev/tty",
      "/proc/self/mem", "/proc/self/cmdline", demo + "/x",
    ]
    for input in inputs {
      for verb in [["ls", "--json"], ["hash"], ["stats"], ["show"]] {
        let result = try shell(
          "timeout -s KILL 20 \"$0\" \"$@\"", verb[0], verb.count > 1 ? verb[1] : "--json", input)
        // Folders hold files, and this one has none of ours.
        #expect(result.status == 2 && !result.wasKilled, "\(verb) \(input): \(result)")
        #expect(result.errors.contains(input), "\(verb) \(input): \(result.errors)")
      }
      let output = folder.path("out.npz")
      let result = try shell("timeout -s KILL 20 \"$0\" convert \"$1\" \"$2\"", input, output)
      #expect(result.status == 2 && !result.wasKilled, "convert \(input): \(result)")
      #expect(!FileManager.default.fileExists(atPath: output))
    }
  }

  // MARK: Output that nobody takes

  @Test(arguments: [
    ["ls", "--json"], ["ls"], ["hash"], ["show"], ["stats"], ["scan"],
  ])
  func anOutputThatFailsIsAnError(_ verb: [String]) throws {
    let input = verb == ["show"] ? Repository.testFile("demo/labels.npy") : demo
    let arguments = (verb + [input]).map { "'\($0)'" }
    let result = try shell("exec \"$0\" \(arguments.joined(separator: " ")) > /dev/full")
    #expect(result.status == 2 && !result.wasKilled, "\(verb): \(result)")
    #expect(result.errors.contains("No space left on device"), "\(verb): \(result.errors)")
  }

  // MARK: Little memory

  /// With ever less address space: success, a line and status 2, or an abort, which Swift's own
  /// allocations end in; never a part of a file, and never waiting for a thread that cannot be made.
  @Test func littleMemoryLeavesNoPartOfAFile() throws {
    let input = folder.path("in.npz")
    let whole = folder.path("whole.npz")
    let values = [Float](repeating: 1, count: 1 << 20)
    try TensorArchive([("a", Tensor(values)), ("b", Tensor(values))]).write(to: input)
    #expect(try Command.run("convert", input, whole, "--compress", "1").status == 0)
    let script = """
      for size in $(seq 20 20 420); do
        rm -f "$3"
        timeout -s KILL 60 sh -c 'ulimit -v $1; shift; exec "$@" --compress 1' sh $((size * 1024)) \
          "$0" convert "$1" "$3" 2>/dev/null
        status=$?
        if [ -e "$3" ]; then cmp -s "$2" "$3" && file=whole || file=part; else file=none; fi
        echo "$status $file"
      done
      """
    let result = try shell(script, input, whole, folder.path("out.npz"))
    let outcomes = result.output.split(separator: "\n").map(String.init)
    var counts: [String: Int] = [:]
    for outcome in outcomes { counts[outcome, default: 0] += 1 }
    print("little memory, status and file: \(counts.sorted { $0.key < $1.key })")
    #expect(outcomes.count == 21)
    // 127: the loader had no room for the libraries; 134 and 132: an abort and a trap.
    let allowed = ["0 whole", "2 none", "127 none", "132 none", "133 none", "134 none", "139 none"]
    #expect(outcomes.allSatisfy { allowed.contains($0) })
    #expect(Set(try folder.contents()).subtracting(["out.npz"]) == ["in.npz", "whole.npz"])
  }
}
