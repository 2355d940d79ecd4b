import ByteIO
import TensorIO
import TestSupport
import Testing

/// Every file of PyTorch and every pickle of the test data against what Python said of it.
@Suite struct GoldenTests {
  @Test(arguments: ["torch", "pickle"])
  func opensWhatPythonOpens(_ name: String) throws {
    var counts: [String: Int] = [:]
    for file in try TreeGolden.all(name) {
      counts[file.format, default: 0] += 1
      do {
        let archive = try TensorArchive(contentsOf: file.path)
        #expect(archive.format == file.format, "\(file.file)")
        let found = try TreeDescription.json(of: archive.values)
        let differences = found.comparable.differences(from: file.content.comparable)
        for difference in differences.prefix(6) { Issue.record("\(file.file): \(difference)") }
        for difference in file.globalDifferences(from: archive) { Issue.record("\(difference)") }
      } catch {
        Issue.record("\(file.file): \(error)")
      }
    }
    print("golden files, \(name): \(counts.sorted { $0.key < $1.key })")
  }
}
