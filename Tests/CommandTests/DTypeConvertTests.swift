import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio convert --dtype` from outside.
@Suite struct DTypeConvertTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func convert(_ arguments: String...) throws -> ProgramResult {
    try Command.run(list: ["convert"] + arguments)
  }

  private func write(_ tensors: [(String, Tensor)], _ name: String = "in.npz") throws -> String {
    try TensorArchive(tensors).write(to: folder.path(name))
    return folder.path(name)
  }

  private func object(_ line: some StringProtocol) throws -> [String: Any] {
    let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return try #require(parsed as? [String: Any])
  }

  // MARK: The originals

  /// A checkpoint that PyTorch wrote, converted here, is bit for bit what PyTorch makes of it.
  @Test func pyTorchLoadsTheSame() throws {
    guard let python = Oracle.python, Oracle.hasTorch else {
      if Repository.isCI { Issue.record("no Python with PyTorch: script/test --with-torch") }
      return print("LIVE CASTS LEFT OUT: no Python with PyTorch")
    }
    let script = Repository.root.appending(path: "Tests/Oracle/live_casts.py").path
    func check(_ arguments: String...) throws {
      let result = try run(python, ["-W", "error", script] + arguments)
      #expect(result.status == 0, "\(result.output)\(result.errors.suffix(1000))")
    }
    let (file, out, arrays) = (folder.path("a.pt"), folder.path("b.pt"), folder.path("b.npz"))
    try check("make", file)
    let result = try convert(
      file, out, "--dtype", "floating:bfloat16", "--dtype", "*norm*=float32")
    // Doubles past the largest bfloat16 and the like.
    #expect(result.status <= 1, "\(result.errors)")
    #expect(result.errors.contains("converted float32 to bfloat16 (9 tensors)"))
    try check("check", file, out)
    let numbers = try convert(file, arrays, "--select", "model", "--dtype", "floating:float16")
    #expect(numbers.status == 1 && numbers.errors.contains("too large for the dtype"))
    try check("check-npz", file, arrays)
  }

  // MARK: What is said

  @Test func theReportIsPrintedAndInJSON() throws {
    let file = try write([
      ("a", try Tensor([1, 2.5, 1e30] as [Float])), ("b", try Tensor([0.1] as [Double])),
      ("n", try Tensor([1] as [Int64])),
    ])
    let out = folder.path("x.npz")
    let result = try convert("--json", "--dtype", "floating:float16", file, out)
    #expect(result.status == 1)
    #expect(
      result.errors.contains(
        "note: \(out): converted float32 to float16 (1 tensor), float64 to float16 (1 tensor)"))
    #expect(result.errors.contains("note: \(out): 2 of 4 numbers changed; by at most"))
    #expect(
      result.errors.contains(
        "warning: \(out): 1 number too large for the dtype, most of them in 'a'"))
    let json = try object(result.output)
    let conversion = try #require(json["conversion"] as? [String: Any])
    #expect(conversion["policy"] as? String == "checked")
    let total = try #require(conversion["total"] as? [String: Any])
    #expect(total["count"] as? Int == 4 && total["overflowed"] as? Int == 1)
    let tensors = try #require(conversion["tensors"] as? [[String: Any]])
    #expect(tensors.map { $0["names"] as? [String] } == [["a"], ["b"]])
    #expect(tensors.map { $0["from"] as? String } == ["float32", "float64"])
    #expect(tensors.map { $0["to"] as? String } == ["float16", "float16"])
    #expect(tensors.map { $0["changed"] as? Int } == [1, 1])
    #expect(
      Set(total.keys) == [
        "count", "changed", "overflowed", "nan_changes", "max_absolute_error",
        "max_relative_error", "max_ulp_error",
      ])
    let array = try TensorArchive(contentsOf: out)
    #expect(try array.tensor("n").dtype == .int64 && array.tensor("a").dtype == .float16)
    // Without rules nothing is said.
    let plain = try convert("--json", "--force", file, out)
    #expect(plain.status == 0)
    #expect(try object(plain.output)["conversion"] == nil)
    #expect(plain.errors == "")
  }

  /// Other policies say by name what becomes of such numbers.
  @Test func onlyTheDefaultPolicyWarns() throws {
    let file = try write([("a", try Tensor([1e30, .nan] as [Float]))])
    let out = folder.path("x.npz")
    let saturated = try convert("--dtype", "int8", "--cast-policy", "saturating", file, out)
    #expect(saturated.status == 0)
    #expect(try TensorArchive(contentsOf: out).tensor("a").array(of: Int8.self) == [127, 0])
    #expect(saturated.errors.contains("note: \(out): ") && !saturated.errors.contains("warning"))
    let exact = try convert("--force", "--dtype", "float64", "--cast-policy", "exact", file, out)
    #expect(exact.status == 0 && exact.errors.contains("0 of 2 numbers changed"))
    let same = try convert("--force", "--dtype", "float32", file, out)
    #expect(same.status == 0)
    #expect(same.errors.contains("all tensors that the rules are about have their dtypes"))
  }

  @Test func refusalsLeaveNothing() throws {
    let file = try write([
      ("ok", try Tensor([1 as Float])), ("bad", try Tensor([1, 300] as [Float])),
    ])
    for (output, policy) in [("x.npz", "checked"), ("x.pt", "exact"), ("x/", "checked")] {
      let result = try convert(
        file, folder.path("x") + output.dropFirst(), "--dtype", "uint8", "--cast-policy", policy,
        "--json")
      #expect(result.status == 2)
      #expect(result.errors.contains("tensor 'bad': element 1 is 300"), "\(result.errors)")
      #expect(result.errors.contains("(--cast-policy)"))
      let error = try object(result.output)["error"] as? [String: Any]
      #expect(error?["code"] as? String == "lossy" && error?["tensor"] as? String == "bad")
      #expect(try folder.contents() == ["in.npz"])
    }
  }

  @Test func wrongRulesAreRefused() throws {
    let file = try write([("a", try Tensor([1 as Float]))])
    let out = folder.path("x.npz")
    for rule in ["", "float31", "float", "=half", "floats:half", "qint8"] {
      let result = try convert(file, out, "--dtype", rule)
      #expect(result.status == 64, "\(rule)")
      #expect(result.errors.contains("--dtype: the rule '\(rule)'"))
    }
    #expect(try convert(file, out, "--cast-policy", "exact").status == 64)
    #expect(try convert(file, out, "--cast-policy", "most", "--dtype", "half").status == 64)
    let none = try convert(file, out, "--dtype", "b*=float16")
    #expect(none.status == 2 && none.errors.contains("the rule 'b*=float16' is about nothing"))
    #expect(try folder.contents() == ["in.npz"])
  }

  @Test func strictCountsLossesAndNotRounding() throws {
    let base = try Tensor([1.1, 2, 3, 4] as [Float])
    let file = try write([("a", try base[0..<2]), ("b", base)], "in.pt")
    let out = folder.path("x.pt")
    #expect(try convert("--strict", "--dtype", "bfloat16", file, out).status == 0)
    let split = try convert(
      "--force", "--strict", "--dtype", "bfloat16", "--dtype", "a=float64", file, out)
    #expect(split.status == 2)
    #expect(split.errors.contains("'b': not kept: that it shares its storage with 'a'"))
    #expect(try TensorArchive(contentsOf: out).aliasGroups.count == 1)
    let quantized = Repository.testFile("torch/valid/quantized-quint8.pt")
    let numbers = try convert(
      "--strict", "--dtype", "quantized:float32", quantized, folder.path("q.pt"))
    #expect(numbers.status == 2 && numbers.errors.contains("scales and zero points"))
    #expect(
      try convert("--dtype", "quantized:float32", quantized, folder.path("q.npz")).status == 0)
  }

  /// Names are those in the file, whatever becomes of them.
  @Test func rulesGoWithOtherOptions() throws {
    let checkpoint = Repository.testFile("torch/valid/checkpoint.pt")
    let out = folder.path("x.npz")
    let result = try convert(
      checkpoint, out, "--include", "model", "--rename", "model.0.weight=w", "--dtype",
      "model=float16", "--dtype", "model.0.weight=float64")
    #expect(result.status == 0, "\(result.errors)")
    let archive = try TensorArchive(contentsOf: out)
    #expect(try archive.tensor("w").dtype == .float64)
    #expect(try archive.tensor("model.0.bias").dtype == .float16)
    // What is left out has no part in it.
    let gone = try convert(
      "--force", checkpoint, out, "--include", "model", "--dtype", "optimizer=float16")
    #expect(gone.status == 2 && gone.errors.contains("is about nothing"))
    let (one, two) = (folder.path("1.npy"), folder.path("2.npy"))
    try Tensor([1 as Float]).write(to: one)
    try Tensor([2 as Float]).write(to: two)
    #expect(try convert("--force", one, two, out, "--dtype", "2=float16").status == 0)
    #expect(try TensorArchive(contentsOf: out).tensor("2").dtype == .float16)
    #expect(try convert(one, folder.path("3.npy"), "--dtype", "float64").status == 0)
    #expect(try Tensor(contentsOf: folder.path("3.npy")).array(of: Double.self) == [1])
  }

  /// Converting what is much larger than the memory it is allowed, from and to every form.
  @Test func memoryStaysBounded() throws {
    let elements = 40 << 20
    let tensor = try Tensor(
      dtype: .float32, shape: [elements], strides: [0], storage: Tensor([1.7 as Float]).storage)
    try tensor.write(to: folder.path("big.npy"))
    func status(_ arguments: String...) throws -> Int {
      let result = try run(
        "/bin/sh",
        ["-c", "ulimit -d 98304; exec \"$@\"", "sh", Command.path, "convert"] + arguments)
      return Int(result.status)
    }
    let rule = "--dtype=floating:bfloat16"
    #expect(try status(folder.path("big.npy"), folder.path("s.pt")) == 0)
    #expect(try status(folder.path("s.pt"), folder.path("h.pt"), rule) == 0)
    #expect(try status(folder.path("s.pt"), folder.path("h.npz"), "--compress", "1", rule) == 0)
    #expect(
      try status(
        folder.path("h.npz"), folder.path("h.npy"), "--void-as", "bfloat16",
        "--dtype", "float64") == 0)
    #expect(
      try Tensor(contentsOf: folder.path("h.npy"))[elements - 1].array(of: Double.self)
        == [Double(BFloat16(1.7).float)])
  }
}
