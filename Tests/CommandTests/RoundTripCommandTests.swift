import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// `tensorio roundtrip`, and `convert` with `--verify` and `--manifest`, from outside.
@Suite struct RoundTripCommandTests {
  private let demo = Repository.testFile("demo/mnist-mlp.npz")
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  // MARK: roundtrip

  @Test func demoFilesAreFaithful() throws {
    let result = try Command.run(
      "roundtrip", demo, Repository.testFile("demo/features-fortran.npy"),
      environment: ["TMPDIR": folder.url.path])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("mnist-mlp.npz: npz: faithful\n"))
    #expect(result.output.contains("features-fortran.npy: torch-zip: faithful\n"))
    #expect(result.output.contains("npz: faithful but for 1 declared loss\n"))
    #expect(try folder.contents().isEmpty)
  }

  @Test func declaredLossesAreNotesUnlessStrict() throws {
    let file = Repository.testFile("torch/valid/checkpoint.pt")
    let result = try Command.run("roundtrip", "--via", "npz", file)
    #expect(result.status == 0)
    #expect(result.output.contains("faithful but for"))
    #expect(result.errors.contains("not kept: the nesting"))
    #expect(try Command.run("roundtrip", "--via", "npz", "--strict", file).status == 1)
    #expect(try Command.run("roundtrip", "--via", "pt", "--strict", file).status == 0)
  }

  @Test func aFormatThatCannotHoldTheFile() throws {
    let result = try Command.run("roundtrip", "--via", "pt", demo)
    #expect(result.status == 2)
    #expect(result.errors.contains("U5"))
    #expect(try Command.run("roundtrip", folder.path("none.npy")).status == 2)
    #expect(try Command.run("roundtrip", "--via", "torch-tar", demo).status == 64)
    #expect(try Command.run("roundtrip", "--via", "npz,", demo).status == 64)
  }

  @Test func noTensorsAreNoSuccess() throws {
    try TensorArchive(ValueGraph(dictionary: [("a", .int(1))])).write(to: folder.path("a.pt"))
    #expect(try Command.run("roundtrip", folder.path("a.pt")).status == 1)
  }

  @Test func jsonHasEveryDifference() throws {
    let file = Repository.testFile("torch/valid/conj-neg.pt")
    let result = try Command.run("roundtrip", "--json", "--via", "npz,pt", file)
    let line = try #require(
      JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let results = try #require(line["results"] as? [[String: Any]])
    #expect(results.map { $0["format"] as? String } == ["torch-zip", "npz"])
    #expect(results[0]["outcome"] as? String == "faithful")
    #expect(results[1]["outcome"] as? String == "declared")
    let differences = try #require(results[1]["differences"] as? [[String: Any]])
    #expect(differences.contains { $0["axis"] as? String == "signs" })
  }

  // MARK: convert --verify

  @Test(arguments: ["x.npz", "x.pt", "out/"]) func whatIsRightIsKept(_ name: String) throws {
    let result = try Command.run(
      "convert", "--verify", "--json", "--include", "fc*", "--dtype", "floating:float16", demo,
      folder.path("") + name)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("\"verified\":true"))
  }

  /// A library that flips one bit of what the program writes, as a failing disk would.
  private func shim() throws -> String {
    let source = """
      #include <dlfcn.h>
      #include <stdlib.h>
      #include <string.h>
      #include <sys/types.h>
      ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
        static ssize_t (*real)(int, const void *, size_t, off_t);
        static long calls;
        if (!real) real = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
        if (calls++ != atol(getenv("FLIP_CALL")) || count == 0) return real(fd, bytes, count, offset);
        char *copy = malloc(count);
        memcpy(copy, bytes, count);
        copy[count / 2] ^= 4;
        ssize_t done = real(fd, copy, count, offset);
        free(copy);
        return done;
      }
      """
    let file = try folder.write(Array(source.utf8), "shim.c")
    let library = folder.path("shim.so")
    let result = try run(
      "/usr/bin/env", ["clang", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, file, "-ldl"])
    try #require(result.status == 0, "\(result.errors)")
    return library
  }

  /// Whichever write goes wrong: nothing is left, and what was there before stays.
  @Test(arguments: ["x.npz", "x.npy", "x.pt", "out/"]) func aFlippedBitIsNoticed(
    _ name: String
  ) throws {
    let library = try shim()
    let values = (0..<300).map { _ in Float.random(in: 1..<2) }
    try Tensor(values, shape: [300]).write(to: folder.path("in.npy"))
    let before = try folder.contents()
    var caught = 0
    for call in 0..<40 {
      let output = folder.path("") + name
      let result = try Command.run(
        "convert", "--verify", folder.path("in.npy"), output,
        environment: ["LD_PRELOAD": library, "FLIP_CALL": "\(call)"])
      if result.status == 0 {
        // No more writes than that, or a byte that nobody reads.
        try FileManager.default.removeItem(atPath: output)
        continue
      }
      caught += 1
      #expect(result.status == 2, "call \(call): \(result.errors)")
      #expect(result.errors.contains("was not kept"), "call \(call): \(result.errors)")
      #expect(try folder.contents() == before, "call \(call)")
    }
    #expect(caught > 0)
  }

  @Test func aReplacedFileStaysWhenTheNewOneIsWrong() throws {
    let library = try shim()
    try Tensor([1, 2, 3] as [Float]).write(to: folder.path("in.npy"))
    try Tensor([9] as [Float]).write(to: folder.path("x.npy"))
    let result = try Command.run(
      "convert", "--force", "--verify", folder.path("in.npy"), folder.path("x.npy"),
      environment: ["LD_PRELOAD": library, "FLIP_CALL": "1"])
    #expect(result.status == 2)
    #expect(try Tensor(contentsOf: folder.path("x.npy")).array(of: Float.self) == [9])
  }

  // MARK: convert --manifest

  @Test func aManifestIsOfWhatWasWritten() throws {
    let (output, manifest) = (folder.path("x.pt"), folder.path("m.json"))
    let arguments = [
      "convert", "--force", "--manifest", manifest, "--exclude", "class_names", "--rename",
      "step=count", "--dtype", "fc1*=bfloat16", demo, output,
    ]
    #expect(try Command.run(list: arguments).status == 0)
    let first = try bytes(of: manifest)
    let read = try Manifest(contentsOf: manifest)
    #expect(try read.check(output).isEmpty)
    #expect(read.sources.map(\.path) == [demo])
    let count = try #require(read.tensors.first { $0.after.name == "count" })
    #expect(count.before.name == "step" && count.before.sha256 == count.after.sha256)
    let weight = try #require(read.tensors.first { $0.after.name == "fc1/weight" })
    #expect(weight.before.dtype == "float32" && weight.after.dtype == "bfloat16")
    #expect((weight.cast?.maxAbsoluteError ?? 0) > 0 && count.cast == nil)
    // The same conversion, the same manifest.
    #expect(try Command.run(list: arguments).status == 0)
    #expect(try bytes(of: manifest) == first)
    // One bit of the output.
    var changed = try bytes(of: output)
    changed[changed.count / 2] ^= 1
    try folder.write(changed, "x.pt")
    #expect(try read.check(output).map(\.code).contains(.manifestMismatch))
  }

  @Test func aManifestOfAFolder() throws {
    let manifest = folder.path("m.json")
    #expect(
      try Command.run("convert", "--manifest", manifest, demo, folder.path("out") + "/").status == 0
    )
    let read = try Manifest(contentsOf: manifest)
    #expect(read.outputs.count == 6)
    #expect(try read.check(folder.path("out")).isEmpty)
    try Tensor([1] as [Int64]).write(to: folder.path("out/step.npy"))
    #expect(try read.check(folder.path("out")).isEmpty == false)
  }

  @Test func aManifestIsNotReplacedUnasked() throws {
    let manifest = try folder.write([1], "m.json")
    let result = try Command.run("convert", "--manifest", manifest, demo, folder.path("x.npz"))
    #expect(result.status == 2)
    #expect(try folder.contents() == ["m.json"])
    let nowhere = try Command.run(
      "convert", "--manifest", folder.path("no/m.json"), demo, folder.path("x.npz"))
    #expect(nowhere.status == 2)
    #expect(try folder.contents() == ["m.json"])
    let same = try Command.run(
      "convert", "--manifest", folder.path("x.npz"), demo, folder.path("x.npz"))
    #expect(same.status == 64)
    let spelt = try Command.run(
      "convert", "--manifest", folder.path("./x.npz"), demo, folder.path("x.npz"))
    #expect(spelt.status == 2)
    #expect(try TensorArchive(contentsOf: folder.path("x.npz")).names.count == 6)
    let input = try Command.run(
      "convert", "--force", "--manifest", folder.path("./x.npz"), folder.path("x.npz"),
      folder.path("y.npz"))
    #expect(input.status == 2)
    #expect(try TensorArchive(contentsOf: folder.path("x.npz")).names.count == 6)
  }
}
