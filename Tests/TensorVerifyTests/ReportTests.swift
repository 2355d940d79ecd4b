import ByteIO
import Foundation
import JSONText
import TensorVerify
import TestSupport
import Testing

/// Reports of results with the worst names that files can have.
@Suite struct ReportTests {
  private static let hostile = "a\u{1b}[2J|b`<script>]]>\"'&\u{202e}\u{fffe}\n::error::x,y%@me"
  private let results: [ValidationResult]

  init() {
    var clean = ValidationResult(file: "./data/été 1.npz")
    (clean.format, clean.fileBytes, clean.tensorCount, clean.byteCount) = ("npz", 1000, 3, 900)
    var found = ValidationResult(file: "b,c:d%.pt")
    found.findings = [
      Finding(.oddName, Self.hostile, member: Self.hostile, tensor: Self.hostile, offset: 7),
      Finding(.trailingBytes, "5 bytes follow", offset: 12),
      Finding(.trailingBytes, "6 bytes follow", offset: 20),
    ]
    var failed = ValidationResult(file: "/abs/" + Self.hostile)
    failed.errors = [.init(.malformed, "is cut", at: .init(file: "x", offset: 3))]
    failed.findings = [Finding(.noChecksums, "every CRC is 0")]
    results = [clean, found, failed]
  }

  /// What a parser that is not ours reads.
  private func checked(_ kind: String, _ text: String) throws -> JSONValue {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(text.utf8), "report")
    let script = Repository.root.appending(path: "Tests/Oracle/reports.py").path
    let result = try run(Oracle.python ?? "/usr/bin/python3", [script, kind, path])
    #expect(result.status == 0, "\(result.errors)")
    return try JSONValue(parsing: Data(result.output.utf8))
  }

  @Test func jUnitIsWhatParsersTake() throws {
    let cases = try checked("junit", JUnitReport.text(of: results, seconds: 1.5)).items
    #expect(cases.count == 3)
    #expect(cases[0].items.count == 1)
    #expect(cases[1].items[1].texts.prefix(2) == ["failure", "odd-name"])
    #expect(cases[1].items[1].texts[2].hasSuffix(" (and 2 more)"))
    #expect(cases[1].items[1].texts[3].contains("<script>"))
    #expect(cases[2].items[1].texts[3] == "malformed: byte 3: is cut\nno-checksums: every CRC is 0")
    #expect(try checked("junit", JUnitReport.text(of: [])).items.isEmpty)
  }

  @Test func sarifHasWhatItsSchemaRequires() throws {
    let text = SARIFReport.text(of: results, version: "1.2.3")
    let found = try checked("sarif", text).items
    #expect(
      found.map { $0.items[0].text }
        == ["odd-name", "trailing-bytes", "trailing-bytes", "malformed", "no-checksums"])
    #expect(text.contains(#""uri":"data/%C3%A9t%C3%A9%201.npz""#))
    #expect(text.contains(#""uri":"file:///abs/a%1B%5B2J"#))
    // An offset in a member is none in the file.
    #expect(text.contains(#""byteOffset":12,"byteLength":1"#) && !text.contains(#""byteOffset":7"#))
    #expect(SARIFReport.text(of: results, version: "1.2.3") == text)
    #expect(try checked("sarif", SARIFReport.text(of: [], version: "1")).items.isEmpty)
  }

  @Test func annotationsAreEscapedAndCounted() throws {
    let lines = GitHubAnnotations.lines(of: results)
    #expect(lines.count == 5)
    #expect(lines.allSatisfy { !$0.contains("\n") && $0.hasPrefix("::") })
    #expect(
      lines[1].hasPrefix(
        "::warning file=b%2Cc%3Ad%25.pt,title=tensorio%3A trailing-bytes::byte 12: 5 bytes follow. "
      ))
    #expect(lines[4].hasPrefix("::notice file=/abs/"))
    var many = ValidationResult(file: "a")
    many.findings = (0..<25).map { Finding(.trailingBytes, "\($0)") }
    let capped = GitHubAnnotations.lines(of: [many])
    #expect(capped.count == 11)
    #expect(capped.last?.hasSuffix(": 15 of level warning") == true)
  }

  @Test func theSummaryHoldsNoMarkupOfFiles() {
    let text = MarkdownSummary.text(of: results)
    let lines = text.split(separator: "\n")
    #expect(
      lines.filter { $0.hasPrefix("| ") }.allSatisfy { [7, 6].contains($0.count { $0 == "|" }) })
    for mark in ["<script", "`", "[2J", "\u{1b}", "\u{202e}"] { #expect(!text.contains(mark)) }
    #expect(text.contains("3 files: 1 clean, 1 findings, 1 failed"))
    #expect(lines[4].contains("❌"))
  }

  @Test func theSummaryKeepsToItsSize() {
    let many = (0..<20_000).map { index in
      var result = ValidationResult(file: "folder/file-\(index).npz")
      result.findings = [Finding(.trailingBytes, "5 bytes follow", offset: 12)]
      return result
    }
    let text = MarkdownSummary.text(of: many)
    #expect(text.utf8.count <= 1 << 20 && text.utf8.count > 1_000_000)
    let ends = text.split(separator: "\n").filter { $0.hasSuffix(" are left out.") }
    #expect(ends.count == 2)
    #expect(MarkdownSummary.text(of: many, mostBytes: 8192).utf8.count <= 8192)
  }

  @Test func jsonLinesAreJSON() throws {
    let json = try results.map { try JSONValue(parsing: Data($0.json.text.utf8)) }
    #expect(json[0]["outcome"]?.text == "clean" && json[0]["file_bytes"]?.integer == 1000)
    #expect(json[1]["findings"]?.items.first?["member"]?.text == Self.hostile)
    #expect(json[2]["errors"]?.items.first?["reason"]?.text == "is cut")
    #expect(results.allSatisfy { !$0.json.text.utf8.contains(0x0a) })
  }

  @Test func everyCodeHasARule() {
    let rules = ValidationRule.all
    #expect(Set(rules.map(\.id)).count == rules.count)
    for rule in rules {
      #expect(rule.meaning.hasSuffix(".") && rule.mend.hasSuffix("."), "\(rule.id)")
    }
  }
}
