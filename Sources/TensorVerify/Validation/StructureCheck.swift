internal import TensorIO

/// Looks at what an archive is, not at the numbers in it.
struct StructureCheck {
  private(set) var findings: [Finding] = []

  init(_ archive: TensorArchive, limits: DecodingLimits) {
    let isPickle = archive.format == "pickle"
    if archive.entries.isEmpty, !isPickle, !Self.isEmptyContainer(archive.values) {
      findings.append(Finding(.noTensors, "the file holds values, and none is a tensor"))
    }
    if archive.format == "torchscript" || archive.format == "pt2" {
      findings.append(
        Finding(.containsCode, "the archive holds a program; only its tensors are looked at"))
    }
    noteLookalikes(archive.names)
    noteOddValues(archive.values, isPickle: isPickle)
    noteCycle(archive.values, limits)
    for entry in archive.entries { look(at: entry, limits) }
  }

  /// Names that are the same to people and to Swift, and not to Python.
  private mutating func noteLookalikes(_ names: [String]) {
    var first: [String: String] = [:]
    for name in names where !name.utf8.allSatisfy({ $0 < 0x80 }) {
      guard let other = first.updateValue(name, forKey: name),
        !other.utf8.elementsEqual(name.utf8)
      else { continue }
      findings.append(
        Finding(
          .lookalikeNames, "another name is written like this one, in other bytes", tensor: name))
    }
  }

  private static func isEmptyContainer(_ values: ValueGraph) -> Bool {
    switch values[values.root] {
    case .list, .tuple, .set, .dictionary: values.children(of: values.root)?.isEmpty ?? false
    default: false
    }
  }

  private mutating func noteOddValues(_ values: ValueGraph, isPickle: Bool) {
    var (hasIDs, hasCollisions) = (false, false)
    for id in values.reachable() {
      switch values[id] {
      // torch.load knows what the ids mean; pickle.load stops at the first.
      case .object(let object):
        if isPickle, !hasIDs, case .persistent = object.origin {
          hasIDs = true
          findings.append(
            Finding(
              .persistentID, "the pickle refers to objects outside it, which pickle.load refuses"))
        }
      case .dictionary(let pairs) where !hasCollisions:
        hasCollisions = noteCollisions(of: pairs.map { values[$0.key] })
      case .set(let items) where !hasCollisions:
        hasCollisions = noteCollisions(of: items.map { values[$0] })
      default: continue
      }
    }
  }

  /// Fewer keys are read in no time, however they collide.
  private static let fewKeys = 1000

  /// Integers that Python hashes to few numbers: each is compared with all before it.
  private mutating func noteCollisions(of keys: [ValueGraph.Node]) -> Bool {
    guard keys.count > Self.fewKeys else { return false }
    let hashes = keys.compactMap(\.pythonHash)
    guard hashes.count > Self.fewKeys, Set(hashes).count < hashes.count / 8 else { return false }
    findings.append(
      Finding(
        .collidingKeys, "\(hashes.count) keys have one of \(Set(hashes).count) hashes in Python"))
    return true
  }

  private mutating func noteCycle(_ values: ValueGraph, _ limits: DecodingLimits) {
    var walk = GraphWalk(values, limits: limits)
    // The walk succeeded when the archive was made.
    while let step = try? walk.next() {
      guard step.isCycle else { continue }
      let path = walk.path.joined(separator: ".").escapedForDisplay
      findings.append(
        Finding(.cyclicValue, "'\(path)' leads back to a container that it lies in"))
      return
    }
  }

  private mutating func look(at entry: TensorArchive.Entry, _ limits: DecodingLimits) {
    let tensor = entry.tensor
    if tensor.dtype.containsObjects {
      findings.append(
        Finding(
          .pythonObjects, "Python objects, which np.load refuses without allow_pickle",
          tensor: entry.name))
    }
    if tensor.byteCount > limits.decodedBytes, tensor.byteCount > tensor.storage.byteCount {
      findings.append(
        Finding(
          .expandedTensor,
          "axes of stride 0 make \(tensor.byteCount) bytes of the \(tensor.storage.byteCount) that "
            + "are stored", tensor: entry.name))
    }
  }
}

extension ValueGraph.Node {
  /// What Python hashes an integer to, but for its sign: the remainder by 2^61 - 1; nil for other
  /// values.
  fileprivate var pythonHash: UInt64? {
    let modulus: UInt64 = (1 << 61) - 1
    switch self {
    case .int(let number): return number.magnitude % modulus
    case .bigInteger(let digits):
      // Ten times a remainder has 65 bits.
      return digits.utf8.reduce(0) { hash, digit in
        (0x30...0x39).contains(digit)
          ? UInt64((UInt128(hash) * 10 + UInt128(digit - 0x30)) % UInt128(modulus)) : hash
      }
    default: return nil
    }
  }
}
