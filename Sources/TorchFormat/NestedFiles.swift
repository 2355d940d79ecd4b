internal import ByteIO
internal import Pickle
internal import PickledValues
internal import TensorModel

/// An account of the objects in all pickles that lie in byte strings of others.
///
/// A few bytes that are referred to again and again can stand for any number. Each pickle counts for
/// some objects more than it has, which stand for the work of reading any.
final class ObjectAccount {
  private var count = 0
  private static let cost = 32

  func addPickle(_ objects: Int, _ limits: DecodingLimits) throws(TensorIOError) {
    try add(objects + Self.cost, limits)
  }

  /// - Throws: `limit` when there are more than one pickle may have.
  func add(_ objects: Int, _ limits: DecodingLimits) throws(TensorIOError) {
    let (sum, overflow) = count.addingReportingOverflow(objects)
    guard !overflow, sum <= limits.objectCount else {
      throw .limit(
        "the number of objects in files inside of byte strings", sum, over: limits.objectCount,
        raise: "objectCount")
    }
    count = sum
  }
}

/// Files of torch in byte strings: what `pickle.dump(tensor)` writes.
final class NestedFiles {
  private let options: ReadingOptions
  private let member: String?
  private let nesting: Int
  private let nestedObjects: ObjectAccount
  /// What was read of byte strings, so that each is read once, however often it is referred to.
  private var storages: [Pickle.ID: StorageReference] = [:]
  private var values: [Pickle.ID: ValueGraph.ID] = [:]
  private var others: Set<Pickle.ID> = []
  var findings: [Finding] = []
  var globals: [GlobalUse] = []

  private static let mostNesting = 4

  init(
    _ options: ReadingOptions, member: String?, nesting: Int, _ nestedObjects: ObjectAccount
  ) {
    self.nestedObjects = nestedObjects
    self.options = options
    self.member = member
    self.nesting = nesting
  }

  /// The storage that a legacy stream in a byte string is, or nil for another stream.
  func storage(
    in id: Pickle.ID, _ decoder: PickleDecoder
  ) throws(TensorIOError) -> StorageReference? {
    if let known = storages[id] { return known }
    guard let bytes = try stream(id, decoder) else { return nil }
    var reader = try reader()
    let (pickle, provider) = try TorchLegacyFormat.parse(bytes, &reader)
    globals += reader.globals
    findings += reader.findings
    guard case .persistent(let place) = pickle[pickle.root] else { return nil }
    let reference = try StoragePool(provider, budget: reader.budget)
      .reference(persistent: place, pickle)
    storages[id] = reference
    return reference
  }

  /// Adds the contents of a legacy stream; other bytes are left to be an inert object.
  func read(
    _ id: Pickle.ID, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> ValueGraph.ID? {
    if let known = values[id] { return known }
    guard let bytes = try stream(id, decoder) else { return nil }
    var reader = try reader()
    reader.graph = decoder.graph
    decoder.graph = ValueGraph(.none)
    let (root, _) = try TorchLegacyFormat.read(bytes, &reader)
    decoder.graph = reader.graph
    findings += reader.findings
    globals += reader.globals
    values[id] = root
    return root
  }

  /// The bytes of a legacy stream; nil for others.
  private func stream(
    _ id: Pickle.ID, _ decoder: PickleDecoder
  ) throws(TensorIOError) -> (any ByteSource)? {
    guard !others.contains(id) else { return nil }
    if let bytes = try decoder.byteString(id) {
      // Many may be made of one text, each by a call.
      if case .object = decoder.pickle[id] {
        try nestedObjects.add(bytes.byteCount / 64, options.limits)
      }
      let head = try SourceSlice.of(bytes, 0..<min(16, bytes.byteCount)).bytes()
      if TorchLegacyFormat.isLegacy(head) { return bytes }
    }
    others.insert(id)
    return nil
  }

  private func reader() throws(TensorIOError) -> TorchPickle {
    guard nesting <= Self.mostNesting else {
      throw .limit("the nesting of files", nesting, over: Self.mostNesting, raise: "nestingDepth")
    }
    var reader = TorchPickle(options, member: member)
    reader.nesting = nesting
    reader.nestedObjects = nestedObjects
    return reader
  }
}
