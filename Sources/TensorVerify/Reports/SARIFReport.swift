internal import ByteIO
internal import JSONText

/// Results as SARIF 2.1.0, which GitHub's code scanning and others show.
public enum SARIFReport {
  /// The whole document.
  /// - Parameters:
  ///   - results: those of one run.
  ///   - version: that of the tool.
  public static func text(of results: [ValidationResult], version: String) -> String {
    let rules = ValidationRule.all
    let indexes = Dictionary(
      rules.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    let found = results.enumerated().flatMap { index, result -> [JSON] in
      var prints = Fingerprints(file: result.file)
      return result.remarks.map { remark in
        sarif(
          remark, at: artifact(result.file, index: index), rule: indexes[remark.rule.id],
          print: prints.next(remark))
      }
    }
    let run = JSON.object([
      ("tool", tool(rules, version: version)),
      (
        "invocations",
        .array([
          .object([("executionSuccessful", .bool(!results.contains { $0.outcome == .failed }))])
        ])
      ),
      ("columnKind", .string("unicodeCodePoints")),
      ("artifacts", .array(results.map(artifact))), ("results", .array(found)),
    ])
    return JSON.object([
      ("$schema", .string("https://json.schemastore.org/sarif-2.1.0.json")),
      ("version", .string("2.1.0")), ("runs", .array([run])),
    ]).text + "\n"
  }

  private static func tool(_ rules: [ValidationRule], version: String) -> JSON {
    let described = rules.map { rule in
      JSON.object([
        ("id", .string(rule.id)), ("shortDescription", text(rule.meaning)),
        ("fullDescription", text(rule.meaning)), ("help", text(rule.mend)),
        ("defaultConfiguration", .object([("level", .string(rule.level.rawValue))])),
      ])
    }
    return .object([
      (
        "driver",
        .object([
          ("name", .string("tensorio")), ("version", .string(version)),
          ("rules", .array(described)),
        ])
      )
    ])
  }

  private static func text(_ text: String) -> JSON { .object([("text", .string(text))]) }

  private static func artifact(_ result: ValidationResult) -> JSON {
    .object(
      [("location", .object([("uri", .string(result.file.asURI))]))]
        + (result.fileBytes.map { [("length", .int($0))] } ?? []))
  }

  private static func artifact(_ file: String, index: Int) -> JSON {
    .object([("uri", .string(file.asURI)), ("index", .int(index))])
  }

  private static func sarif(_ remark: Remark, at artifact: JSON, rule: Int?, print: String) -> JSON
  {
    // GitHub wants a line where there are none; bytes and lines of a region do not depend on another.
    var region: [(key: String, value: JSON)] = [("startLine", .int(1))]
    if let offset = remark.offset, remark.member == nil {
      region += [("byteOffset", .int(offset)), ("byteLength", .int(1))]
    }
    var location: [(key: String, value: JSON)] = [
      (
        "physicalLocation",
        .object([("artifactLocation", artifact), ("region", .object(region))])
      )
    ]
    let logical = [("archive member", remark.member), ("tensor", remark.tensor)]
      .compactMap { kind, name -> JSON? in
        name.map { name in
          .object([
            ("name", .string(name)), ("fullyQualifiedName", .string(name)), ("kind", .string(kind)),
          ])
        }
      }
    if !logical.isEmpty { location.append(("logicalLocations", .array(logical))) }
    return .object([
      ("ruleId", .string(remark.rule.id)), ("ruleIndex", .int(rule ?? -1)),
      ("level", .string(remark.rule.level.rawValue)), ("message", text(remark.text)),
      ("locations", .array([.object(location)])),
      ("partialFingerprints", .object([("tensorio/v1", .string(print))])),
    ])
  }
}

/// Tells findings of one file apart, the same way in every run.
private struct Fingerprints {
  let file: String
  private var counts: [String: Int] = [:]

  init(file: String) { self.file = file }

  /// The next finding's: of its rule, file, member and tensor, and which of several it is; words
  /// and offsets may change and leave the finding the same.
  mutating func next(_ remark: Remark) -> String {
    let names: [JSON] = [
      .string(remark.rule.id), .string(file), .optional(remark.member), .optional(remark.tensor),
    ]
    let key = JSON.array(names).text
    let count = counts[key, default: 0]
    counts[key] = count + 1
    return ContentHash.sha256(of: "\(key)#\(count)")
  }
}

extension String {
  /// A relative or `file:` URI of this path.
  var asURI: String {
    let path = hasPrefix("./") ? String(dropFirst(2)) : self
    let safe = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/".utf8)
    var uri = path.hasPrefix("/") ? "file://" : ""
    for byte in path.utf8 {
      if safe.contains(byte) {
        uri.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        uri += digits.count < 2 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return uri
  }
}
