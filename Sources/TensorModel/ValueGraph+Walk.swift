public import ByteIO

extension ValueGraph {
  /// A value that is no container, with the keys that lead to it.
  public struct Leaf: Sendable {
    /// Dictionary keys and list indexes from the root.
    public let path: [String]
    /// The value.
    public let node: Node
    /// The value's index.
    public let id: ID
    /// The path without the attributes in which torch's modules keep their parameters, buffers and
    /// submodules, as `state_dict()` names it.
    public let stateDictPath: [String]
  }

  /// The tensors and other leaves in the order of the file.
  ///
  /// A container is entered once on each path; a cycle is not followed again.
  /// - Throws: `limit` when containers nest deeper than `limits.nestingDepth` or leaves outnumber
  ///   `limits.memberCount` (shared containers can multiply them).
  public func leaves(limits: DecodingLimits = DecodingLimits()) throws(TensorIOError) -> [Leaf] {
    var leaves: [Leaf] = []
    try forEachLeaf(limits: limits) { leaf in leaves.append(leaf) }
    return leaves
  }

  /// Visits the leaves in the order of the file.
  /// - Throws: as ``leaves(limits:)``.
  func forEachLeaf(
    limits: DecodingLimits, where wanted: (Node) -> Bool = { _ in true },
    _ body: (Leaf) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var leaves = 0
    var walk = GraphWalk(self, limits: limits)
    while let step = try walk.next() {
      guard step.isLeaf else { continue }
      leaves += 1
      guard leaves <= limits.memberCount else {
        throw .limit(
          "the number of values", leaves, over: limits.memberCount, raise: "memberCount")
      }
      let node = self[step.id]
      if wanted(node) {
        try body(
          Leaf(
            path: walk.path, node: node, id: step.id, stateDictPath: walk.stateDictPath))
      }
    }
  }

  /// The contents of a container with their keys, or nil for a leaf.
  ///
  /// Attributes of tensors and of plain containers are no contents.
  public func children(of id: ID) -> [(key: String, value: ID)]? {
    switch self[id] {
    case .list(let items), .tuple(let items), .set(let items):
      return items.enumerated().map { (String($0.offset), $0.element) }
    case .dictionary(let pairs): return pairs.map { (keyText($0.key), $0.value) }
    case .object(let object): return children(of: object)
    default: return nil
    }
  }

  private func children(of object: InertObject) -> [(key: String, value: ID)]? {
    if !object.parts.isEmpty { return object.parts.map { ($0.name, $0.value) } }
    var children: [(key: String, value: ID)] = []
    switch object.origin {
    case .global, .extension: return nil
    case .persistent(let id): children = [("<id>", id)]
    case .call(let callee, let arguments):
      children = calleePart(callee) + argumentParts(arguments)
    case .new(let callee, let arguments, let keywords):
      children = calleePart(callee) + argumentParts(arguments)
      if let keywords { children += self.children(of: keywords) ?? [] }
    }
    children += object.elements.enumerated().map { (String($0.offset), $0.element) }
    children += object.items.map { (keyText($0.key), $0.value) }
    for state in object.states {
      if case .dictionary(let pairs) = self[state] {
        children += pairs.map { (keyText($0.key), $0.value) }
      } else {
        children.append(("<state>", state))
      }
    }
    return children
  }

  private func argumentParts(_ arguments: ID) -> [(key: String, value: ID)] {
    guard case .tuple(let items) = self[arguments] else { return [] }
    return items.enumerated().map { ("<arg\($0.offset)>", $0.element) }
  }

  /// A callable that is itself the result of a call.
  private func calleePart(_ callee: ID) -> [(key: String, value: ID)] {
    if case .object(let object) = self[callee], case .global = object.origin { return [] }
    return [("<callee>", callee)]
  }

  /// Visits every value that the root leads to, containers before their contents, with its path.
  /// - Throws: `limit` as ``leaves(limits:)`` does, and what `body` throws.
  public func forEachValue(
    limits: DecodingLimits = DecodingLimits(), _ body: ([String], ID) throws -> Void
  ) throws {
    var walk = GraphWalk(self, limits: limits)
    while let step = try walk.next() { try body(walk.path, step.id) }
  }

  /// Everything that the root leads to, attributes and keys included, each once.
  package func reachable() -> [ID] {
    var seen: Set<ID> = [root]
    var order = [root]
    var next = 0
    while next < order.count {
      for part in parts(of: order[next]) where seen.insert(part).inserted { order.append(part) }
      next += 1
    }
    return order
  }

  private func parts(of id: ID) -> [ID] {
    var parts: [ID] = []
    switch self[id] {
    case .list(let items), .tuple(let items), .set(let items): parts = items
    case .dictionary(let pairs): for pair in pairs { parts += [pair.key, pair.value] }
    case .object(let object):
      switch object.origin {
      case .call(let callee, let arguments): parts = [callee, arguments]
      case .new(let callee, let arguments, let keywords):
        parts = [callee, arguments] + [keywords].compactMap { $0 }
      case .persistent(let key): parts = [key]
      case .global, .extension: break
      }
      parts += object.elements + object.states
      for pair in object.items { parts += [pair.key, pair.value] }
    default: break
    }
    if let traits = traits(of: id) { parts += traits.arguments + traits.states + traits.elements }
    return parts
  }

  /// A key as it is written in paths.
  package func keyText(_ id: ID) -> String {
    switch self[id] {
    case .string(let text): text
    case .int(let number): String(number)
    case .bigInteger(let digits): digits
    case .bool(let value): value ? "True" : "False"
    case .float(let value): "\(value)"
    case .none: "None"
    case .tuple(let items) where items.count <= 8:
      "(" + items.map { keyAtom($0) }.joined(separator: ", ") + (items.count == 1 ? ",)" : ")")
    default: typeName(of: id).map { "<\($0)>" } ?? "<key>"
    }
  }

  private func keyAtom(_ id: ID) -> String {
    if case .tuple = self[id] { return "(…)" }
    return keyText(id)
  }
}

/// A walk over everything that a graph's root leads to, in order, without recursion.
package struct GraphWalk {
  /// A node that was reached.
  package struct Step {
    package let id: ValueGraph.ID
    /// Whether it is no container.
    package let isLeaf: Bool
    /// Whether steps into it follow: none do into leaves, empty containers, and containers that
    /// lead back to themselves.
    package let hasContents: Bool
    /// Whether it is a container that is open further out.
    package let isCycle: Bool
  }

  private struct Frame {
    let id: ValueGraph.ID
    let children: [(key: String, value: ValueGraph.ID)]
    /// Whether `_modules`, `_parameters` and `_buffers` are attributes of a torch module here.
    let isObject: Bool
    /// Whether the container is open further out, and its contents are left out here.
    let isCycle: Bool
    /// Which visit this is, of all.
    let visit: Int
    var next = 0
  }

  /// What is walked over.
  package let graph: ValueGraph
  private let limits: DecodingLimits
  private var frames: [Frame] = []
  private var open: Set<ValueGraph.ID> = []
  private var hidden: [Bool] = []
  private var visits = 0
  private var isStarted = false
  /// The keys that lead to the last step.
  package private(set) var path: [String] = []
  private var isLeafOnPath = false

  package init(_ graph: ValueGraph, limits: DecodingLimits) {
    self.graph = graph
    self.limits = limits
  }

  /// The path as `state_dict()` has it.
  package var stateDictPath: [String] {
    hidden.contains(true) ? zip(path, hidden).filter { !$0.1 }.map(\.0) : path
  }

  /// The path with the folder as `state_dict()` has it and the last key as it is.
  package var shortPath: [String] {
    guard hidden.dropLast().contains(true), let last = path.last else { return path }
    return zip(path, hidden).dropLast().filter { !$0.1 }.map(\.0) + [last]
  }

  /// The containers that lead to the last step, outermost first: each with the number of its visit
  /// and the place of the next one in it.
  package var chain: [(container: ValueGraph.ID, visit: Int, index: Int)] {
    // Of the last frame nothing was taken when it is that of the step itself.
    frames.filter { $0.next > 0 }.map { ($0.id, $0.visit, $0.next - 1) }
  }

  /// The depth of the last step; 0 for the root.
  package var depth: Int { path.count }

  /// The number of the last step.
  package var visit: Int { visits }

  /// The next node: containers before their contents.
  package mutating func next() throws(TensorIOError) -> Step? {
    if !isStarted {
      isStarted = true
      return try enter(graph.root)
    }
    leaveLeaf()
    while let top = frames.indices.last {
      guard frames[top].next < frames[top].children.count else {
        let closed = frames.removeLast()
        if !closed.isCycle { open.remove(closed.id) }
        if !path.isEmpty {
          path.removeLast()
          hidden.removeLast()
        }
        continue
      }
      let (key, child) = frames[top].children[frames[top].next]
      frames[top].next += 1
      path.append(key)
      hidden.append(frames[top].isObject && Self.moduleAttributes.contains(key))
      return try enter(child)
    }
    return nil
  }

  private static let moduleAttributes: Set<String> = ["_modules", "_parameters", "_buffers"]

  private mutating func leaveLeaf() {
    guard isLeafOnPath else { return }
    isLeafOnPath = false
    if !path.isEmpty {
      path.removeLast()
      hidden.removeLast()
    }
  }

  private mutating func enter(_ id: ValueGraph.ID) throws(TensorIOError) -> Step {
    visits += 1
    // Containers count too: shared empty ones multiply without ever reaching a leaf.
    guard visits / 8 <= limits.memberCount else {
      throw .limit(
        "the number of containers", visits, over: limits.memberCount, raise: "memberCount")
    }
    // Asked before the contents: a list may hold itself a million times.
    let isCycle = open.contains(id)
    guard let children = isCycle ? [] : graph.children(of: id) else {
      isLeafOnPath = true
      return Step(id: id, isLeaf: true, hasContents: false, isCycle: false)
    }
    guard path.count < limits.nestingDepth else {
      throw .limit(
        "the nesting of values", path.count + 1, over: limits.nestingDepth, raise: "nestingDepth")
    }
    let isObject = if case .object = graph[id] { true } else { false }
    frames.append(
      Frame(id: id, children: children, isObject: isObject, isCycle: isCycle, visit: visits))
    if !isCycle { open.insert(id) }
    return Step(
      id: id, isLeaf: false, hasContents: !children.isEmpty, isCycle: isCycle)
  }
}
