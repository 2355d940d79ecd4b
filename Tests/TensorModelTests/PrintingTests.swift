import Foundation
import Testing

@testable import TensorModel

/// The printers against what NumPy and torch print.
@Suite struct PrintingTests {
  /// The kept cases, or those of the file that `PRINTING_CASES` names.
  private static func cases() throws -> [PrintingCase] {
    let kept = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../TestData/golden/printing.json")
    let named = ProcessInfo.processInfo.environment["PRINTING_CASES"]
    let data = try Data(contentsOf: named.map { URL(filePath: $0) } ?? kept)
    return try JSONDecoder().decode([PrintingCase].self, from: data)
  }

  /// Code point for code point: Swift's `==` would let composed and decomposed text pass.
  private static func check(_ printed: String, _ expected: String, _ place: String) {
    if Array(printed.utf8) != Array(expected.utf8) {
      Issue.record("\(place)\nexpected:\n\(expected)\nprinted:\n\(printed)")
    }
  }

  @Test func printsLikeNumPyAndTorch() throws {
    let cases = try Self.cases()
    #expect(cases.count > 200)
    for (number, item) in cases.enumerated() {
      let tensor = try item.tensor()
      let place = "case \(number): \(tensor.dtype) \(item.shape) \(item.printOptions)"
      let numPy = NumPyPrinter(options: item.printOptions)
      if let expected = item.str { Self.check(numPy.string(tensor), expected, place) }
      if let expected = item.repr { Self.check(numPy.representation(tensor), expected, place) }
      if let expected = item.torch {
        Self.check(
          TorchPrinter(options: item.printOptions).representation(tensor), expected, place)
      }
    }
  }
}
