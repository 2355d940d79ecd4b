// Times TensorIO for the cases of numpy_bench.py and torch_bench.py, on the files that they prepare.
//
//     tensorio-bench CASE DIR REPEAT      prints {"CASE": [seconds, …], "CASE_bytes": n}

import TensorIO
import TensorVerify

/// What is timed, after an untimed preparation.
struct Case {
  /// How often the work is done in one run.
  var divisor = 1
  /// The name of the file written, which is measured and removed.
  var output: String?
  /// Makes the work; the folder ends in a slash.
  let prepare: (String) throws -> () throws -> Void
}

func loadAll(_ file: String) -> (String) throws -> () throws -> Void {
  { folder in { _ = try TensorArchive(contentsOf: folder + file).loaded() } }
}

/// Compares large.pt with another file, with the default tolerances of `numpy.allclose`.
func compare(with file: String) -> (String) throws -> () throws -> Void {
  { folder in
    {
      var options = DifferenceOptions()
      options.tolerances = .uniform(Tolerance(relative: 1e-5, absolute: 1e-8))
      let difference = try ArchiveDifference(
        between: TensorArchive(contentsOf: folder + "large.pt"),
        and: TensorArchive(contentsOf: folder + file), options: options)
      precondition(difference.isSame && difference.tensors.count == 64)
    }
  }
}

let opens = 1000

let cases: [String: Case] = [
  "open_mapped_npy": Case(divisor: opens) { folder in
    { for _ in 0..<opens { _ = try Tensor(contentsOf: folder + "walk.npy") } }
  },
  "load_npy_128mb": Case { folder in
    { _ = try Tensor(contentsOf: folder + "walk.npy").loaded() }
  },
  "save_npy_128mb": Case(output: "out-tensorio.npy") { folder in
    let tensor = try Tensor(contentsOf: folder + "walk.npy").loaded()
    return { try tensor.write(to: folder + "out-tensorio.npy") }
  },
  "npz_stored_open_touch": Case { folder in
    {
      let tensor = try TensorArchive(contentsOf: folder + "stored.npz").tensor("m2")
      let value = try tensor.withElements(of: Float.self) { $0[12_345] }
      precondition(value.isFinite)
    }
  },
  "npz_stored_load": Case(prepare: loadAll("stored.npz")),
  "npz_deflated_one": Case(prepare: loadAll("deflated-one.npz")),
  "npz_deflated_two": Case(prepare: loadAll("deflated-two.npz")),
  "savez": Case(output: "out-tensorio.npz") { folder in
    let archive = try TensorArchive([
      ("a", try Tensor(contentsOf: folder + "walk.npy").loaded())
    ])
    return { try archive.write(to: folder + "out-tensorio.npz") }
  },
  "savez_compressed": Case(output: "out-tensorio.npz") { folder in
    let array = try TensorArchive(contentsOf: folder + "deflated-two.npz").tensor("a").loaded()
    let archive = try TensorArchive([("a", array)])
    var options = WritingOptions()
    options.compressionLevel = 6
    return { try archive.write(to: folder + "out-tensorio.npz", options: options) }
  },
  "torch-open-10000": Case { folder in
    {
      let archive = try TensorArchive(contentsOf: folder + "many.pt")
      precondition(archive.entries.count == 10_000)
    }
  },
  "torch-open-mapped": Case(divisor: 100) { folder in
    {
      for _ in 0..<100 {
        let archive = try TensorArchive(contentsOf: folder + "large.pt")
        precondition(archive.entries.count == 64)
      }
    }
  },
  "safetensors-open-10000": Case { folder in
    {
      let archive = try TensorArchive(contentsOf: folder + "many.safetensors")
      var listed: [(String, DType, [Int])] = []
      for entry in archive.entries {
        listed.append((entry.name, entry.tensor.dtype, entry.tensor.shape))
      }
      precondition(listed.count == 10_000)
    }
  },
  "safetensors-load-256MB": Case(prepare: loadAll("large.safetensors")),
  "safetensors-save-256MB": Case(output: "out-tensorio.safetensors") { folder in
    let archive = try TensorArchive(contentsOf: folder + "large.pt").loaded()
    return { try archive.write(to: folder + "out-tensorio.safetensors") }
  },
  "torch-load-256MB": Case(prepare: loadAll("large.pt")),
  "torch-diff-equal": Case(prepare: compare(with: "large-same.pt")),
  "torch-diff-close": Case(prepare: compare(with: "large-close.pt")),
  "torch-save-256MB": Case(output: "out-tensorio.pt") { folder in
    let archive = try TensorArchive(contentsOf: folder + "large.pt").loaded()
    return { try archive.write(to: folder + "out-tensorio.pt") }
  },
]

@MainActor
func measure(_ name: String, _ folder: String, _ count: Int) throws {
  guard let chosen = cases[name] ?? conversions[name] else {
    throw TensorIOError(.invalidArgument, "no case \(name)")
  }
  let work = try chosen.prepare(folder)
  try work()
  let clock = ContinuousClock()
  var times: [Double] = []
  for _ in 0..<count {
    let time = try clock.measure(work) / .seconds(1)
    times.append(time / Double(chosen.divisor))
  }
  var fields = ["\"\(name)\": \(times)"]
  if let output = chosen.output {
    fields.append("\"\(name)_bytes\": \(try InputFile(path: folder + output).byteCount)")
  }
  print("{" + fields.joined(separator: ", ") + "}")
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let count = Int(arguments[3]) else {
  print(
    "usage: tensorio-bench CASE DIR REPEAT; cases: \((Array(cases.keys) + conversions.keys).sorted())"
  )
  throw TensorIOError(.invalidArgument, "three arguments are needed")
}
try measure(arguments[1], arguments[2].hasSuffix("/") ? arguments[2] : arguments[2] + "/", count)
