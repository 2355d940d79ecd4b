import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

@Suite struct PolicyTests {
  private func archive() throws -> TensorArchive {
    try TensorArchive([
      ("fc1.weight", try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])),
      ("fc1.bias", try Tensor([0, 1] as [Float], shape: [2])),
      ("step", try Tensor([7] as [Int64], shape: [])),
    ])
  }

  private func policy(_ text: String) throws -> ValidationPolicy {
    let folder = try TemporaryFolder()
    return try ValidationPolicy(contentsOf: folder.write(Array(text.utf8), "policy.json"))
  }

  private func codes(_ text: String) throws -> [Finding.Code] {
    try policy("{\"version\": 1, \(text)}").findings(about: try archive()).map(\.code)
  }

  @Test func rulesSayWhatIsWrong() throws {
    #expect(try codes("\"tensors\": []").isEmpty)
    #expect(try codes("\"tensors\": [{\"name\": \"fc2.bias\"}]") == [.missingTensor])
    #expect(try codes("\"tensors\": [{\"name\": \"fc2.bias\", \"required\": false}]").isEmpty)
    #expect(
      try codes("\"forbidden\": [{\"pattern\": \"fc*\"}]") == [.forbiddenTensor, .forbiddenTensor])
    #expect(
      try codes("\"allow_other_tensors\": false, \"tensors\": [{\"pattern\": \"fc*\"}]")
        == [.unexpectedTensor])
    #expect(
      try codes("\"tensors\": [{\"name\": \"step\", \"dtype\": [\"int32\"]}]") == [.wrongDType])
    #expect(try codes("\"min_tensors\": 4") == [.wrongCount])
    #expect(try codes("\"max_tensors\": 2") == [.wrongCount])
    #expect(try codes("\"formats\": [\"npz\"]").isEmpty, "an archive made here has no format")
  }

  @Test(arguments: [
    ("[2, 3]", true), ("[2, null]", true), ("[\"...\"]", true), ("[2, \"...\"]", true),
    ("[\"...\", 3]", true), ("[\"n\", \"m\"]", true), ("[2, \"...\", 3]", true),
    ("[\"n\", \"n\"]", false), ("[2]", false), ("[3, 2]", false), ("[2, 3, \"...\", 1]", false),
    ("[]", false), ("[\"...\", 2]", false),
  ])
  func shapesHaveWildcards(_ shape: String, _ isMet: Bool) throws {
    let found = try codes("\"tensors\": [{\"name\": \"fc1.weight\", \"shape\": \(shape)}]")
    #expect(found == (isMet ? [] : [.wrongShape]), "\(shape)")
  }

  @Test func namedAxesAgreeOverTheFile() throws {
    let rules = "{\"name\": \"fc1.weight\", \"shape\": [\"out\", \"in\"]}"
    #expect(
      try codes("\"tensors\": [\(rules), {\"name\": \"fc1.bias\", \"shape\": [\"out\"]}]").isEmpty)
    #expect(
      try codes("\"tensors\": [\(rules), {\"name\": \"fc1.bias\", \"shape\": [\"in\"]}]")
        == [.wrongShape])
  }

  @Test(arguments: [
    "[]", "{}", "{\"version\": 2}", "{\"version\": 1, \"wat\": 1}",
    "{\"version\": 1, \"finite\": 1}",
    "{\"version\": 1, \"version\": 1}", "{\"version\": 1, \"tensors\": [{}]}",
    "{\"version\": 1, \"tensors\": [{\"name\": \"a\", \"pattern\": \"b\"}]}",
    "{\"version\": 1, \"tensors\": [{\"name\": \"a\", \"shape\": [-1]}]}",
    "{\"version\": 1, \"tensors\": [{\"name\": \"a\", \"shape\": [\"...\", \"...\"]}]}",
    "{\"version\": 1, \"tensors\": [{\"name\": \"a\", \"shape\": [1.5]}]}",
    "{\"version\": 1, \"allowed_findings\": [\"nothing\"]}",
    "{\"version\": 1, \"max_tensors\": -1}",
    "{\"version\": 1} x", "{\"version\": 1,", "", "{\"version\": 1, \"tensors\": [{\"name\": 3}]}",
  ])
  func brokenPoliciesAreRefused(_ text: String) {
    #expect(throws: TensorIOError(.malformed, "")) { try policy(text) }
  }

  @Test func whatIsDerivedHoldsAndReadsBack() throws {
    let folder = try TemporaryFolder()
    let odd = try TensorArchive([
      ("a*[b]", try Tensor([1] as [Float], shape: [1])),
      ("a", try Tensor([2] as [UInt8], shape: [1])),
    ])
    for (archive, name) in [(odd, "odd.npz"), (try archive(), "plain.pt")] {
      try archive.write(to: folder.path(name))
      let opened = try TensorArchive(contentsOf: folder.path(name))
      let derived = ValidationPolicy(derivedFrom: opened)
      let path = try folder.write(Array(derived.json.utf8), "policy.json")
      let read = try ValidationPolicy(contentsOf: path)
      #expect(read == derived)
      #expect(read.findings(about: opened).isEmpty)
    }
    let derived = ValidationPolicy(derivedFrom: try archive())
    #expect(
      derived.findings(about: odd).map(\.code) == [
        .unexpectedTensor, .unexpectedTensor, .missingTensor, .missingTensor, .missingTensor,
      ])
  }

  @Test func theSchemaHasTheKeysThatAreWrittenAndRead() throws {
    let schema = try JSONValue(
      parsing: try Data(contentsOf: Repository.root.appending(path: "Specs/policy.schema.json")))
    func keys(_ value: JSONValue?) -> Set<String> {
      guard case .object(let pairs)? = value else { return [] }
      return Set(pairs.keys)
    }
    var full = ValidationPolicy()
    (full.formats, full.mostBytes, full.fewestTensors, full.mostTensors) = (["npz"], 1, 1, 1)
    full.forbidden = [.name("x")]
    var rule = ValidationPolicy.Rule(.glob("*"))
    (rule.isRequired, rule.dtypes, rule.shape) = (false, ["int8"], [.any, .rest, .named("n")])
    (rule.minimum, rule.maximum, rule.requiresFinite) = (0, 1.5, true)
    full.tensors = [rule]
    let written = try JSONValue(parsing: Data(full.json.utf8))
    #expect(keys(schema["properties"]) == keys(written).union(["$schema"]))
    let tensor = schema["properties"]?["tensors"]?["items"]?["properties"]
    #expect(keys(tensor) == keys(written["tensors"]?.items.first).union(["name"]))
    let folder = try TemporaryFolder()
    #expect(
      try ValidationPolicy(contentsOf: folder.write(Array(full.json.utf8), "p.json")) == full)
  }
}
