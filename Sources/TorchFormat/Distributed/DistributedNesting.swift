internal import ByteIO
internal import TensorModel

/// Puts values back where they lay before torch gave each one name.
///
/// Texts are keys of dictionaries, integers places in lists.
struct DistributedNesting {
  private struct Node {
    var value: ValueGraph.ID?
    var children: [(key: DistributedMetadata.Key, node: Int)] = []
    var places: [DistributedMetadata.Key: Int] = [:]
  }

  private let limits: DecodingLimits
  private var nodes = [Node()]

  init(limits: DecodingLimits) { self.limits = limits }

  /// - Throws: `malformed` when something else is in this place; `limit` for a path that is too long.
  mutating func add(
    _ value: ValueGraph.ID, at path: [DistributedMetadata.Key]
  ) throws(TensorIOError) {
    guard path.count <= limits.nestingDepth else {
      throw .limit(
        "the nesting of a value", path.count, over: limits.nestingDepth, raise: "nestingDepth")
    }
    var node = 0
    for key in path {
      if let next = nodes[node].places[key] {
        node = next
      } else {
        nodes.append(Node())
        nodes[node].places[key] = nodes.count - 1
        nodes[node].children.append((key, nodes.count - 1))
        node = nodes.count - 1
      }
      guard nodes[node].value == nil else { throw Self.conflict }
    }
    guard nodes[node].children.isEmpty else { throw Self.conflict }
    nodes[node].value = value
  }

  private static var conflict: TensorIOError {
    .malformed("planner_data puts two values in one place")
  }

  /// Adds the containers to the graph; those inside are made before those around them.
  func root(_ graph: inout ValueGraph) throws(TensorIOError) -> ValueGraph.ID {
    var ids: [ValueGraph.ID?] = Array(repeating: nil, count: nodes.count)
    for (number, node) in nodes.enumerated().reversed() {
      if let value = node.value {
        ids[number] = value
      } else if number > 0, let items = Self.list(node) {
        ids[number] = graph.add(.list(items.compactMap { ids[$0] }))
      } else {
        var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
        for child in node.children {
          guard let id = ids[child.node] else { continue }
          switch child.key {
          case .text(let text): pairs.append((graph.add(.string(text.text)), id))
          case .index(let index): pairs.append((graph.add(.int(Int64(index))), id))
          }
        }
        ids[number] = graph.add(.dictionary(pairs))
      }
    }
    return ids[0] ?? graph.add(.dictionary([]))
  }

  /// The items of a list, where the keys are all its indexes.
  private static func list(_ node: Node) -> [Int]? {
    var items: [Int?] = Array(repeating: nil, count: node.children.count)
    for child in node.children {
      guard case .index(let index) = child.key, items.indices.contains(index) else { return nil }
      items[index] = child.node
    }
    let found = items.compactMap { $0 }
    return found.count == items.count ? found : nil
  }
}
