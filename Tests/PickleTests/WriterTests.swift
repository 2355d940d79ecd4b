import ByteIO
import Foundation
import Pickle
import TestSupport
import Testing

/// What is written reads as what it was.
@Suite struct WriterTests {
  /// Writes in every protocol, reads again and compares.
  private func requireRoundTrips(_ original: Pickle, _ name: String) {
    for version: UInt8 in 2...5 {
      do {
        let bytes = try PickleWriter.bytes(of: original, protocol: version)
        let again = try read(bytes)
        let difference = Structure.difference(original, again)
        #expect(difference == nil, "\(name), protocol \(version)")
        #expect(again.findings.isEmpty, "\(name), protocol \(version)")
      } catch {
        Issue.record("\(name), protocol \(version): \(error)")
      }
    }
  }

  @Test func everyOpcodeReadsBack() throws {
    for bytes in Seeds.valid { requireRoundTrips(try read(bytes), "\(bytes)") }
  }

  @Test func circlesThroughTuplesObjectsAndPersistentIDs() throws {
    let circles = [
      // A list in itself; a tuple in a list in the tuple; the same over two lists.
      "]q\u{0}h\u{0}a.", "]q\u{0}h\u{0}\u{85}a.", "]q\u{0}(h\u{0}t\u{85}q\u{1}ah\u{1}.",
      "]q\u{0}]q\u{1}\u{86}q\u{2}h\u{0}h\u{2}a0h\u{1}h\u{2}a0.",
      "]q\u{0}]q\u{1}]q\u{3}\u{87}q\u{2}h\u{0}h\u{2}a0h\u{1}h\u{2}a0h\u{3}h\u{2}h\u{2}\u{86}a0.",
      // A dictionary in itself, an object in its state, in its elements, in its arguments' list.
      "}q\u{0}K\u{1}h\u{0}s.", "cm\nn\n)Rq\u{0}}K\u{1}h\u{0}sb.", "cm\nn\n)Rq\u{0}h\u{0}a.",
      "]q\u{0}cm\nn\nh\u{0}\u{85}Rq\u{1}0h\u{0}h\u{1}a0h\u{1}.",
      // A set with an object that has the set in its state.
      "\u{8f}q\u{0}(cm\nn\n)R}K\u{1}h\u{0}sb\u{90}.",
      // A persistent object whose id leads to it.
      "]q\u{0}Qq\u{1}h\u{0}h\u{1}a0h\u{1}\u{86}.", "]q\u{0}Qq\u{1}0h\u{0}h\u{1}a.",
    ]
    for circle in circles {
      requireRoundTrips(try read(pickle(circle)), circle.escapedForDisplay)
    }
  }

  @Test func argumentsThatLeadBackToTheirCallAreRefused() throws {
    // f([d]), and then d gets the result: f could not be called with [d] again before d is filled,
    // and d not be filled before f was called.
    let original = try read(
      pickle("]q\u{0}cd\nd\n)Rq\u{1}a0cf\nf\nh\u{0}\u{85}Rq\u{2}0h\u{1}h\u{2}a0h\u{2}."))
    #expect(throws: TensorIOError(.unsupported, "")) {
      try PickleWriter.bytes(of: original, protocol: 4)
    }
    // Here the list was empty when the file called with it, and is again.
    requireRoundTrips(
      try read(pickle("]q\u{0}cf\nf\nh\u{0}\u{85}Rq\u{1}ah\u{1}\u{86}.")), "back reference")
  }

  @Test func aTupleOfManyListsThatHoldItIsGivenUp() throws {
    // Each list would begin the tuple once more: time and space with the square.
    var bytes = pickle("(")
    for _ in 0..<1000 { bytes += pickle("]\u{94}") }
    bytes += pickle("t\u{94}")
    for index: UInt16 in 0..<1000 {
      bytes += [0x6a, UInt8(index & 0xff), UInt8(index >> 8), 0, 0]
      bytes += [0x6a, 0xe8, 0x03, 0, 0] + pickle("a0")
    }
    let original = try read(bytes + pickle("."))
    #expect(throws: TensorIOError(.unsupported, "")) {
      try PickleWriter.bytes(of: original, protocol: 4)
    }
  }

  @Test func deepThingsAreWrittenWithoutAStack() throws {
    for text in ["\u{85}", "l"] {
      let depth = text == "l" ? 200_000 : 1_000_000
      let open = text == "l" ? [UInt8](repeating: 0x28, count: depth) : []
      let close = [UInt8](repeating: pickle(text)[0], count: depth)
      let original = try read(open + pickle("N") + close + pickle("."))
      #expect(original.count == depth + 1)
      let again = try read(try PickleWriter.bytes(of: original, protocol: 2))
      #expect(Structure.difference(original, again) == nil)
    }
  }

  @Test func everythingAtHandReadsBack() throws {
    guard let shared = Repository.shared else {
      print("the corpus is not at hand: ../shared does not exist")
      return
    }
    var count = 0
    for folder in ["corpus/files", "hostile/files"] {
      let root = shared.appending(path: folder)
      for name in FileManager.default.enumerator(atPath: root.path)?.allObjects ?? [] {
        guard let name = name as? String,
          [".pkl", ".pickle", ".bin"].contains(where: name.hasSuffix)
        else { continue }
        let data = try bytes(of: root.appending(path: name).path)
        guard let original = try? read(data) else { continue }
        requireRoundTrips(original, name)
        count += 1
      }
    }
    print("pickles written and read again: \(count)")
    #expect(count > 80)
  }
}

/// Small pickles that hold everything.
enum Seeds {
  /// One for each opcode, and one with all of them.
  static let valid: [[UInt8]] = {
    let small = OpcodeTests.cases.filter { !$0.value.hasPrefix("error") }.map { pickle($0.bytes) }
    // Without frames, which do not go into each other, and with as many memo slots as there are.
    let parts = small.filter { $0[0] != 0x80 && $0[0] != 0x95 && !$0.contains(0x94) }
    return small + [pickle("\u{80}\u{5}(") + parts.flatMap { $0.dropLast() } + pickle("t.")]
  }()
}
