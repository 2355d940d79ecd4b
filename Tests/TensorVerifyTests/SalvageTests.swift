import ByteIO
import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// Archives that are cut, flipped and emptied: what is kept is what was there, and all else is named.
@Suite struct SalvageTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func npz(level: Int?) throws -> String {
    let archive = try TensorArchive([
      ("a", try Tensor((0..<12).map { Float($0) }, shape: [4, 3])),
      ("b/c", try Tensor((0..<40).map { Int64($0 * $0) })),
      ("empty", try Tensor([] as [Float], shape: [0, 3])),
      ("last", try Tensor((0..<30).map { UInt8($0) }, shape: [10, 3])),
    ])
    var options = WritingOptions()
    options.compressionLevel = level
    let path = folder.path("whole.npz")
    try archive.write(to: path, options: options)
    return path
  }

  /// Every member that is whole is kept, every one whose name is there is named.
  @Test(arguments: [nil, 6]) func anNPZCutAnywhere(level: Int?) throws {
    let path = try npz(level: level)
    let whole = try bytes(of: path)
    let expected = try hashes(of: TensorArchive(contentsOf: path))
    let members = try ends(ofMembersIn: path)
    for length in 0..<whole.count {
      let kept = members.filter { $0.end <= length }.map { String($0.name.dropLast(4)) }
      let lost = members.filter { $0.headerEnd <= length && length < $0.end }
        .map { String($0.name.dropLast(4)) }
      guard let result = try salvage(Array(whole[..<length]), in: folder) else {
        #expect(kept.isEmpty, "cut to \(length)")
        continue
      }
      #expect(result.kept == kept, "cut to \(length)")
      #expect(result.lost.compactMap(\.name) == lost, "cut to \(length)")
      #expect(!result.isComplete)
      #expect(try hashes(of: result.archive) == expected.filter { kept.contains($0.key) })
    }
    #expect(try salvage(whole, in: folder)?.isComplete == true)
  }

  /// The rows that are kept of the array that is cut are its first ones.
  @Test(arguments: [nil, 6]) func leadingRowsAreThoseOfTheWhole(level: Int?) throws {
    let path = try npz(level: level)
    let whole = try bytes(of: path)
    let original = try TensorArchive(contentsOf: path)
    var found = 0
    for length in 0..<whole.count {
      guard let result = try salvage(Array(whole[..<length]), in: folder, partial: true) else {
        continue
      }
      for part in result.partial {
        found += 1
        let rows = try result.archive.tensor(part.name)
        let all = try original.tensor(part.name)
        #expect(part.axis == 0 && rows.shape.dropFirst() == all.shape.dropFirst())
        #expect(part.length == all.shape[0] && part.kept == rows.shape[0])
        let first = try all.sliced([.slice(from: 0, to: part.kept, step: 1)])
        #expect(
          try rows.sha256(limits: DecodingLimits()) == first.sha256(limits: DecodingLimits()))
      }
    }
    #expect(found > 30)
  }

  @Test func aCutNPYGivesItsRows() throws {
    let rows = try Tensor((0..<12).map { Float($0) }, shape: [4, 3])
    let columns = try Tensor((0..<12).map { Float($0) }, shape: [4, 3]).transposed()
    for (tensor, axis) in [(rows, 0), (columns, 1)] {
      let path = folder.path("x.npy")
      try tensor.write(to: path)
      let whole = try bytes(of: path)
      for left in 0..<48 {
        let cut = Array(whole[..<(128 + left)])
        #expect(try salvage(cut, in: folder) == nil)
        let result = try salvage(cut, in: folder, partial: true)
        guard left >= 12 else {
          #expect(result == nil)
          continue
        }
        #expect(result?.partial.first?.axis == axis && result?.partial.first?.kept == left / 12)
        let part = try #require(result).archive.onlyTensor()
        let elements = try part.array(of: Float.self)
        let expected = try tensor.array(of: Float.self)
        #expect(
          axis == 0
            ? elements == Array(expected.prefix(elements.count))
            : elements.count == left / 12 * 3)
      }
    }
  }

  /// Of several arrays in one stream the whole ones are kept.
  @Test func severalArraysInOneFile() throws {
    let (one, two) = (folder.path("1.npy"), folder.path("2.npy"))
    try Tensor([1, 2, 3] as [Float]).write(to: one)
    try Tensor([4, 5, 6] as [Float]).write(to: two)
    let cut = Array((try bytes(of: one) + bytes(of: two)).dropLast(5))
    let result = try #require(try salvage(cut, in: folder))
    #expect(result.kept == [""] && result.lost.map(\.name) == ["1"])
    let partial = try #require(try salvage(cut, in: folder, partial: true))
    #expect(partial.archive.names == ["0", "1"] && partial.lost.isEmpty)
    #expect(try partial.archive.tensor("1").array(of: Float.self) == [4])
  }

  /// Whatever bit flips, no tensor changes.
  @Test func noValueIsWrongAfterFlips() throws {
    // Always the same: a name and the directory's can change alike, which nothing could notice.
    var generator = SplitMix(state: 20)
    let files =
      [try npz(level: nil), try npz(level: 6)]
      + ["zip-by-python.pt", "zip-some-deflated.pt", "zip-more-records.pt", "form-cuda.pt"]
      .map { Repository.testFile("torch/valid/\($0)") }
    for path in files {
      let whole = try bytes(of: path)
      let expected = try hashes(of: TensorArchive(contentsOf: path))
      for _ in 0..<300 {
        var damaged = whole
        for _ in 0...Int.random(in: 0...2, using: &generator) {
          let index = Int.random(in: 0..<whole.count, using: &generator)
          damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        }
        guard let result = try salvage(damaged, in: folder) else { continue }
        for (name, hash) in try hashes(of: result.archive) {
          #expect(expected[name] == hash, "'\(name)' of \(path)")
        }
        let named = result.kept + result.lost.compactMap(\.name)
        if result.isAllKnown { #expect(Set(expected.keys).isSubset(of: named), "\(path)") }
      }
    }
  }
}

/// A small generator with a seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
