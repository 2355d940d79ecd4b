import TensorIO
import TestSupport
import Testing

/// Names that regular expressions give.
@Suite struct RenamePatternTests {
  private func archive(_ names: [String]) throws -> TensorArchive {
    try TensorArchive(try names.map { ($0, try Tensor([1 as UInt8])) })
  }

  private func edit(_ rules: (String, String)...) throws -> ArchiveEdit {
    var edit = ArchiveEdit()
    edit.renamePatterns = try rules.map { try RenamePattern(regex: $0.0, template: $0.1) }
    return edit
  }

  private func renamed(_ names: [String], _ rules: (String, String)...) throws -> [String] {
    var edit = ArchiveEdit()
    edit.renamePatterns = try rules.map { try RenamePattern(regex: $0.0, template: $0.1) }
    let flat = try edit.applied(to: archive(names)).names
    #expect(try edit.applied(to: archive(names), nested: true).names == flat)
    return flat
  }

  /// As `sed -E 's/…/…/'` has them.
  @Test func theFirstMatchIsReplaced() throws {
    #expect(try renamed(["model.a", "b.model.c"], ("^model\\.", "")) == ["a", "b.model.c"])
    #expect(try renamed(["aXbXc"], ("X", "-")) == ["a-bXc"])
    #expect(try renamed(["a"], ("^", "m.")) == ["m.a"])
    #expect(try renamed(["a"], ("$", ".w")) == ["a.w"])
    #expect(
      try renamed(["h.10.w"], ("h\\.([0-9]+)\\.(.*)", "layer\\1/\\2 \\\\ \\0"))
        == ["layer10/w \\ h.10.w"])
    #expect(try renamed(["ab"], ("a(x)?b", "[\\1]")) == ["[]"])
    #expect(try renamed(["w1"], ("\\w", "v")) == ["v1"])
  }

  @Test func rulesAreAppliedOneAfterTheOther() throws {
    #expect(try renamed(["a"], ("a", "b"), ("b", "c")) == ["c"])
    // What is renamed exactly is done with.
    var both = try edit(("^", "x."))
    both.renames = [("a", "y")]
    #expect(try both.applied(to: archive(["a", "b"])).names == ["y", "x.b"])
    // Names may be exchanged, because all are new at once.
    #expect(
      try renamed(["a1", "b1"], ("^a", "c"), ("^b", "a"), ("^c", "b")) == ["b1", "a1"])
  }

  @Test func bytesAndNULs() throws {
    #expect(try renamed(["é", "e\u{301}"], ("^é$", "x")) == ["x", "e\u{301}"])
    #expect(try renamed(["a\0b"], ("b$", "c")) == ["a\0c"])
    #expect(throws: TensorIOError.self) { try renamed(["é"], ("^.", "")) }
  }

  @Test func whatCannotBe() throws {
    for (regex, template) in [
      ("(", ""), ("[", ""), ("a{2", ""), ("*a", "\\1"), ("a", "\\1"), ("(a)\\1", ""), ("a", "\\"),
      ("a", "\\x"), ("a\0", ""), ("a{99999}", ""),
    ] {
      let error = #expect(throws: TensorIOError.self, "\(regex) \(template)") {
        try RenamePattern(regex: regex, template: template)
      }
      #expect(error?.code == .invalidArgument)
    }
    let unused = #expect(throws: TensorIOError.self) { try renamed(["a"], ("a", "b"), ("a", "c")) }
    #expect(unused?.reason.contains("'a'") == true)
    for nested in [false, true] {
      let conflict = #expect(throws: TensorIOError.self) {
        try edit(("[0-9]", "")).applied(to: archive(["w1", "w2"]), nested: nested)
      }
      #expect(
        conflict?.reason.contains("'w1'") == true && conflict?.reason.contains("'w2'") == true)
    }
  }

  /// Expressions that take other engines for ever, on names that a hostile file may have.
  @Test(arguments: ["(a+)+b", "(a|aa)+b", "(a*)*b", "(.*)(.*)(.*)b", "((a?){20})*b"])
  func hostileNames(_ regex: String) throws {
    let name = String(repeating: "a", count: 4096)
    let archive = try archive([name, "ab"])
    #expect(try edit((regex, "x")).applied(to: archive).names.count == 2)
    let long = try self.archive([name + "a", "ab"])
    let error = #expect(throws: TensorIOError.self) { try edit((regex, "x")).applied(to: long) }
    #expect(error?.reason.contains("4097") == true)
  }

  @Test func hundredsOfThousandsOfNames() throws {
    let names = (0..<200_000).map { "model.layers.\($0).weight" }
    let result = try edit(("^model\\.", ""), ("layers\\.([0-9]+)", "h\\1"))
      .applied(to: archive(names))
    #expect(result.names.first == "h0.weight" && result.names.last == "h199999.weight")
  }
}
