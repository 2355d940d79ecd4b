import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Random pairs of arrays, against `numpy.isclose` and `torch.testing.assert_close`.
@Suite struct DifferenceOracleTests {
  private struct Facts: Decodable {
    let rtol, atol: Double
    let shape: [Int]
    let mismatched: Int
    let first: Int?
    let max_abs, mean_abs, l2, norm: Double?
    let allclose, has_nan: Bool
    let standard: Bool?
  }

  private func isNear(_ found: Double?, _ wanted: Double?) -> Bool {
    guard let found, let wanted else { return found == nil && wanted == nil }
    return found == wanted || abs(found - wanted) <= 1e-9 * abs(wanted)
  }

  @Test func asNumPyAndTorchCompare() throws {
    guard Oracle.python != nil else {
      if Repository.isCI { Issue.record("no Python with NumPy: script/bootstrap makes one") }
      return print("DIFFERENCE ORACLE LEFT OUT: no Python with NumPy")
    }
    let folder = try TemporaryFolder()
    let (count, seed) = (400, Int.random(in: 0..<1_000_000))
    print("difference oracle: seed \(seed)")
    let script = Repository.root.appending(path: "Tests/Oracle/differences.py").path
    let torch = Oracle.hasTorch ? ["--torch"] : []
    let output = try Oracle.run([script, folder.url.path, "\(count)", "\(seed)"] + torch)
    let lines = output.split(separator: "\n")
    #expect(lines.count == count)
    var judged = 0
    for (number, line) in lines.enumerated() {
      let facts = try JSONDecoder().decode(Facts.self, from: Data(line.utf8))
      let left = try Tensor(contentsOf: folder.path("\(number)-left.npy"))
      let right = try Tensor(contentsOf: folder.path("\(number)-right.npy"))
      let place: Comment = "seed \(seed), case \(number), \(left.dtype) \(right.dtype)"
      let tolerance = Tolerance(relative: facts.rtol, absolute: facts.atol)
      let found = try #require(try left.difference(from: right, tolerance: tolerance))
      #expect(found.count == facts.shape.reduce(1, *), place)
      #expect(found.mismatchedCount == facts.mismatched, place)
      #expect(found.firstMismatched == facts.first, place)
      if !facts.has_nan { #expect((found.mismatchedCount == 0) == facts.allclose, place) }
      #expect(isNear(found.maxAbsoluteError, facts.max_abs), place)
      #expect(isNear(found.meanAbsoluteError, facts.mean_abs), place)
      if let l2 = facts.l2, let norm = facts.norm, norm > 0 {
        #expect(isNear(found.relativeL2Error, l2 / norm), place)
      }
      // torch rounds errors to the dtype, and looks at the dtype first.
      guard let standard = facts.standard, left.dtype == right.dtype else { continue }
      var options = DifferenceOptions()
      options.tolerances = .standard(equalNaN: true)
      let difference = try ArchiveDifference(
        between: TensorArchive(left), and: TensorArchive(right), options: options)
      #expect(difference.isSame == standard, place)
      judged += 1
    }
    print("difference oracle: \(count) pairs, \(judged) of them with PyTorch")
    if Oracle.hasTorch { #expect(judged > count / 4) }
  }
}
