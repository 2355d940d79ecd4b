import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// The page about validation and the files for CI say what the code does.
@Suite struct ValidationPageTests {
  private func text(_ path: String) throws -> String {
    String(decoding: try bytes(of: Repository.root.appending(path: path).path), as: UTF8.self)
  }

  /// `Specs/validation.md` has a line for each code, in order; a failure prints the lines to paste.
  @Test func thePageHasEveryRule() throws {
    let expected = ValidationRule.all.map {
      "| `\($0.id)` | \($0.level.rawValue) | \($0.meaning) | \($0.mend) |"
    }
    let section = try #require(
      try text("Specs/validation.md").split(separator: "\n## ").dropFirst().first)
    let found = section.split(separator: "\n").map(String.init).filter { $0.hasPrefix("| `") }
    #expect(section.hasPrefix("Codes"))
    #expect(found == expected, "\n\(expected.joined(separator: "\n"))")
  }

  /// The hook is for the endings of our formats, but those that mostly are something else.
  @Test func theHookTakesTheEndingsOfTheFormats() throws {
    let hooks = try text(".pre-commit-hooks.yaml")
    let line = try #require(hooks.split(separator: "\n").first { $0.contains("files:") })
    let pattern = try #require(line.split(separator: "'").dropFirst().first)
    let regex = try Regex(String(pattern))
    for ending in FormatRegistry.endings {
      let isTaken = "model\(ending)".firstMatch(of: regex) != nil
      #expect(isTaken != [".bin", ".tar"].contains(ending), "\(ending)")
    }
    #expect("notes.txt".firstMatch(of: regex) == nil && "x.npy.txt".firstMatch(of: regex) == nil)
  }

  /// The YAML files parse, where Python has a parser, and no input is pasted into a script.
  @Test func theFilesForCIParse() throws {
    let script = """
      import re, sys
      try:
          import yaml
      except ImportError:
          sys.exit(77)
      hooks, action, page = (open(path).read() for path in sys.argv[1:])
      (hook,) = yaml.safe_load(hooks)
      assert hook["id"] == "tensorio-validate" and hook["entry"] == "tensorio validate"
      action = yaml.safe_load(action)
      assert action["runs"]["using"] == "composite"
      for step in action["runs"]["steps"]:
          assert ("run" in step) == ("shell" in step), step
          assert "${{" not in step.get("run", ""), step
      for block in re.findall(r"```yaml\\n(.*?)```", page, re.S):
          assert yaml.safe_load(block)
      """
    let paths = [
      ".pre-commit-hooks.yaml", ".github/actions/validate/action.yml", "Specs/validation.md",
    ].map { Repository.root.appending(path: $0).path }
    let result = try run("/usr/bin/env", ["python3", "-c", script] + paths)
    if result.status == 77 { return print("no parser of YAML is at hand: python3 has no yaml") }
    #expect(result.status == 0, "\(result.errors)")
  }
}
