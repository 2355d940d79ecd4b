import ByteIO
import TensorIO
import TensorVerify
import Testing

/// Lies about values that are no tensors.
@Suite struct LyingValueTests {
  private func axes(
    _ archive: TensorArchive,
    _ alter: @escaping @Sendable (inout ValueGraph) throws -> Void
  ) throws -> Set<ComparisonAxis> {
    let lie = LyingFormat.Lie(alter: { archive in
      var values = archive.values
      try alter(&values)
      return try TensorArchive(values)
    })
    let result = try LyingFormat.$lie.withValue(lie) {
      try #require(RoundTrip.verify(archive, through: [LyingFormat.self]).first)
    }
    #expect(result.outcome == .failed, "\(result.error as Any)")
    return Set(result.undeclared.map(\.axis))
  }

  /// Each value of the sample, and what it becomes.
  @Test(arguments: [
    ("tuple.1.0", ValueGraph.Node.bool(false)), ("tuple.1.1", .int(1)), ("tuple.1.2", .int(.max)),
    ("tuple.1.3", .bigInteger("123456789012345678901234567891")), ("tuple.1.4", .float(0.0)),
    ("tuple.1.5", .float(.nan)), ("tuple.1.6", .float(-.infinity)),
    ("tuple.1.7", .complex(0, 1)), ("tuple.1.8", .string("e\u{301}\u{0}\u{1F600}")),
    ("step", .float(3)),
  ]) func aScalarChanges(_ path: String, _ node: ValueGraph.Node) throws {
    let archive = try RoundTripSamples.nested()
    let value = try #require(archive.otherValues.first { $0.path.joined(separator: ".") == path })
    #expect(try axes(archive) { $0.replace(value.id, with: node) } == [.values])
  }

  @Test func bytesChange() throws {
    let archive = try RoundTripSamples.nested()
    let value = try #require(archive.otherValues.first { $0.path.last == "9" })
    let other = try HeapBytes([0, 254].span)
    #expect(try axes(archive) { $0.replace(value.id, with: .bytes(other)) } == [.values])
  }

  @Test func aListBecomesATuple() throws {
    let archive = try RoundTripSamples.nested()
    let found = try axes(archive) { values in
      let list = try #require(values.children(of: values.root)?.first?.value)
      let items = try #require(values.children(of: list)?.map(\.value))
      values.replace(list, with: .list(items))
    }
    #expect(found.contains(.values))
  }

  @Test func oneObjectBecomesTwo() throws {
    let archive = try RoundTripSamples.nested()
    let found = try axes(archive) { values in
      guard case .dictionary(var pairs) = values[values.root] else { return }
      pairs[1].value = values.add(values[pairs[0].value])
      values.replace(values.root, with: .dictionary(pairs))
    }
    #expect(found == [.identity])
  }

  @Test func keysChangeTheirOrderOrType() throws {
    var archive = try TensorArchive(
      ValueGraph(dictionary: [("a", .int(1)), ("b", .int(2)), ("1", .int(3))]))
    #expect(
      try axes(archive) { values in
        guard case .dictionary(var pairs) = values[values.root] else { return }
        pairs.swapAt(0, 1)
        values.replace(values.root, with: .dictionary(pairs))
      } == [.order])
    let number = try #require(archive.values.children(of: archive.values.root)?.last?.key)
    #expect(number == "1")
    archive = try TensorArchive(archive.values)
    #expect(
      try axes(archive) { values in
        guard case .dictionary(var pairs) = values[values.root] else { return }
        pairs[2].key = values.add(.int(1))
        values.replace(values.root, with: .dictionary(pairs))
      } == [.values])
  }

  @Test func classesAndAttributesAreDropped() throws {
    let archive = try RoundTripSamples.classes()
    let root = archive.values.root
    #expect(
      try axes(archive) { values in
        values.setTraits(.init(type: values.traits(of: root)?.type), of: root)
      } == [.attributes])
    #expect(
      try axes(archive) { values in values.setTraits(nil, of: root) }
        .isSuperset(of: [.attributes, .classes]))
    let weight = try archive.entry("weight").id
    #expect(try axes(archive) { $0.setTraits(nil, of: weight) } == [.classes])
  }

  @Test func anObjectGetsAnotherClass() throws {
    let archive = try RoundTripSamples.classes()
    let found = try axes(archive) { values in
      guard let thing = values.children(of: values.root)?[1].value,
        case .object(let object) = values[thing], case .call(let callee, _) = object.origin
      else { return }
      values.replace(callee, with: .object(.init(.global(GlobalName("os", "system")))))
    }
    #expect(found == [.values, .globals])
  }
}
