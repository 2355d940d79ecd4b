import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Every hostile file under the strict reading, against what the index says must happen.
@Suite struct HostileValidationTests {
  /// Rows whose outcome is another one here, on purpose.
  private static let contested: [String: ValidationResult.Outcome] = [
    // Every checkpoint of an optimizer has integers for keys; names that clash are a finding.
    "int_key.pt": .clean
  ]

  private static func expected(_ label: String) -> Set<ValidationResult.Outcome> {
    switch label {
    case "accept": [.clean]
    case "accept-but-warn": [.findings]
    default: [.findings, .failed]
    }
  }

  @Test func everyRowOfTheIndexHolds() throws {
    guard let shared = Repository.shared else {
      print("the hostile files are not at hand: ../shared does not exist")
      return
    }
    let folder = shared.appending(path: "hostile")
    let rows = try Table.rows(folder.appending(path: "index.tsv"))
    #expect(rows.count > 300)
    let names = rows.map { $0["name"] ?? "" }
    let paths = names.map { folder.appending(path: "files/\($0)").path }
    var outcomes: [ValidationResult.Outcome: Int] = [:]
    var index = 0
    try Validator().validate(paths, jobs: 2) { result in
      let (row, name) = (rows[index], names[index])
      index += 1
      outcomes[result.outcome, default: 0] += 1
      for error in result.errors {
        #expect(error.place.file != nil && !error.reason.isEmpty, "\(name): \(error)")
      }
      if let own = Self.contested[name] {
        #expect(result.outcome == own, "\(name): \(result)")
        return
      }
      let wanted = Self.expected(row["expected"] ?? "")
      if wanted.contains(result.outcome) { return }
      Issue.record("\(name): \(row["expected"] ?? "") expected (\(row["why"] ?? "")): \(result)")
    }
    print(
      "hostile files validated: \(outcomes[.clean] ?? 0) clean, \(outcomes[.findings] ?? 0) with "
        + "findings, \(outcomes[.failed] ?? 0) failed; contested: \(Self.contested.keys.sorted())"
    )
  }

  @Test func filesOfTheCorpusThatNumPyAndTorchReadAreRead() throws {
    guard let shared = Repository.shared else { return }
    let root = shared.appending(path: "corpus/files").path
    let files = try FileManager.default.subpathsOfDirectory(atPath: root)
      .filter { $0.hasSuffix(".npy") || $0.hasSuffix(".npz") }.sorted()
    try #require(files.count > 100)
    let paths = files.map { shared.appending(path: "corpus/files/\($0)").path }
    var clean = 0
    try Validator().validate(paths, jobs: 2) { result in
      if result.outcome == .clean { clean += 1 }
      // The one that fails has a wrong CRC.
      #expect(
        result.outcome != .failed || result.errors[0].reason.contains("CRC"), "\(result)")
    }
    print("real npy and npz files validated: \(clean) of \(paths.count) clean")
    #expect(clean * 10 > paths.count * 8)
  }
}
