package import ByteIO

extension ValueGraph {
  /// What an edit does with a value that lies in a dictionary.
  package enum PlaceEdit: Equatable {
    case keep
    case drop
    /// Another key.
    case rename(String)
  }

  /// The graph with values dropped and renamed where they lie; a container that loses all that is in
  /// it goes with it, where it lies in a dictionary.
  /// - Parameter decide: asked at each step of the walk; for a container with contents the answer
  ///   does not count, those for its contents do.
  /// - Throws: `invalidArgument` when a value to be changed is no entry of a dictionary and lies in
  ///   none that goes whole, when a new key is one of the dictionary's already, or when a dictionary
  ///   is reached in two ways which the edit treats differently.
  package func editing(
    limits: DecodingLimits,
    _ decide: (GraphWalk, GraphWalk.Step) throws(TensorIOError) -> PlaceEdit
  ) throws(TensorIOError) -> ValueGraph {
    var places: [EditedPlace] = []
    var keptVisits: Set<Int> = []
    var walk = GraphWalk(self, limits: limits)
    while let step = try walk.next() {
      let edit = try decide(walk, step)
      // An empty root stays.
      if step.hasContents || walk.depth == 0 && !step.isLeaf { continue }
      let place = EditedPlace(path: walk.path, edit: edit, chain: walk.chain)
      if edit != .drop { keptVisits.formUnion(place.chain.map(\.visit)) }
      places.append(place)
    }
    var edits: [ID: [Int: PlaceEdit]] = [:]
    func note(_ depth: Int, _ edit: PlaceEdit, _ place: EditedPlace) throws(TensorIOError) {
      let (container, _, index) = place.chain[depth]
      if let earlier = edits[container]?[index], earlier != edit {
        throw place.refusal("lies in a dictionary that other names share")
      }
      edits[container, default: [:]][index] = edit
    }
    for place in places {
      let last = place.chain.count - 1
      let depth = place.edit == .drop ? outermostLoss(place, keptVisits) : last
      guard let depth, depth >= 0, isDictionary(place.chain[depth].container) else {
        guard place.edit == .keep else { throw place.refusal(reason(place, keptVisits)) }
        continue
      }
      try note(depth, place.edit, place)
      for outer in 0..<depth where isDictionary(place.chain[outer].container) {
        try note(outer, .keep, place)
      }
    }
    return try applying(edits)
  }

  private struct EditedPlace {
    let path: [String]
    let edit: PlaceEdit
    let chain: [(container: ID, visit: Int, index: Int)]

    func refusal(_ reason: String) -> TensorIOError {
      .invalidArgument(
        "'\(path.joined(separator: ".").escapedForDisplay)' \(reason), so it cannot be left out or "
          + "renamed; take a part of the file with --select, or convert to npz, which has no nesting"
      )
    }
  }

  private func isDictionary(_ id: ID) -> Bool {
    if case .dictionary = self[id] { return true }
    return false
  }

  /// Where a value that is dropped leaves its dictionary: the outermost entry of one that loses
  /// everything in it.
  private func outermostLoss(_ place: EditedPlace, _ keptVisits: Set<Int>) -> Int? {
    var found: Int?
    for depth in place.chain.indices.reversed() {
      if isDictionary(place.chain[depth].container) { found = depth }
      if keptVisits.contains(place.chain[depth].visit) { break }
    }
    return found
  }

  /// Why a value cannot be changed: the innermost container of which something stays.
  private func reason(_ place: EditedPlace, _ keptVisits: Set<Int>) -> String {
    guard
      let index = place.chain.lastIndex(where: { keptVisits.contains($0.visit) })
        ?? place.chain.indices.first
    else { return "is all there is" }
    let id = place.chain[index].container
    let path = place.path[..<index].joined(separator: ".")
    let whole = path.isEmpty ? "the whole" : "'\(path.escapedForDisplay)'"
    return "is a part of \(whole), \(kindText(of: id)), of which other parts are kept"
  }

  /// What a value is, with its article: `a list`, `an object of demo.Net`.
  package func kindText(of id: ID) -> String {
    let type = typeName(of: id).map { "\($0)".escapedForDisplay }
    return switch self[id] {
    case .list: type.map { "a list of the class \($0)" } ?? "a list"
    case .tuple: type.map { "a tuple of the class \($0)" } ?? "a tuple"
    case .set: type.map { "a set of the class \($0)" } ?? "a set"
    case .dictionary: type.map { "a dictionary of the class \($0)" } ?? "a dictionary"
    case .tensor: "a tensor"
    case .object: type.map { "an object of \($0)" } ?? "an object"
    default: "a value"
    }
  }

  private func applying(_ edits: [ID: [Int: PlaceEdit]]) throws(TensorIOError) -> ValueGraph {
    var graph = self
    for (container, changes) in edits {
      guard case .dictionary(let pairs) = self[container] else { continue }
      var kept: [(key: ID, value: ID)] = []
      var renamed: [(old: String, new: String)] = []
      // What has each key, as it was called.
      var keys: [ByteKey: String] = [:]
      for (index, pair) in pairs.enumerated() {
        switch changes[index] {
        case .drop: continue
        case .rename(let key):
          renamed.append((keyText(pair.key), key))
          kept.append((graph.add(.string(key)), pair.value))
        case .keep, nil:
          let key = keyText(pair.key)
          keys[ByteKey(key)] = key
          kept.append(pair)
        }
      }
      for (old, new) in renamed {
        guard let other = keys.updateValue(old, forKey: ByteKey(new)) else { continue }
        throw .invalidArgument(
          "two values would be called '\(new.escapedForDisplay)' in one dictionary: "
            + "'\(other.escapedForDisplay)' and '\(old.escapedForDisplay)'; rename to another, or "
            + "leave one out")
      }
      graph.replace(container, with: .dictionary(kept))
    }
    return graph
  }

  /// The value whose path, joined with dots, is `name`: containers too.
  package func value(named name: String, limits: DecodingLimits) throws(TensorIOError) -> ID? {
    var walk = GraphWalk(self, limits: limits)
    while let step = try walk.next() {
      for path in [walk.path, walk.stateDictPath]
      where path.joined(separator: ".").utf8.elementsEqual(name.utf8) {
        return step.id
      }
    }
    return nil
  }
}
