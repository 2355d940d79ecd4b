import ByteIO
import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Manifests: written, read, and held against files.
@Suite struct ManifestTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let hash = String(repeating: "0a", count: 32)

  /// A manifest of a file that is there.
  private func sample() throws -> Manifest {
    let archive = try TensorArchive([
      ("a", try Tensor([1, 2] as [Float])), ("é", try Tensor([3] as [Int8])),
    ])
    try archive.write(to: folder.path("x.npz"))
    let file = try InputFile(path: folder.path("x.npz"))
    let outlines = try Manifest.Outline.all(archive.entries, limits: DecodingLimits())
    return Manifest(
      tool: "test", sources: [.init(path: "in", byteCount: 1 << 60, sha256: Self.hash)],
      outputs: [try .init(file, path: "x.npz")],
      tensors: outlines.map { .init(source: 0, output: 0, before: $0, after: $0) },
      losses: [Loss(.metadata, of: "", "it")])
  }

  private func text(_ manifest: Manifest, _ changes: [(String, String)] = []) -> [UInt8] {
    var text = manifest.text
    for (old, new) in changes { text = text.replacing(old, with: new) }
    return Array(text.utf8)
  }

  @Test func whatIsWrittenIsRead() throws {
    var manifest = try sample()
    manifest.tensors[0].cast = ConversionReport()
    manifest.tensors[0].cast?.maxAbsoluteError = 0.1
    manifest.tensors[0].cast?.maxRelativeError = .infinity
    manifest.tensors[1].after.sha256 = nil
    #expect(try Manifest(parsing: text(manifest)) == manifest)
    try manifest.write(to: folder.path("m.json"))
    #expect(try Manifest(contentsOf: folder.path("m.json")) == manifest)
    #expect(try Manifest(parsing: text(Manifest(tool: ""))) == Manifest(tool: ""))
    for options in [[], ["--to", "a\n\"b\""]] {
      manifest.options = options
      #expect(try Manifest(parsing: text(manifest)) == manifest)
    }
    for options in ["null", "1", "[1]", "{}"] {
      let error = #expect(throws: TensorIOError.self) {
        try Manifest(parsing: text(manifest, [("[\"--to\",\"a\\n\\\"b\\\"\"]", options)]))
      }
      #expect(error?.reason.contains("'options'") == true)
    }
  }

  @Test func theFileItIsAbout() throws {
    let manifest = try sample()
    #expect(try manifest.check(folder.path("x.npz")).isEmpty)
    // In a folder, too.
    #expect(try manifest.check(folder.url.path).isEmpty)
  }

  /// Any bit of the file, in headers, elements or directories.
  @Test func aBitOfTheFileChanges() throws {
    let manifest = try sample()
    let original = try bytes(of: folder.path("x.npz"))
    for index in original.indices {
      var changed = original
      changed[index] ^= 1 << UInt8(index % 8)
      let path = try folder.write(changed, "y.npz")
      let findings = try manifest.check(path)
      #expect(findings.contains { $0.code == .manifestMismatch }, "byte \(index)")
    }
    let cut = try folder.write(Array(original.dropLast(30)), "y.npz")
    #expect(try manifest.check(cut).count > 1)
  }

  @Test func eachFactIsCompared() throws {
    let manifest = try sample()
    let changes: [(inout Manifest) -> Void] = [
      { $0.outputs[0].byteCount += 1 }, { $0.outputs[0].sha256 = Self.hash },
      { $0.tensors[0].after.name = "b" }, { $0.tensors[0].after.dtype = "int32" },
      { $0.tensors[0].after.shape = [1, 2] }, { $0.tensors[0].after.sha256 = Self.hash },
      { $0.tensors[1].after.sha256 = nil }, { $0.tensors.removeLast() },
      { $0.tensors[1].after.name = "e\u{301}" }, { $0.outputs = [] },
    ]
    for (index, change) in changes.enumerated() {
      var changed = manifest
      change(&changed)
      let findings = try changed.check(folder.path("x.npz"))
      #expect(findings.count == 1, "change \(index): \(findings)")
    }
    #expect(throws: TensorIOError(.io, "")) { try manifest.check(folder.path("none.npz")) }
  }

  /// A manifest cannot send its reader elsewhere.
  @Test(arguments: ["../x.npz", "/etc/passwd", "a//b", "", ".", "a/../../x"])
  func pathsLeadNowhereElse(_ path: String) throws {
    var manifest = try sample()
    manifest.outputs[0].path = path
    let findings = try manifest.check(folder.url.path)
    #expect(findings.count == 1 && findings[0].message.contains("no path in a folder"))
  }

  @Test(arguments: [
    ("\"manifest\":1", "\"manifest\":2", TensorIOError.Code.unsupported, "version 2"),
    ("\"manifest\":1", "\"manifest\":\"1\"", .malformed, "no manifest"),
    ("\"manifest\":1,", "", .malformed, "no manifest"),
    ("\"tool\":\"test\"", "\"tool\":7", .malformed, "'tool'"),
    ("\"tool\":\"test\"", "\"tool\":\"\",\"tool\":\"\"", .malformed, "twice"),
    ("\"tool\":\"test\"", "\"tool\":\"\",\"time\":1", .malformed, "'time'"),
    ("\"source\":0", "\"source\":1", .malformed, "tensors[0].source"),
    ("\"output\":0", "\"output\":-1", .malformed, "tensors[0] has a 'output'"),
    ("\"shape\":[2]", "\"shape\":[-2]", .malformed, "tensors[0].before has a 'shape'"),
    ("\"shape\":[2]", "\"shape\":[2.5]", .malformed, "'shape'"),
    ("\"shape\":[2]", "\"shape\":2", .malformed, "'shape'"),
    ("\"sha256\":\"0a", "\"sha256\":\"0A", .malformed, "sources[0] has a 'sha256'"),
    ("\"sha256\":\"0a", "\"sha256\":\"", .malformed, "'sha256'"),
    ("\"kind\":\"metadata\"", "\"kind\":\"all\"", .malformed, "losses[0]"),
    ("\"byte_count\":1152921504606846976", "\"byte_count\":1e3", .malformed, "'byte_count'"),
    ("\"losses\":[", "\"losses\":[[],", .malformed, "losses[0] is no object"),
    ("\"cast\":null", "\"cast\":{}", .malformed, "tensors[0].cast"),
    ("{", "[", .malformed, "broken"),
  ]) func hostileTexts(_ old: String, _ new: String, _ code: TensorIOError.Code, _ word: String)
    throws
  {
    let manifest = try sample()
    let error = #expect(throws: TensorIOError.self) {
      try Manifest(parsing: text(manifest, [(old, new)]))
    }
    #expect(error?.code == code && error?.reason.contains(word) == true, "\(error as Any)")
  }

  @Test func everyTruncationIsRefused() throws {
    let whole = text(try sample())
    for length in 0..<whole.count - 3 {
      #expect(throws: TensorIOError.self) { try Manifest(parsing: Array(whole.prefix(length))) }
    }
  }

  @Test func deepAndLongTexts() throws {
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
    #expect(throws: TensorIOError.self) { try Manifest(parsing: deep) }
    var limits = DecodingLimits()
    limits.headerBytes = 1
    let whole = text(try sample())
    #expect(throws: TensorIOError(.limit, "")) { try Manifest(parsing: whole, limits: limits) }
  }
}
