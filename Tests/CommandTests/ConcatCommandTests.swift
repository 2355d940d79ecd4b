import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio concat` from outside.
@Suite struct ConcatCommandTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func array(_ name: String, _ shape: [Int], from first: Int32 = 0) throws -> String {
    let count = Int32(shape.reduce(1, *))
    try Tensor((0..<count).map { $0 + first }, shape: shape).write(to: folder.path(name))
    return folder.path(name)
  }

  private func refuses(
    _ arguments: String..., saying words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let names = try folder.contents()
    let result = try Command.run(list: ["concat"] + arguments)
    #expect(result.status == 2, "\(result)", sourceLocation: sourceLocation)
    for word in words {
      #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation)
    }
    #expect(try folder.contents() == names, sourceLocation: sourceLocation)
  }

  /// Arrays of all kinds along all axes, as NumPy joins them.
  @Test func arraysAreJoinedAsNumPyDoes() throws {
    let make = """
      import sys, numpy as np
      folder, random = sys.argv[1], np.random.default_rng(7)
      record = np.dtype([('a', '<f4'), ('b', '<i2', (2,))])
      for kind, dtype in enumerate(['<f4', '>i8', '|u1', '<c8', '<U3', record]):
          for axis in [0, 1, 2, -1]:
              parts = []
              for part, length in enumerate([3, 0, 1, 50]):
                  shape = [4, 5, 6]; shape[axis] = length
                  size = np.dtype(dtype).itemsize
                  raw = random.integers(0, 100, int(np.prod(shape)) * size, dtype=np.uint8)
                  array = (np.full(shape, 'äb%d' % part, '<U3') if dtype == '<U3' else raw.view(dtype).reshape(shape))
                  if part == 3: array = np.asfortranarray(array)
                  np.save(f'{folder}/{kind}.{axis}.{part}.npy', array); parts.append(array)
              np.save(f'{folder}/{kind}.{axis}.whole.npy', np.ascontiguousarray(np.concatenate(parts, axis)))
      """
    _ = try Oracle.run(["-c", make, folder.url.path])
    var checked = 0
    for kind in 0..<6 {
      for axis in ["0", "1", "2", "-1"] {
        let parts = (0..<4).map { folder.path("\(kind).\(axis).\($0).npy") }
        let out = folder.path("out.npy")
        let result = try Command.run(list: ["concat", "-o", out, "--axis", axis, "-f"] + parts)
        #expect(result.status == 0, "\(result)")
        #expect(try bytes(of: out) == bytes(of: folder.path("\(kind).\(axis).whole.npy")))
        checked += 1
      }
    }
    #expect(checked == 24)
  }

  @Test(arguments: ["out.npz", "out.pt", "out.safetensors"])
  func tensorsAreJoinedByName(_ name: String) throws {
    var sources: [String] = []
    for (index, level) in [nil, 6, nil].enumerated() {
      var options = WritingOptions()
      options.compressionLevel = level
      let path = folder.path("\(index).npz")
      let names = index == 1 ? ["y", "x"] : ["x", "y"]
      try TensorArchive(
        names.map { ($0, try Tensor([Int32](repeating: Int32(index), count: 6), shape: [3, 2])) }
      ).write(to: path, options: options)
      sources.append(path)
    }
    let out = folder.path(name)
    #expect(try Command.run(list: ["concat"] + sources + ["-o", out]).status == 0)
    let archive = try TensorArchive(contentsOf: out)
    #expect(archive.names == ["x", "y"])
    for entry in archive.entries {
      #expect(entry.tensor.shape == [9, 2])
      #expect(
        try entry.tensor.array(of: Int32.self)
          == (0..<3).flatMap { [Int32](repeating: $0, count: 6) })
    }
    #expect(try Command.run(list: ["concat"] + sources + ["-o", folder.path("x.npy")]).status == 2)
    let one = try Command.run(
      list: ["concat"] + sources + ["-o", folder.path("x.npy"), "--include", "x"])
    #expect(one.status == 0, "\(one)")
    try refuses(out, sources[0], "-o", out, saying: "exists")
    try TensorArchive([("x", try Tensor([1] as [Int32])), ("z", try Tensor([1] as [Int32]))])
      .write(to: folder.path("odd.npz"))
    try refuses(
      sources[0], folder.path("odd.npz"), "-o", folder.path("n.npz"), saying: "odd.npz", "'z'",
      "--include")
  }

  /// An output that is a source is replaced when all is read.
  @Test func aSourceMayBeTheOutput() throws {
    let path = try array("x.npy", [2, 2])
    #expect(try Command.run("concat", path, path, "-o", path, "--force").status == 0)
    #expect(try Tensor(contentsOf: path).array(of: Int32.self) == [0, 1, 2, 3, 0, 1, 2, 3])
    let json = try Command.run(
      "concat", path, "-o", folder.path("y.npz"), "--json", "--compress", "2")
    let value = try JSONValue(parsing: Data(json.output.utf8))
    #expect(value["tensors"]?.items[0]["shape"] == .ints([4, 2]))
  }

  @Test func whatDoesNotGoTogether() throws {
    let (out, good) = (folder.path("out.npy"), try array("good.npy", [2, 3]))
    try Tensor([1, 2, 3] as [Float], shape: [1, 3]).write(to: folder.path("float.npy"))
    try refuses(
      good, folder.path("float.npy"), "-o", out, saying: "float.npy", "float32", "int32")
    try refuses(good, try array("wide.npy", [2, 4]), "-o", out, saying: "wide.npy", "[2, 4]")
    try refuses(good, try array("flat.npy", [3]), "-o", out, saying: "flat.npy")
    try refuses(try array("scalar.npy", []), "-o", out, saying: "scalar.npy", "0-d")
    try refuses(good, "-o", out, "--axis", "2", saying: "no axis 2")
    try refuses(good, "-o", out, "--axis", "-3", saying: "no axis -3")
    try refuses(good, folder.path("none.npy"), "-o", out, saying: "none.npy", "No such file")
    try refuses(good, "-o", good, saying: "exists", "--force")
    try refuses(good, "-o", out, "--compress", "3", saying: "--compress")
    try refuses(
      Repository.testFile("npy/valid/object.npy"), "-o", out, saying: "object")
    #expect(try Command.run("concat", "-o", out).status == 64)
    #expect(try Command.run("concat", good).status == 64)
  }
}
