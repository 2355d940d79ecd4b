internal import ByteIO
internal import TensorIO

/// What a format without nesting has no place for beside the values themselves: containers without
/// values in them, and attributes of containers.
struct ContainerWalk {
  private struct Container {
    let key: String
    let id: ValueGraph.ID
    /// The number of the container around it.
    let outer: Int?
    let isCycle: Bool
    var hasValues = false
  }

  private let values: ValueGraph
  private var containers: [Container] = []

  init(_ archive: TensorArchive) throws(TensorIOError) {
    values = archive.values
    var open: [Int] = []
    // The limits were kept when the archive was made.
    var walk = GraphWalk(values, limits: .unlimited)
    while let step = try walk.next() {
      open.removeLast(open.count - walk.depth)
      guard !step.isLeaf else {
        for index in open.reversed() {
          if containers[index].hasValues { break }
          containers[index].hasValues = true
        }
        continue
      }
      let isCycle = !step.hasContents && values.children(of: step.id)?.isEmpty == false
      containers.append(
        Container(key: walk.path.last ?? "", id: step.id, outer: open.last, isCycle: isCycle))
      open.append(containers.count - 1)
    }
  }

  /// - Parameter start: the number of differences of containers that there are; of more than losses
  ///   are declared of containers, one stands for all.
  func note(from start: Int, _ notes: inout DifferenceNotes) {
    for (index, container) in containers.enumerated() {
      guard notes.all.count - start < Flattening.mostContainerLosses else {
        return notes.add(.values, "", "more containers", nil)
      }
      noteAttributes(of: container, index, &notes)
      guard !container.hasValues, let outer = container.outer,
        // What an object has of them tells how its class is made; of others the outermost tells all.
        containers[outer].hasValues ? !isObject(outer) : containers[outer].outer == nil
      else { continue }
      notes.add(
        .values, name(of: index),
        container.isCycle ? "a container around it" : values.kindText(of: container.id), nil)
    }
  }

  private func isObject(_ index: Int) -> Bool {
    if case .object = values[containers[index].id] { return true }
    return false
  }

  private func noteAttributes(
    of container: Container, _ index: Int, _ notes: inout DifferenceNotes
  ) {
    // The state of an object is what lies in it.
    guard !isObject(index), let states = values.traits(of: container.id)?.states, !states.isEmpty
    else { return }
    notes.add(.attributes, name(of: index), "attributes", nil)
  }

  private func name(of index: Int) -> String {
    var keys: [String] = []
    var next = index
    while let outer = containers[next].outer {
      keys.append(containers[next].key)
      next = outer
    }
    return keys.reversed().joined(separator: ".")
  }
}
