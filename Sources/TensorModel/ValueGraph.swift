public import ByteIO

/// The nested values of a file: dictionaries, lists, scalars, bytes and tensors.
///
/// Nodes lie in one array and refer to each other by index, so nesting of any depth costs no stack
/// when it is built or freed, objects that occur twice keep their identity, and cycles can be
/// stored and noticed.
public struct ValueGraph: Sendable {
  /// The index of a node.
  public struct ID: Sendable, Hashable {
    let index: Int
  }

  /// One value.
  public enum Node: Sendable {
    case none
    case bool(Bool)
    case int(Int64)
    /// An integer past 64 bits, in decimal.
    case bigInteger(String)
    case float(Double)
    case complex(Double, Double)
    case string(String)
    /// Bytes, read when somebody asks for them.
    case bytes(any ByteSource)
    case list([ID])
    case tuple([ID])
    case set([ID])
    /// Keys and values in the order of the file.
    case dictionary([(key: ID, value: ID)])
    case tensor(Tensor)
  }

  private var nodes: [Node]
  /// The outermost value.
  public private(set) var root: ID

  /// A graph of one value.
  public init(_ root: Node) {
    nodes = [root]
    self.root = ID(index: 0)
  }

  /// The value of a node.
  public subscript(id: ID) -> Node { nodes[id.index] }

  /// Adds a node.
  public mutating func add(_ node: Node) -> ID {
    nodes.append(node)
    return ID(index: nodes.count - 1)
  }

  /// Makes `id` the outermost value.
  public mutating func setRoot(_ id: ID) { root = id }

  /// A graph of a dictionary with text keys.
  public init(dictionary: [(String, Node)]) {
    self.init(.none)
    var pairs: [(key: ID, value: ID)] = []
    for (key, node) in dictionary { pairs.append((add(.string(key)), add(node))) }
    root = add(.dictionary(pairs))
  }

  /// A graph of a list.
  public init(list: [Node]) {
    self.init(.none)
    var items: [ID] = []
    for node in list { items.append(add(node)) }
    root = add(.list(items))
  }
}

extension ValueGraph {
  /// A value that is no container, with the keys that lead to it.
  public struct Leaf: Sendable {
    /// Dictionary keys and list indexes from the root.
    public let path: [String]
    /// The value.
    public let node: Node
  }

  /// The tensors and other leaves in the order of the file.
  ///
  /// A container is entered once on each path; a cycle is not followed again.
  /// - Throws: `limit` when containers nest deeper than `limits.nestingDepth` or leaves outnumber
  ///   `limits.memberCount` (shared containers can multiply them).
  public func leaves(limits: DecodingLimits = DecodingLimits()) throws(TensorIOError) -> [Leaf] {
    var leaves: [Leaf] = []
    var pending: [(id: ID, path: [String], ancestors: [ID])] = [(root, [], [])]
    var visits = 0
    while let (id, path, ancestors) = pending.popLast() {
      visits += 1
      // Containers count too: shared empty ones multiply without ever reaching a leaf.
      guard visits / 8 <= limits.memberCount else {
        throw .limit(
          "the number of containers", visits, over: limits.memberCount, raise: "memberCount")
      }
      guard let children = children(of: id) else {
        guard leaves.count < limits.memberCount else {
          throw .limit(
            "the number of values", leaves.count + 1, over: limits.memberCount,
            raise: "memberCount")
        }
        leaves.append(Leaf(path: path, node: self[id]))
        continue
      }
      guard path.count < limits.nestingDepth else {
        throw .limit(
          "the nesting of values", path.count + 1, over: limits.nestingDepth,
          raise: "nestingDepth")
      }
      if ancestors.contains(id) { continue }
      for (key, child) in children.reversed() {
        pending.append((child, path + [key], ancestors + [id]))
      }
    }
    return leaves
  }

  private func children(of id: ID) -> [(String, ID)]? {
    switch self[id] {
    case .list(let items), .tuple(let items), .set(let items):
      items.enumerated().map { (String($0.offset), $0.element) }
    case .dictionary(let pairs):
      pairs.map { (keyText($0.key), $0.value) }
    default: nil
    }
  }

  private func keyText(_ id: ID) -> String {
    switch self[id] {
    case .string(let text): text
    case .int(let number): String(number)
    case .bigInteger(let digits): digits
    case .bool(let value): value ? "True" : "False"
    case .float(let value): "\(value)"
    case .none: "None"
    default: "<key>"
    }
  }
}

extension ValueGraph {
  /// The same graph with every tensor replaced.
  public func mapTensors(_ transform: (Tensor) -> Tensor) -> ValueGraph {
    var graph = self
    for index in graph.nodes.indices {
      if case .tensor(let tensor) = graph.nodes[index] {
        graph.nodes[index] = .tensor(transform(tensor))
      }
    }
    return graph
  }
}
