import TensorIO
import TestSupport
import Testing

/// Which tensors rules for dtypes are about.
@Suite struct ConversionRulesTests {
  private func dtypes(
    _ archive: TensorArchive, _ rules: String...
  ) throws -> [String: String] {
    let result = try archive.converting(ConversionRules(rules)).archive
    return Dictionary(uniqueKeysWithValues: result.entries.map { ($0.name, "\($0.tensor.dtype)") })
  }

  private func refusal(_ archive: TensorArchive, _ rules: String...) throws -> String {
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
      try archive.converting(ConversionRules(rules))
    }
    return error?.reason ?? ""
  }

  /// One tensor of every class, and some without numbers.
  private func sample() throws -> TensorArchive {
    try TensorArchive([
      ("w", try Tensor([1.5, 2] as [Float])), ("norm", try Tensor([1.5] as [Double])),
      ("n", try Tensor([7] as [Int64])), ("mask", try Tensor([true])),
      ("z", try Tensor([Complex<Float>(1, 0)])), ("h", try Tensor([BFloat16(1)])),
      ("text", try Tensor.zeros([2], dtype: .string(count: 3))),
      ("a=b:c", try Tensor([2 as Float])),
    ])
  }

  private let unchanged = [
    "w": "float32", "norm": "float64", "n": "int64", "mask": "bool", "z": "complex64",
    "h": "bfloat16", "text": "U3", "a=b:c": "float32",
  ]

  @Test(arguments: [
    (["float32"], ["w", "norm", "n", "mask", "z", "h", "a=b:c"]),
    (["floating:float32"], ["w", "norm", "h", "a=b:c"]),
    (["integer:float32"], ["n", "w", "a=b:c"]),
    (["complex:float32"], ["z", "w", "a=b:c"]), (["bool:float32"], ["mask", "w", "a=b:c"]),
    (["float64:float32"], ["norm", "w", "a=b:c"]), (["double:f32"], ["norm", "w", "a=b:c"]),
    (["n*=float32"], ["norm", "n", "w", "a=b:c"]),
    (["n*=floating:float32"], ["norm", "w", "a=b:c"]),
    (["[nm]*=fp32"], ["norm", "n", "mask", "w", "a=b:c"]),
  ])
  func classesAndPatterns(_ rules: [String], _ floats: [String]) throws {
    var expected = unchanged
    for name in floats { expected[name] = "float32" }
    let result = try sample().converting(ConversionRules(rules)).archive
    for entry in result.entries {
      #expect("\(entry.tensor.dtype)" == expected[entry.name], "\(rules) \(entry.name)")
    }
  }

  @Test func theLastRuleCounts() throws {
    let archive = try sample()
    let found = try dtypes(archive, "floating:float16", "norm=float32", "w=float64", "w=bfloat16")
    #expect(found["w"] == "bfloat16" && found["norm"] == "float32" && found["h"] == "float16")
    #expect(try dtypes(archive, "norm=float32", "floating:float16")["norm"] == "float16")
    // To stay what it is, is a rule too.
    #expect(try dtypes(archive, "floating:float16", "w=float32")["w"] == "float32")
  }

  /// The last = ends the pattern, which may hold both signs.
  @Test func patternsMayHoldTheSigns() throws {
    let archive = try sample()
    #expect(try dtypes(archive, "a=b:c=float16")["a=b:c"] == "float16")
    #expect(try dtypes(archive, "a=*=floating:float16")["a=b:c"] == "float16")
    #expect(try dtypes(archive, "*:c=float16")["a=b:c"] == "float16")
    #expect(throws: TensorIOError(.invalidArgument, "")) { try ConversionRules(["a=b:c"]) }
  }

  @Test(arguments: [
    "", "=float32", "x=", "float", "int", "fp8", "f8", "f16", "i8", "u8", "float8_e4m3", "single",
    "floating", "floating:", ":float32", "floats:float16", "floating:float16:float32",
    "floating:fp8", "x=y", "quint8", "floating:qint8", "U3", "object", "float16:object",
    "object:float16", "bits8:float16", "float32 ", "Float32",
  ])
  func whatIsNoRuleIsRefused(_ text: String) throws {
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
      try ConversionRules(["float32", text])
    }
    #expect(error?.reason.contains("the rule '\(text)'") == true)
  }

  @Test func ambiguousNamesSayTheirMeanings() throws {
    for (name, meaning) in [("float", "float64 in NumPy"), ("fp8", "float8_e5m2"), ("i8", "int8")] {
      let error = #expect(throws: TensorIOError.self) { try ConversionRules([name]) }
      #expect(error?.reason.contains(meaning) == true)
    }
  }

  @Test func rulesAboutNothingAreErrors() throws {
    let archive = try sample()
    #expect(
      try refusal(archive, "float16", "zz*=float32").contains("'zz*=float32' is about nothing"))
    #expect(try refusal(archive, "quantized:float32").contains("no quantized tensors"))
    #expect(try refusal(archive, "n=floating:float16").contains("no floating-point tensors"))
    #expect(try refusal(archive, "text=float16").contains("'text' is of U3"))
    #expect(try refusal(archive, "te*=float16").contains("'text' is of U3"))
    // One that is overruled is about something.
    #expect(try dtypes(archive, "w=float16", "float64")["w"] == "float64")
    #expect(throws: TensorIOError.self) {
      try TensorArchive(ValueGraph(list: [])).converting(ConversionRules(["float16"]))
    }
    #expect(try archive.converting(ConversionRules()).parts.isEmpty)
  }

  /// What holds for a container holds for what is in it; both names of a module's parts will do.
  @Test(arguments: ["first", "_modules.first", "first.weight", "_modules.first._parameters.weight"])
  func namesAreThoseOfEdits(_ pattern: String) throws {
    let archive = try TensorArchive(contentsOf: Repository.testFile("torch/valid/module-class.pt"))
    let (weight, tied) = ("_modules.first._parameters.weight", "_modules.head._parameters.weight")
    // Both are one tensor.
    #expect(try refusal(archive, "\(pattern)=float16").contains("'\(tied)' stays float32"))
    let rules = try ConversionRules(["\(pattern)=float16", "\(tied)=float16"])
    let result = try archive.converting(rules).archive
    let changed = Set(result.entries.filter { $0.tensor.dtype == .float16 }.map(\.name))
    #expect(changed.isSuperset(of: [weight, tied]))
    #expect(changed.allSatisfy { $0.hasPrefix("_modules.first") || $0 == tied })
    #expect(changed.count == 2)
  }

  /// One tensor under two names is one tensor.
  @Test func rulesThatDisagreeAboutATensorAreErrors() throws {
    var graph = ValueGraph(.none)
    let tensor = graph.add(.tensor(try Tensor([1 as Float])))
    graph.setRoot(
      graph.add(
        .dictionary([(graph.add(.string("a")), tensor), (graph.add(.string("b")), tensor)])))
    let archive = try TensorArchive(graph)
    let reason = try refusal(archive, "a=float16")
    #expect(reason.contains("'a' becomes float16, 'b' stays float32"))
    #expect(try refusal(archive, "float64", "b=float16").contains("'b' becomes float16"))
    #expect(try dtypes(archive, "[ab]=float16") == ["a": "float16", "b": "float16"])
    #expect(try dtypes(archive, "a=float32") == ["a": "float32", "b": "float32"])
  }

  @Test func thousandsOfRules() throws {
    let count = 3000
    let tensor = try Tensor([1 as Float])
    let archive = try TensorArchive((0..<count).map { ("layer.\($0)", tensor) })
    let names = (0..<count).map { "layer.\($0)=float16" }
    let globs = (0..<count / 10).map { "layer.\($0)*=bfloat16" }
    let result = try archive.converting(ConversionRules(names + globs)).archive
    #expect(result.entries.allSatisfy { $0.tensor.dtype == .bfloat16 })
  }

  /// Where the elements of sparse and nested tensors lie is no number of theirs.
  @Test(arguments: ["sparse-coo", "sparse-csr", "sparse-bsc", "nested-strided", "nested-jagged"])
  func indexesStay(_ name: String) throws {
    let archive = try TensorArchive(
      contentsOf: Repository.testFile("torch/valid/\(name).pt"))
    let result = try archive.converting(ConversionRules(["float64"])).archive
    var converted = 0
    for (entry, old) in zip(result.entries, archive.entries) {
      guard let part = entry.path.last, part.hasPrefix("@") else { continue }
      let isStructure = part != "@values" && part != "@buffer"
      #expect(entry.tensor.dtype == (isStructure ? old.tensor.dtype : .float64), "\(entry.name)")
      converted += isStructure ? 0 : 1
    }
    #expect(converted > 0)
  }
}
